"""What tests sign, and with what: small programs in the format PE32+, and keys made on the spot."""

from __future__ import annotations

import datetime
import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tools.release.secureboot.signers import FileKey

HEADERS_SIZE = 512
PE_HEADER = 64
OPTIONAL_HEADER = PE_HEADER + 24
CHECKSUM = OPTIONAL_HEADER + 64
CERTIFICATE_DIRECTORY = OPTIONAL_HEADER + 112 + 4 * 8
SECTION_TABLE = OPTIONAL_HEADER + 112 + 16 * 8
_MEMORY_ALIGNMENT = 4096
_PACKAGES = {
    "sbsign": "sbsigntool",
    "sbverify": "sbsigntool",
    "sbattach": "sbsigntool",
    "softhsm2-util": "softhsm2",
    "openssl": "openssl",
}


def make_program(
    sections: Sequence[bytes], trailing: bytes = b"", reverse_table: bool = False
) -> bytes:
    """A program of these sections, in this order, and of bytes behind them that belong to none.

    Its section table names them in this order too, or in the reverse of it.
    """
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", PE_HEADER)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), 0, 0, 0, 112 + 16 * 8, 0x22)
    table, offset, address = [], HEADERS_SIZE, _MEMORY_ALIGNMENT
    for number, content in enumerate(sections):
        row = (f".s{number}".encode(), max(1, len(content)), address, len(content), offset)
        table.append(struct.pack("<8sIIIIIIHHI", *row, 0, 0, 0, 0, 0x60000020))
        offset += len(content)
        address += -(-max(1, len(content)) // _MEMORY_ALIGNMENT) * _MEMORY_ALIGNMENT
    first = (0x20B, 14, 0, 0, 0, 0, _MEMORY_ALIGNMENT, _MEMORY_ALIGNMENT, 0, _MEMORY_ALIGNMENT, 512)
    optional = struct.pack("<HBBIIIIIQII", *first)
    optional += struct.pack("<6HIIIIHH", 0, 0, 0, 0, 0, 0, 0, address, HEADERS_SIZE, 0, 10, 0)
    optional += struct.pack("<QQQQII", 0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    rows = reversed(table) if reverse_table else table
    headers = (dos + coff + optional + b"".join(rows)).ljust(HEADERS_SIZE, b"\0")
    return headers + b"".join(sections) + trailing


@dataclass(frozen=True)
class Pair:
    """A key that signs, the same as an object and as files that strangers' tools read."""

    key: rsa.RSAPrivateKey
    certificate: bytes

    @property
    def signer(self) -> FileKey:
        """The key, as what `sign` takes."""
        return FileKey(self.certificate, self.key)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The key (PEM, not encrypted: for sbsign) and the certificate (PEM)."""
        key, certificate = folder / "test.key", folder / "test.crt"
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        parsed = x509.load_der_x509_certificate(self.certificate)
        certificate.write_bytes(parsed.public_bytes(Encoding.PEM))
        return key, certificate

    def encrypted(self, passphrase: bytes) -> bytes:
        """The key as an encrypted PKCS#8 file (PEM)."""
        encryption = BestAvailableEncryption(passphrase)
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@cache
def make_pair(name: str, bits: int = 2048) -> Pair:
    """A new key and a certificate that it signed itself; the same within a process for the same name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return Pair(key, certify(key, name))


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a stranger's tool. Raises AssertionError when it is not installed."""
    found = shutil.which(program)
    assert found is not None, f"{program} is missing: apt-get install {_PACKAGES[program]}"
    command = [found, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def certify(key: rsa.RSAPrivateKey, name: str, serial: int = 1) -> bytes:
    """A certificate (DER) of a key, by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2050, 1, 1))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
