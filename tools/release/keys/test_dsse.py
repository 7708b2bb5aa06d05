"""Envelopes: securesystemslib reads ours, we read its, and nothing that was changed is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner

from tools.release.errors import ReleaseError
from tools.release.keys.dsse import Sealed, open_sealed, seal, unverified
from tools.release.keys.errors import Reason, SignatureRefused
from tools.release.keys.file_key import FileKey
from tools.release.keys.testing import flipped, make_key, stranger

KEY, OTHER = make_key("one"), make_key("another")
KIND = "application/vnd.in-toto+json"
PAYLOAD = '{"_type": "…"}\n'.encode()
SEALED = seal(KEY, PAYLOAD, KIND)


@pytest.mark.parametrize("payload", [PAYLOAD, b"", bytes(range(256))])
def test_securesystemslib_verifies_ours(payload: bytes) -> None:
    data = seal(KEY, payload, KIND)
    envelope = Envelope.from_dict(json.loads(data))
    assert (envelope.payload, envelope.payload_type) == (payload, KIND)
    assert set(envelope.verify([stranger(KEY.public_key)], 1)) == {KEY.public_key.name}
    with pytest.raises(VerificationError):
        envelope.verify([stranger(OTHER.public_key)], 1)


def test_we_open_securesystemslibs() -> None:
    envelope = Envelope(PAYLOAD, KIND, {})
    privates = [Ed25519PrivateKey.generate() for _ in range(2)]
    keys = [FileKey.of(private).public_key for private in privates]
    for private, key in zip(privates, keys):
        envelope.sign(CryptoSigner(private, stranger(key)))
    data = json.dumps(envelope.to_dict(), indent=1).encode()
    assert [open_sealed(key, data) for key in keys] == [Sealed(PAYLOAD, KIND)] * 2
    with pytest.raises(SignatureRefused) as refused:
        open_sealed(OTHER.public_key, data)
    assert refused.value.reason is Reason.OTHER_KEY


def test_an_envelope_has_one_canonical_form() -> None:
    assert seal(KEY, PAYLOAD, KIND) == SEALED
    assert encode_canonical(json.loads(SEALED)) == SEALED.decode()
    assert open_sealed(KEY.public_key, SEALED) == unverified(SEALED) == Sealed(PAYLOAD, KIND)


def test_what_is_signed_is_the_protocols_example() -> None:
    data = seal(KEY, b"hello world", "http://example.com/HelloWorld")
    signature = bytes.fromhex(
        next(iter(Envelope.from_dict(json.loads(data)).signatures.values())).signature
    )
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert KEY.public_key.verifies(signature, expected)


def edited(change: Callable[[Any], object]) -> bytes:
    envelope = json.loads(SEALED)
    change(envelope)
    return json.dumps(envelope).encode()


REFUSED = {
    "nothing": (b"", Reason.MALFORMED),
    "no JSON": (SEALED[:-1], Reason.MALFORMED),
    "no object": (b"[]", Reason.MALFORMED),
    "deep": (b"[" * 100_000, Reason.MALFORMED),
    "not UTF-8": (b"\xff", Reason.MALFORMED),
    "no signature": (edited(lambda it: it.update(signatures=[])), Reason.MALFORMED),
    "a field less": (edited(lambda it: it.pop("payloadType")), Reason.MALFORMED),
    "another type of field": (edited(lambda it: it.update(payload=1)), Reason.MALFORMED),
    "no base64": (edited(lambda it: it.update(payload="?")), Reason.MALFORMED),
    "sig no base64": (edited(lambda it: it["signatures"][0].update(sig="?")), Reason.MALFORMED),
    "another key's": (seal(OTHER, PAYLOAD, KIND), Reason.OTHER_KEY),
    "another type": (edited(lambda it: it.update(payloadType="text/x")), Reason.BAD_SIGNATURE),
    "another payload": (edited(lambda it: it.update(payload="eA==")), Reason.BAD_SIGNATURE),
    "a short sig": (
        edited(lambda it: it["signatures"][0].update(sig="eA==")),
        Reason.BAD_SIGNATURE,
    ),
    "moved border": (
        edited(lambda it: it.update(payload="", payloadType=f"{KIND} {PAYLOAD.decode()}")),
        Reason.BAD_SIGNATURE,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    data, reason = REFUSED[case]
    with pytest.raises(SignatureRefused) as refused:
        open_sealed(KEY.public_key, data)
    assert refused.value.reason is reason and str(refused.value)


@given(st.integers(min_value=0))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_or_means_the_same(bit: int) -> None:
    try:
        assert open_sealed(KEY.public_key, flipped(SEALED, bit)) == Sealed(PAYLOAD, KIND)
    except SignatureRefused:
        pass


@given(st.binary() | st.text().map(lambda text: json.dumps(text).encode()))
@settings(deadline=None)
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SignatureRefused):
        open_sealed(KEY.public_key, data)


@pytest.mark.parametrize("kind", ["", "a\nb", "größer"])
def test_a_type_must_be_one(kind: str) -> None:
    with pytest.raises(ReleaseError, match="media type"):
        seal(KEY, PAYLOAD, kind)
