from __future__ import annotations

import hashlib
import struct

import pytest
from asn1crypto import cms, core
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.release.secureboot.authenticode import make_signature
from tools.release.secureboot.certificates import CertificateError, fingerprint
from tools.release.secureboot.pe import parse
from tools.release.secureboot.sign import sign
from tools.release.secureboot.signers import FileKey
from tools.release.secureboot.testing import (
    CERTIFICATE_DIRECTORY,
    CHECKSUM,
    certify,
    make_pair,
    make_program,
)
from tools.release.secureboot.verify import Finding, verify

PAIR = make_pair("the signer")
OTHER = make_pair("another")
TRUSTED = [PAIR.certificate]
PROGRAM = make_program([b"code" * 64, b"data" * 64])
SIGNED = sign(PROGRAM, PAIR.signer)


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def bits(start: int, end: int) -> st.SearchStrategy[int]:
    return st.integers(start * 8, end * 8 - 1)


def test_a_signed_program_says_whose_it_is() -> None:
    verdict = verify(SIGNED, [OTHER.certificate, PAIR.certificate])
    assert verdict.finding is Finding.SIGNED
    assert verdict.signer == fingerprint(PAIR.certificate)


def test_each_finding_has_its_name() -> None:
    assert verify(PROGRAM, TRUSTED).finding is Finding.NO_SIGNATURE
    assert verify(flipped(SIGNED, 8 * len(PROGRAM) - 1), TRUSTED).finding is Finding.HASH_MISMATCH
    assert verify(SIGNED, [OTHER.certificate]).finding is Finding.UNKNOWN_SIGNER
    assert verify(SIGNED, []).finding is Finding.UNKNOWN_SIGNER
    assert verify(flipped(SIGNED, 8 * SIGNED.rindex(_value())), TRUSTED).finding is (
        Finding.BAD_SIGNATURE
    )
    assert verify(SIGNED[:-1], TRUSTED).finding is Finding.MALFORMED
    assert verify(b"", TRUSTED).finding is Finding.MALFORMED


def _value() -> bytes:
    return _signer_info(SIGNED)["signature"].native  # type: ignore[no-any-return]


def _signer_info(signed: bytes) -> cms.SignerInfo:
    return cms.ContentInfo.load(parse(signed).signatures()[0])["content"]["signer_infos"][0]


@settings(deadline=None)
@given(st.one_of(bits(0, CHECKSUM), bits(CHECKSUM + 4, len(PROGRAM))))
def test_a_flipped_bit_in_the_hashed_parts_or_the_directory_is_refused(bit: int) -> None:
    verdict = verify(flipped(SIGNED, bit), TRUSTED)
    in_directory = CERTIFICATE_DIRECTORY <= bit // 8 < CERTIFICATE_DIRECTORY + 8
    expected = {Finding.MALFORMED} if in_directory else {Finding.HASH_MISMATCH, Finding.MALFORMED}
    assert verdict.finding in expected


@settings(deadline=None)
@given(bits(CHECKSUM, CHECKSUM + 4))
def test_checksum_is_not_what_is_signed(bit: int) -> None:
    assert verify(flipped(SIGNED, bit), TRUSTED).is_signed


@settings(deadline=None)
@given(bits(len(PROGRAM), len(SIGNED)))
def test_a_flipped_bit_in_the_signature_never_makes_more_than_a_finding(bit: int) -> None:
    """Some bits are of no account: those of the certificate that is sent along, of padding."""
    verdict = verify(flipped(SIGNED, bit), TRUSTED)
    assert verdict.signer in (None, fingerprint(PAIR.certificate))


@settings(deadline=None)
@given(st.data())
def test_a_flipped_bit_in_the_signed_attributes_or_their_signature_is_refused(
    data: st.DataObject,
) -> None:
    info = _signer_info(SIGNED)
    part = data.draw(st.sampled_from([info["signed_attrs"].dump(), _value()]))
    start = SIGNED.rindex(part)
    bit = data.draw(bits(start, start + len(part)))
    assert verify(flipped(SIGNED, bit), TRUSTED).finding in (
        Finding.BAD_SIGNATURE,
        Finding.MALFORMED,
    )


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_signature_is_malformed(junk: bytes) -> None:
    program = parse(PROGRAM).with_signature(b"0" + junk)
    assert verify(program, TRUSTED).finding is Finding.MALFORMED


