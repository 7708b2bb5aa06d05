"""Our signatures before Debian's sbsigntool and OpenSSL, theirs before our verifier."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tools.release.keys.errors import KeyUnusable
from tools.release.secureboot.authenticode import read_signature
from tools.release.secureboot.pe import MalformedProgram, checksum, parse
from tools.release.secureboot.sign import sign, strip
from tools.release.secureboot.signers import FileKey
from tools.release.secureboot.testing import CHECKSUM, make_pair, make_program, run
from tools.release.secureboot.verify import Finding, verify

PAIR = make_pair("the signer")
PROGRAMS = {
    "plain": make_program([b"code" * 128, b"data" * 128]),
    "reversed table": make_program([b"code" * 128, b"data" * 128], reverse_table=True),
    "trailing bytes": make_program([b"code" * 128], b"symbols"),
    "an odd section": make_program([b"code" * 128, b"x" * 333]),
}
programs = pytest.mark.parametrize("name", PROGRAMS)


@programs
def test_sbverify_accepts_what_we_sign(name: str, tmp_path: Path) -> None:
    _, certificate = PAIR.write(tmp_path)
    signed = tmp_path / "signed.efi"
    signed.write_bytes(sign(PROGRAMS[name], PAIR.signer))
    assert run("sbverify", "--cert", certificate, signed).returncode == 0
    _, other = make_pair("another").write(tmp_path)
    assert run("sbverify", "--cert", other, signed).returncode != 0


@programs
def test_we_accept_what_sbsign_signs_and_both_hashes_are_equal(name: str, tmp_path: Path) -> None:
    signed = sbsigned(PROGRAMS[name], tmp_path)
    assert verify(signed, [PAIR.certificate]).is_signed
    parsed = parse(signed)
    assert read_signature(parsed.signatures()[0]).digest == parse(PROGRAMS[name]).digest()
    assert checksum(signed, CHECKSUM) == struct.unpack_from("<I", signed, CHECKSUM)[0]


@programs
def test_strip_leaves_what_sbattach_leaves(name: str, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.efi"
    theirs.write_bytes(sbsigned(PROGRAMS[name], tmp_path))
    assert run("sbattach", "--remove", theirs).returncode == 0
    assert strip(sign(PROGRAMS[name], PAIR.signer)) == theirs.read_bytes()
    assert strip(theirs.read_bytes()) == theirs.read_bytes() == strip(PROGRAMS[name])
    assert verify(theirs.read_bytes(), [PAIR.certificate]).finding is Finding.NO_SIGNATURE


def sbsigned(program: bytes, folder: Path) -> bytes:
    key, certificate = PAIR.write(folder)
    source, signed = folder / "source.efi", folder / "sbsigned.efi"
    source.write_bytes(program)
    done = run("sbsign", "--key", key, "--cert", certificate, "--output", signed, source)
    assert done.returncode == 0, done.stderr
    return signed.read_bytes()


def test_openssl_reads_the_signature(tmp_path: Path) -> None:
    signature = tmp_path / "signature.der"
    signature.write_bytes(parse(sign(PROGRAMS["plain"], PAIR.signer)).signatures()[0])
    printed = run("openssl", "pkcs7", "-inform", "der", "-in", signature, "-noout", "-print_certs")
    assert printed.returncode == 0
    assert "the signer" in printed.stdout


@programs
def test_signing_again_gives_the_same_bytes_whoever_signed_before(name: str) -> None:
    once = sign(PROGRAMS[name], PAIR.signer)
    assert sign(PROGRAMS[name], PAIR.signer) == once
    assert sign(once, PAIR.signer) == once
    assert sign(sign(once, make_pair("another").signer), PAIR.signer) == once


def test_a_longer_key() -> None:
    pair = make_pair("long", 3072)
    assert verify(sign(PROGRAMS["plain"], pair.signer), [pair.certificate]).is_signed


def test_a_signer_with_anothers_certificate_makes_no_signature() -> None:
    mismatched = FileKey(make_pair("another").certificate, PAIR.key)
    with pytest.raises(KeyUnusable, match="does not verify with its certificate"):
        sign(PROGRAMS["plain"], mismatched)


def test_what_is_no_program_is_not_signed() -> None:
    with pytest.raises(MalformedProgram):
        sign(b"#!/bin/sh\n", PAIR.signer)
    with pytest.raises(MalformedProgram):
        strip(b"#!/bin/sh\n")
