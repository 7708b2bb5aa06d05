"""Revocations: who may revoke what, and that a revoked key stays revoked."""

from __future__ import annotations

import datetime
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.release.errors import ReleaseError
from tools.release.keys import dsse, rotation, statements
from tools.release.keys.errors import KeyReason, KeyRefused, Reason, SignatureRefused
from tools.release.keys.file_key import FileKey
from tools.release.keys.public_key import PublicKey
from tools.release.keys.revocation import NONE, PAYLOAD_TYPE, Revocation, Revocations, revoke
from tools.release.keys.testing import flipped, make_key, succession

ROOT, KEY, OTHER = make_key("root"), make_key("one"), make_key("another")


def revocation(key: PublicKey, reason: str = "lost") -> Revocation:
    return Revocation(key=key, date=datetime.date(2026, 10, 1), reason=reason)


def line(signer: FileKey, key: PublicKey, reason: str = "lost") -> bytes:
    return statements.seal(signer, revocation(key, reason), PAYLOAD_TYPE)


BY_ROOT = line(ROOT, KEY.public_key)
BY_ITSELF = line(OTHER, OTHER.public_key, "leaked")


def test_the_root_and_the_key_itself_may_revoke() -> None:
    revocations = Revocations.parse(BY_ROOT + BY_ITSELF, ROOT.public_key)
    revocations.check(ROOT.public_key.key_id)
    for key, reason in ((KEY, "lost"), (OTHER, "leaked")):
        with pytest.raises(KeyRefused, match=f"on 2026-10-01: '{reason}'") as refusal:
            revocations.check(key.public_key.key_id)
        assert refusal.value.reason is KeyReason.REVOKED
        assert key.public_key.name in str(refusal.value)


def test_an_empty_list_revokes_nothing() -> None:
    for revocations in (NONE, Revocations.parse(b"", ROOT.public_key)):
        revocations.check(KEY.public_key.key_id)


def test_another_key_may_not() -> None:
    with pytest.raises(SignatureRefused) as refusal:
        Revocations.parse(BY_ROOT + line(OTHER, KEY.public_key), ROOT.public_key)
    assert refusal.value.reason is Reason.OTHER_KEY and str(refusal.value).startswith("line 2: ")


def test_a_borrowed_key_id_revokes_nothing() -> None:
    borrowed = PublicKey(KEY.public_key.key_id, OTHER.public_key.point)
    forged = FileKey(borrowed, OTHER._key)
    with pytest.raises(SignatureRefused) as refusal:
        Revocations.parse(line(forged, borrowed), ROOT.public_key)
    assert refusal.value.reason is Reason.OTHER_KEY


def test_a_statement_of_another_kind_is_none() -> None:
    sealed = statements.seal(KEY, succession("one", "another", "1.0.0"), rotation.PAYLOAD_TYPE)
    with pytest.raises(SignatureRefused, match="key-revocation"):
        Revocations.parse(sealed, ROOT.public_key)
    content = dsse.unverified(sealed).payload
    with pytest.raises(SignatureRefused, match="line 1: "):
        Revocations.parse(dsse.seal(KEY, content, PAYLOAD_TYPE) + b"\n", ROOT.public_key)


def test_revoking_makes_the_list_longer(tmp_path: Path) -> None:
    path = tmp_path / "revoked"
    revoke(path, ROOT, revocation(KEY.public_key), ROOT.public_key)
    revoke(path, OTHER, revocation(OTHER.public_key, "leaked"), ROOT.public_key)
    assert path.read_bytes() == BY_ROOT + BY_ITSELF
    revoke(path, ROOT, revocation(KEY.public_key, "again"), ROOT.public_key)
    with pytest.raises(KeyRefused, match="'lost'"):
        Revocations.parse(path.read_bytes(), ROOT.public_key).check(KEY.public_key.key_id)


def test_all_who_write_at_once_are_heard(tmp_path: Path) -> None:
    path, keys = tmp_path / "revoked", [make_key(name) for name in "abcdefgh"]
    fork = multiprocessing.get_context("fork")
    writers = [
        fork.Process(target=revoke, args=(path, key, revocation(key.public_key), ROOT.public_key))
        for key in keys
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = Revocations.parse(path.read_bytes(), ROOT.public_key)
    assert found.by_key.keys() == {key.public_key.key_id for key in keys}


def test_a_list_that_is_not_good_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "revoked"
    path.write_bytes(BY_ROOT[:-9])
    with pytest.raises(SignatureRefused):
        revoke(path, OTHER, revocation(OTHER.public_key), ROOT.public_key)
    assert path.read_bytes() == BY_ROOT[:-9]
    path.write_bytes(BY_ROOT)
    with pytest.raises(SignatureRefused):
        revoke(path, KEY, revocation(OTHER.public_key), ROOT.public_key)
    assert path.read_bytes() == BY_ROOT


@given(st.integers(min_value=0))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_or_means_the_same(bit: int) -> None:
    content = BY_ROOT + BY_ITSELF
    try:
        found = Revocations.parse(flipped(content, bit), ROOT.public_key)
    except SignatureRefused:
        return
    assert found == Revocations.parse(content, ROOT.public_key)


@given(st.binary(min_size=1))
@settings(deadline=None)
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ReleaseError):
        Revocations.parse(content, ROOT.public_key)
