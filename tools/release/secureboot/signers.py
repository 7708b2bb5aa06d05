"""Who signs: an RSA key in an encrypted file, or one that never leaves its token."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pkcs11.types import SignMixin

from tools.release.keys import passphrase
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.token_key import SCHEME, TokenPlace
from tools.release.secureboot.certificates import public_key

_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class RsaSigner(Protocol):
    """A key and its certificate."""

    @property
    def certificate(self) -> bytes:
        """The X.509 certificate (DER)."""

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 over `message`: the same bytes every time. Raises KeyUnusable."""


@dataclass(frozen=True)
class FileKey:
    """A key that was read from a file; an RsaSigner."""

    certificate: bytes
    _key: rsa.RSAPrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """See RsaSigner."""
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class TokenKey:
    """A key on a PKCS#11 token, while its session is open; an RsaSigner."""

    certificate: bytes
    _key: SignMixin = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """See RsaSigner."""
        try:
            return bytes(self._key.sign(message, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
        except pkcs11.PKCS11Error as error:
            raise KeyUnusable(f"the token did not sign: {_named(error)}") from None


@contextmanager
def open_rsa_signer(
    key: str, certificate: bytes, descriptor: int | None = None
) -> Iterator[RsaSigner]:
    """The key in a file or on a token (`pkcs11:…`, RFC 7512), with its certificate (DER), while the block lasts.

    Its passphrase or PIN is asked for, or read from a descriptor. Raises KeyUnusable, CertificateError.
    """
    if key.startswith(SCHEME):
        with open_token_key(TokenPlace.parse(key), certificate, descriptor) as signer:
            yield signer
    else:
        yield read_file_key(Path(key), certificate, descriptor)


def read_file_key(path: Path, certificate: bytes, descriptor: int | None = None) -> FileKey:
    """The key in an encrypted PKCS#8 file (PEM) that nobody else may read. Raises KeyUnusable, CertificateError."""
    expected = public_key(certificate)
    content = _read_private(path)
    if not content.lstrip().startswith(_ENCRYPTED):
        raise KeyUnusable(
            f"{path}: expected an encrypted PKCS#8 key ({_ENCRYPTED.decode()}); make one with: "
            "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out ENCRYPTED"
        )
    secret = passphrase.read(f"Passphrase of {path}: ", descriptor)
    try:
        key = load_pem_private_key(content, secret)
    except (ValueError, TypeError):
        raise KeyUnusable(f"{path}: wrong passphrase, or a damaged file") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyUnusable(f"{path}: expected an RSA key; Secure Boot knows no other")
    if key.public_key() != expected:
        raise KeyUnusable(f"{path}: the key and the certificate are not of one pair")
    return FileKey(certificate, key)


def _read_private(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise KeyUnusable(f"{path}: others may use this key (mode {mode:o}): chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise KeyUnusable(f"cannot read the key {path}: {error.strerror}") from None


@contextmanager
def open_token_key(
    place: TokenPlace, certificate: bytes, descriptor: int | None = None
) -> Iterator[TokenKey]:
    """A key on a token, for as long as the block lasts. Raises KeyUnusable."""
    with _session(place, descriptor) as session:
        yield TokenKey(certificate, _private_key(session, place))


@contextmanager
def _session(place: TokenPlace, descriptor: int | None) -> Iterator[pkcs11.Session]:
    try:
        token = pkcs11.lib(str(place.module)).get_token(token_label=place.token)
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise KeyUnusable(f"no token {place.token!r} in {place.module}: {_named(error)}") from None
    pin = passphrase.read(f"PIN of the token {place.token}: ", descriptor)
    try:
        session = token.open(user_pin=pin.decode())
    except (pkcs11.PKCS11Error, UnicodeDecodeError) as error:
        raise KeyUnusable(f"cannot open the token {place.token!r}: {_named(error)}") from None
    with session:
        yield session


def _private_key(session: pkcs11.Session, place: TokenPlace) -> SignMixin:
    try:
        key = session.get_key(
            object_class=pkcs11.ObjectClass.PRIVATE_KEY,
            key_type=pkcs11.KeyType.RSA,
            label=place.key,
        )
    except pkcs11.PKCS11Error as error:
        raise KeyUnusable(
            f"the token {place.token!r} gives no RSA key {place.key!r}: {_named(error)}"
        ) from None
    if not isinstance(key, SignMixin):
        raise KeyUnusable(f"the key {place.key!r} on the token {place.token!r} may not sign")
    return key


def _named(error: Exception) -> str:
    """What went wrong, of exceptions that often have nothing but their name."""
    return str(error) or type(error).__name__
