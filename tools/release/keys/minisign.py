"""Signatures that minisign reads, and minisign's own (https://jedisct1.github.io/minisign/).

Only prehashed ones (`ED`: of the message's BLAKE2b-512), which minisign makes since 0.10. In the legacy form (`Ed`) the
message itself is signed, so that a signature made for something else could be passed off as one of a file.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from tools.release.errors import ReleaseError
from tools.release.keys.errors import Reason, SignatureRefused
from tools.release.keys.public_key import (
    ID_SIZE,
    SIGNATURE_SIZE,
    PublicKey,
    Signer,
    decode_base64,
    name_of,
)

__all__ = ["PublicKey", "Signer", "sign", "signer_id", "verify"]

_PREHASHED, _LEGACY = b"ED", b"Ed"
_UNTRUSTED = "untrusted comment: "
_TRUSTED = "trusted comment: "
_COMMENT_LIMIT = 8192 - len(_TRUSTED) - 2  # minisign reads no longer line


@dataclass(frozen=True)
class _Signature:
    """The parts of a .minisig file. `proof` signs the signature and the trusted comment."""

    key_id: bytes
    signature: bytes
    comment: str
    proof: bytes

    @property
    def bound(self) -> bytes:
        return self.signature + self.comment.encode()


def sign(signer: Signer, message: bytes, *, trusted_comment: str) -> str:
    """The text of a .minisig file; the same text every time.

    Raises ReleaseError for a comment that minisign would not read, KeyUnusable when the key does not sign.
    """
    if not _is_comment(trusted_comment):
        raise ReleaseError(
            f"expected a trusted comment of one printable line, found {trusted_comment[:80]!r}"
        )
    key = signer.public_key
    signature = signer.sign(_digest(message))
    proof = signer.sign(signature + trusted_comment.encode())
    return (
        f"{_UNTRUSTED}signature of a release key {key.name}\n"
        f"{_encoded(_PREHASHED + key.key_id + signature)}\n"
        f"{_TRUSTED}{trusted_comment}\n"
        f"{_encoded(proof)}\n"
    )


def verify(key: PublicKey, message: bytes, signature: str) -> str:
    """The trusted comment of the text of a .minisig file. Raises SignatureRefused."""
    parts = _parse(signature)
    if parts.key_id != key.key_id:
        raise SignatureRefused(
            Reason.OTHER_KEY,
            f"expected a signature of the key {key.name}, found one of {name_of(parts.key_id)}",
        )
    if not key.verifies(parts.signature, _digest(message)):
        raise SignatureRefused(
            Reason.BAD_SIGNATURE, f"the key {key.name} did not sign these bytes; fetch both again"
        )
    if not key.verifies(parts.proof, parts.bound):
        raise SignatureRefused(
            Reason.BAD_COMMENT, f"the key {key.name} did not sign the comment {parts.comment!r}"
        )
    return parts.comment


def signer_id(signature: str) -> bytes:
    """The id of the key that a .minisig file says made it; nothing is verified. Raises SignatureRefused (malformed)."""
    return _parse(signature).key_id


def _parse(text: str) -> _Signature:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 4 or not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
        raise _malformed("expected the four printable lines of a .minisig file")
    content = decode_base64(lines[1], len(_PREHASHED) + ID_SIZE + SIGNATURE_SIZE)
    algorithm, rest = content[: len(_PREHASHED)], content[len(_PREHASHED) :]
    if algorithm == _LEGACY:
        raise _malformed("expected a prehashed signature, found a legacy one: sign without -l")
    if algorithm != _PREHASHED:
        raise _malformed(f"expected a signature of the kind {_PREHASHED!r}, found {algorithm!r}")
    comment = lines[2].removeprefix(_TRUSTED)
    if not _is_comment(comment):
        raise _malformed(
            f"expected a trusted comment of one printable line, found {comment[:80]!r}"
        )
    return _Signature(
        rest[:ID_SIZE], rest[ID_SIZE:], comment, decode_base64(lines[3], SIGNATURE_SIZE)
    )


def _is_comment(text: str) -> bool:
    """A line that looks the same to everyone; `isprintable` rules out lone surrogates too."""
    return text.isprintable() and len(text.encode()) <= _COMMENT_LIMIT


def _digest(message: bytes) -> bytes:
    return hashlib.blake2b(message).digest()


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _malformed(text: str) -> SignatureRefused:
    return SignatureRefused(Reason.MALFORMED, text)
