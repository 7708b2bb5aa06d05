"""X.509 certificates of keys that sign programs: DER, read from PEM or DER."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tools.release.errors import ReleaseError

KEY_BITS = (2048, 3072, 4096)
"""Sizes of RSA keys that UEFI firmware knows."""


class CertificateError(ReleaseError):
    """A certificate that cannot be read, or that firmware could not use."""


def read_certificate(path: Path) -> bytes:
    """The certificate (DER) in a file, PEM or DER. Raises CertificateError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read the certificate {path}: {error.strerror}") from error
    try:
        if b"-----BEGIN" in content:
            der = x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
        else:
            der = content
        public_key(der)
    except (ValueError, CertificateError) as error:
        raise CertificateError(f"{path}: {error}") from error
    return der


def public_key(certificate: bytes) -> rsa.RSAPublicKey:
    """The key of a certificate (DER). Raises CertificateError."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError as error:
        raise CertificateError(f"expected one X.509 certificate, PEM or DER: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in KEY_BITS:
        raise CertificateError(
            "expected a certificate of an RSA key of " + ", ".join(map(str, KEY_BITS)) + " bits"
        )
    return key


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a certificate (DER), as hexadecimal."""
    return hashlib.sha256(certificate).hexdigest()