IMPOSTOR = certify(OTHER.key, "the signer")
"""Has the name and the number of the signer's certificate, and another key."""


def test_a_certificate_of_the_same_name_is_not_the_signers() -> None:
    assert verify(SIGNED, [IMPOSTOR]).finding is Finding.BAD_SIGNATURE
    assert verify(SIGNED, [IMPOSTOR, PAIR.certificate]).signer == fingerprint(PAIR.certificate)
    by_impostor = sign(PROGRAM, FileKey(IMPOSTOR, OTHER.key))
    assert verify(by_impostor, TRUSTED).finding is Finding.BAD_SIGNATURE


# What other verifiers have let through.


def with_value(signed: bytes, message: bytes) -> bytes:
    """The signature's value replaced by one over another message, by the right key."""
    value: bytes = _signer_info(signed)["signature"].native
    return signed.replace(value, PAIR.signer.sign(message))


def attributes(signed: bytes) -> bytes:
    """As they are signed."""
    return b"\x31" + bytes(_signer_info(signed)["signed_attrs"].dump()[1:])


def test_our_way_to_replace_the_value_makes_good_signatures() -> None:
    assert with_value(SIGNED, attributes(SIGNED)) == SIGNED


def test_a_signature_over_the_hash_of_the_hash() -> None:
    twice = with_value(SIGNED, hashlib.sha256(attributes(SIGNED)).digest())
    assert verify(twice, TRUSTED).finding is Finding.BAD_SIGNATURE


def test_a_signature_over_the_attributes_as_they_are_stored() -> None:
    stored = with_value(SIGNED, _signer_info(SIGNED)["signed_attrs"].dump())
    assert verify(stored, TRUSTED).finding is Finding.BAD_SIGNATURE


def test_attributes_about_the_content_with_its_tag_and_length() -> None:
    content = _indirect_data(SIGNED)
    over_value = hashlib.sha256(content.contents).digest()
    changed = SIGNED.replace(over_value, hashlib.sha256(content.dump()).digest())
    assert changed != SIGNED
    changed = with_value(changed, attributes(changed))
    assert verify(changed, TRUSTED).finding is Finding.BAD_SIGNATURE


def test_the_hash_of_another_program_under_a_good_signature() -> None:
    other = make_program([b"evil" * 64, b"data" * 64])
    signature = parse(SIGNED).signatures()[0]
    moved = parse(other).with_signature(signature)
    assert verify(moved, TRUSTED).finding is Finding.HASH_MISMATCH
    claimed = signature.replace(parse(PROGRAM).digest(), parse(other).digest())
    moved = parse(other).with_signature(claimed)
    assert verify(moved, TRUSTED).finding is Finding.BAD_SIGNATURE


def _indirect_data(signed: bytes) -> core.Sequence:
    content = cms.ContentInfo.load(parse(signed).signatures()[0])["content"]["encap_content_info"]
    return core.Sequence.load(content["content"].dump()[2:])  # behind the tag [0] and its length


def test_one_good_signature_of_several_is_enough() -> None:
    first, second = sign(PROGRAM, OTHER.signer), SIGNED
    table = first[len(PROGRAM) :] + second[len(PROGRAM) :]
    both = bytearray(PROGRAM + table)
    struct.pack_into("<II", both, CERTIFICATE_DIRECTORY, len(PROGRAM), len(table))
    assert verify(bytes(both), TRUSTED).is_signed
    assert verify(bytes(both), [make_pair("a third").certificate]).finding is Finding.UNKNOWN_SIGNER


def test_what_is_trusted_must_be_a_certificate() -> None:
    with pytest.raises(CertificateError, match="expected one X.509 certificate"):
        verify(SIGNED, [b"no certificate"])


def test_sha1_is_refused_by_name() -> None:
    signature = make_signature(parse(PROGRAM).digest(), PAIR.signer)
    info = cms.ContentInfo.load(signature)
    info["content"]["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}
    weak = parse(PROGRAM).with_signature(info.dump(force=True))
    verdict = verify(weak, TRUSTED)
    assert verdict.finding is Finding.MALFORMED
    assert "expected sha256, found sha1" in verdict.detail
