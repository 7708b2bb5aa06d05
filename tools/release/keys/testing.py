"""What tests sign with: keys made on the spot, in memory, in files and on a token."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import which

import pkcs11
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey

from tools.release.bundle.version import Version
from tools.release.keys.file_key import FileKey
from tools.release.keys.public_key import PublicKey
from tools.release.keys.rotation import Succession

PASSPHRASE = b"correct horse"
TOKEN, PIN = "releases", b"5678"


@cache
def make_key(name: str) -> FileKey:
    """A new key; the same within a process for the same name."""
    assert name
    return FileKey.of(Ed25519PrivateKey.generate())


def stranger(key: PublicKey) -> SSlibKey:
    """A key as securesystemslib has it."""
    return SSlibKey(key.name, "ed25519", "ed25519", {"public": key.point.hex()})


@contextmanager
def handed(secret: bytes) -> Iterator[int]:
    """A descriptor with a passphrase in it."""
    reader, writer = os.pipe()
    try:
        os.write(writer, secret)
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


def succession(old: str, new: str, version: str, **more: object) -> Succession:
    """Between keys of `make_key`."""
    return Succession.model_validate(
        {
            "old": make_key(old).public_key.to_line(),
            "new": make_key(new).public_key.to_line(),
            "from_version": version,
            **more,
        }
    )


def version(text: str) -> Version:
    return Version(*map(int, text.split(".")))


def flipped(content: bytes, bit: int) -> bytes:
    """With one bit changed."""
    changed = bytearray(content)
    changed[bit // 8 % len(content)] ^= 1 << bit % 8
    return bytes(changed)


@contextmanager
def soft_token(folder: Path) -> Iterator[Path]:
    """A SoftHSM2 token in a folder, and its PKCS#11 module."""
    program = which("softhsm2-util")
    assert program is not None, "expected Debian's softhsm2"
    module = Path(program).parent.parent / "lib/softhsm/libsofthsm2.so"
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    pkcs11.unload(str(module))  # another test's token may be in it
    try:
        new = [
            "--init-token",
            "--free",
            "--label",
            TOKEN,
            "--so-pin",
            "1234",
            "--pin",
            PIN.decode(),
        ]
        subprocess.run([program, *new], check=True, capture_output=True)
        yield module
    finally:
        pkcs11.unload(str(module))
        os.environ.pop("SOFTHSM2_CONF")
        if before is not None:
            os.environ["SOFTHSM2_CONF"] = before
