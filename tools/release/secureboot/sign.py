"""Signing EFI programs for Secure Boot, and taking signatures off again."""

from __future__ import annotations

from tools.release.secureboot.authenticode import make_signature
from tools.release.secureboot.pe import parse
from tools.release.secureboot.signers import RsaSigner


def sign(program: bytes, signer: RsaSigner) -> bytes:
    """The program with one signature, in place of any it has: signing again gives the same bytes.

    Raises MalformedProgram; KeyUnusable and CertificateError of the signer.
    """
    parsed = parse(program)
    return parsed.with_signature(make_signature(parsed.digest(), signer))


def strip(program: bytes) -> bytes:
    """The program without signatures, its size a multiple of 8 bytes, CheckSum correct. Raises MalformedProgram."""
    return parse(program).without_signatures()
