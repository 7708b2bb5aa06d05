"""Whether an EFI program is signed, by whom, and if not why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tools.release.secureboot.authenticode import (
    MalformedSignature,
    read_signature,
)
from tools.release.secureboot.certificates import fingerprint, public_key
from tools.release.secureboot.pe import MalformedProgram, parse


class Finding(StrEnum):
    """The one good answer, and the others."""

    SIGNED = "signed"
    NO_SIGNATURE = "no signature"
    HASH_MISMATCH = "hash mismatch"
    UNKNOWN_SIGNER = "unknown signer"
    BAD_SIGNATURE = "bad signature"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class Verdict:
    """What was found."""

    finding: Finding
    detail: str
    """For a person: what was expected, what was found."""
    signer: str | None = None
    """Of a signed program: the SHA-256 of the trusted certificate, as hexadecimal."""

    @property
    def is_signed(self) -> bool:
        """Whether a trusted key signed just this program."""
        return self.finding is Finding.SIGNED


def verify(program: bytes, trusted: Sequence[bytes]) -> Verdict:
    """Judge a program by the certificates (DER) that are trusted, as firmware does with those in its `db`.

    As with firmware, one good signature of several is enough and a certificate's dates are not looked at. Unlike there,
    a certificate stands for its own key only, not for others that it has certified. Raises CertificateError when a
    trusted certificate is none.
    """
    for certificate in trusted:
        public_key(certificate)
    try:
        parsed = parse(program)
        encoded = parsed.signatures()
    except MalformedProgram as error:
        return Verdict(Finding.MALFORMED, str(error))
    if not encoded:
        return Verdict(Finding.NO_SIGNATURE, "the program has no certificate table")
    verdicts = [_judge(one, parsed.digest(), trusted) for one in encoded]
    return next((verdict for verdict in verdicts if verdict.is_signed), verdicts[0])


def _judge(encoded: bytes, digest: bytes, trusted: Sequence[bytes]) -> Verdict:
    try:
        signature = read_signature(encoded)
    except MalformedSignature as error:
        return Verdict(Finding.MALFORMED, str(error))
    if signature.digest != digest:
        return Verdict(
            Finding.HASH_MISMATCH,
            f"the signature is over a program with the hash {signature.digest.hex()}, this one has {digest.hex()}",
        )
    named = [certificate for certificate in trusted if signature.is_of(certificate)]
    if not named:
        return Verdict(
            Finding.UNKNOWN_SIGNER,
            f"the signer's certificate (serial number {signature.serial:x}) is none of the {len(trusted)} trusted",
        )
    for certificate in named:
        if signature.is_valid(certificate):
            name = fingerprint(certificate)
            return Verdict(Finding.SIGNED, f"signed with the certificate {name}", name)
    return Verdict(
        Finding.BAD_SIGNATURE, "the signature is not by the key of the certificate that it names"
    )
