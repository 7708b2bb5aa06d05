"""The public half of a release key, and what signs with the other half."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tools.release.keys.errors import Reason, SignatureRefused

ID_SIZE = 8
POINT_SIZE = 32
SIGNATURE_SIZE = 64
_ALGORITHM = b"Ed"
_COMMENT = "untrusted comment: "


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key (RFC 8032) by the name that minisign gives it.

    Where minisign draws `key_id` at random, ours come from the point (see `of`); any eight bytes are read.
    """

    key_id: bytes
    point: bytes

    def __post_init__(self) -> None:
        if len(self.key_id) != ID_SIZE or len(self.point) != POINT_SIZE:
            raise ValueError("expected a key id of 8 bytes and a point of 32")

    @classmethod
    def of(cls, point: bytes) -> Self:
        """The key of a point: its name is the first 16 digits of the point's SHA-256."""
        return cls(hashlib.sha256(point).digest()[ID_SIZE - 1 :: -1], point)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in the text of a minisign .pub file. Raises SignatureRefused (malformed)."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) != 2 or not lines[0].startswith(_COMMENT) or not lines[0].isprintable():
            raise _malformed(
                f"expected two lines, the first with {_COMMENT!r}, as in a minisign .pub file"
            )
        return cls.from_line(lines[1])

    @classmethod
    def from_line(cls, line: str) -> Self:
        """The key in the second line of a .pub file. Raises SignatureRefused (malformed)."""
        content = decode_base64(line, len(_ALGORITHM) + ID_SIZE + POINT_SIZE)
        if not content.startswith(_ALGORITHM):
            raise _malformed(f"expected an Ed25519 key ({_ALGORITHM!r}), found {content[:2]!r}")
        key_id = content[len(_ALGORITHM) : -POINT_SIZE]
        return cls(key_id, content[-POINT_SIZE:])

    def to_text(self) -> str:
        """The text of a minisign .pub file."""
        return f"{_COMMENT}minisign public key {self.name}\n{self.to_line()}\n"

    def to_line(self) -> str:
        """The second line of a .pub file: all of the key, as `minisign -P` takes it."""
        return base64.b64encode(_ALGORITHM + self.key_id + self.point).decode()

    @property
    def name(self) -> str:
        """The key id as minisign shows it: 16 hexadecimal digits, the last byte first."""
        return name_of(self.key_id)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the raw Ed25519 signature of a message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.point).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer(Protocol):
    """A key that signs, wherever it is."""

    @property
    def public_key(self) -> PublicKey:
        """Its public half."""

    def sign(self, message: bytes) -> bytes:
        """The raw Ed25519 signature, 64 bytes; the same for the same message. Raises KeyUnusable."""


def name_of(key_id: bytes) -> str:
    """A key id as people see it."""
    return key_id[::-1].hex().upper()


def decode_base64(text: str, size: int | None = None) -> bytes:
    """The bytes of the one standard base64 text that stands for them. Raises SignatureRefused (malformed)."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(f"expected base64, found {text[:40]!r}") from None
    if base64.b64encode(content).decode() != text:
        raise _malformed(f"expected base64 in its one form, found {text[:40]!r}")
    if size is not None and len(content) != size:
        raise _malformed(f"expected base64 of {size} bytes, found {len(content)}")
    return content


def _malformed(text: str) -> SignatureRefused:
    return SignatureRefused(Reason.MALFORMED, text)
