"""Encrypted private keys: EncryptedPrivateKeyInfo (RFC 5958) with PBES2 (RFC 8018), scrypt (RFC 7914) and AES-256-CBC.

cryptography reads these and writes none: its own are PBKDF2 with 2048 rounds, too few to resist guessing.
"""

from __future__ import annotations

import base64
import os
import textwrap
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import ObjectIdentifier

from tools.release.keys.errors import KeyUnusable

LABEL = "ENCRYPTED PRIVATE KEY"

COST, BLOCK_SIZE, PARALLEL = 2**14, 8, 5
"""Of scrypt: 16 MiB, about a quarter of a second. openssl reads none that needs 32 MiB, so time goes up, not memory."""

_SALT_SIZE = 16
_KEY_SIZE = 32
_PBES2 = ObjectIdentifier("1.2.840.113549.1.5.13")
_SCRYPT = ObjectIdentifier("1.3.6.1.4.1.11591.4.11")
_AES_256_CBC = ObjectIdentifier("2.16.840.1.101.3.4.1.42")


class _Context(Protocol):
    """A cipher or a padding at work."""

    def update(self, data: bytes) -> bytes: ...

    def finalize(self) -> bytes: ...


@asn1.sequence
class _Scrypt:
    salt: bytes
    cost: int
    block_size: int
    parallel: int


@asn1.sequence
class _Derivation:
    algorithm: ObjectIdentifier
    parameters: _Scrypt


@asn1.sequence
class _Encryption:
    algorithm: ObjectIdentifier
    vector: bytes


@asn1.sequence
class _Pbes2:
    derivation: _Derivation
    encryption: _Encryption


@asn1.sequence
class _Scheme:
    algorithm: ObjectIdentifier
    parameters: _Pbes2


@asn1.sequence
class _EncryptedKey:
    scheme: _Scheme
    data: bytes


def encrypt(key: Ed25519PrivateKey, passphrase: bytes) -> bytes:
    """The key as PEM. Salt and initialization vector are random, so no two are alike."""
    salt, vector = os.urandom(_SALT_SIZE), os.urandom(algorithms.AES.block_size // 8)
    content = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    derivation = Scrypt(salt=salt, length=_KEY_SIZE, n=COST, r=BLOCK_SIZE, p=PARALLEL)
    cipher = Cipher(algorithms.AES(derivation.derive(passphrase)), modes.CBC(vector))
    data = _process(
        cipher.encryptor(), _process(PKCS7(algorithms.AES.block_size).padder(), content)
    )
    return _armor(asn1.encode_der(_EncryptedKey(scheme=_scheme(salt, vector), data=data)))


def decrypt(content: bytes, passphrase: bytes) -> Ed25519PrivateKey:
    """The key in a PEM text. Raises KeyUnusable."""
    try:
        key = load_pem_private_key(content, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable("wrong passphrase, or a damaged file") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable("expected an Ed25519 key, found one of another kind")
    return key


def _scheme(salt: bytes, vector: bytes) -> _Scheme:
    scrypt = _Scrypt(salt=salt, cost=COST, block_size=BLOCK_SIZE, parallel=PARALLEL)
    parameters = _Pbes2(
        derivation=_Derivation(algorithm=_SCRYPT, parameters=scrypt),
        encryption=_Encryption(algorithm=_AES_256_CBC, vector=vector),
    )
    return _Scheme(algorithm=_PBES2, parameters=parameters)


def _armor(content: bytes) -> bytes:
    """PEM (RFC 7468): base64 in lines of 64."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), 64)
    return "\n".join([f"-----BEGIN {LABEL}-----", *lines, f"-----END {LABEL}-----", ""]).encode()


def _process(context: _Context, content: bytes) -> bytes:
    return context.update(content) + context.finalize()
