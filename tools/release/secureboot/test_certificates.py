from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tools.release.secureboot.certificates import (
    CertificateError,
    fingerprint,
    public_key,
    read_certificate,
)
from tools.release.secureboot.testing import certify, make_pair, run

PAIR = make_pair("the signer")


def test_pem_and_der_are_the_same_certificate(tmp_path: Path) -> None:
    _, pem = PAIR.write(tmp_path)
    der = tmp_path / "test.der"
    der.write_bytes(PAIR.certificate)
    assert read_certificate(pem) == read_certificate(der) == PAIR.certificate
    printed = run("openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256").stdout
    assert printed.partition("=")[2].strip().replace(":", "").lower() == fingerprint(
        PAIR.certificate
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"text", PAIR.certificate[:-1], PAIR.certificate + b"\0", b"-----BEGIN CERTIFICATE-----"],
)
def test_what_is_no_certificate_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.crt"
    path.write_bytes(content)
    with pytest.raises(CertificateError, match="bad.crt"):
        read_certificate(path)


def test_a_missing_file_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="cannot read the certificate .*No such file"):
        read_certificate(tmp_path / "absent.crt")


def test_a_key_that_firmware_does_not_know_is_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(CertificateError, match="2048, 3072, 4096 bits"):
        public_key(certify(short, "short"))
