"""A release key in an encrypted file.

`make` leaves a folder with the key (`key.pem`, PKCS#8) and its public half (`key.pub`, as minisign has them). The key
id comes from the point (`PublicKey.of`), so that the one file is all that has to be kept.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.release.bundle.output import new_folder
from tools.release.keys import passphrase, pkcs8
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.public_key import PublicKey

KEY = "key.pem"
PUBLIC = "key.pub"
_LIMIT = 64 * 1024


@dataclass(frozen=True)
class FileKey:
    """A key that was read from a file; a Signer."""

    public_key: PublicKey
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, key: Ed25519PrivateKey) -> FileKey:
        return cls(PublicKey.of(key.public_key().public_bytes_raw()), key)

    def sign(self, message: bytes) -> bytes:
        """See Signer."""
        return self._key.sign(message)


def make(folder: Path, descriptor: int | None = None) -> PublicKey:
    """Makes a key, and a folder for it, whole or not at all. The passphrase is asked for, or read from a descriptor.

    Raises KeyUnusable; ReleaseError, also when there is something at `folder` already.
    """
    with new_folder(folder) as made:
        secret = passphrase.choose(f"Passphrase for the new key {folder / KEY}: ", descriptor)
        key = Ed25519PrivateKey.generate()
        public = FileKey.of(key).public_key
        _write(made / KEY, pkcs8.encrypt(key, secret), 0o600)
        _write(made / PUBLIC, public.to_text().encode(), 0o644)
        _keep_names(made)
    _keep_names(folder.parent)
    return public


def load(path: Path, descriptor: int | None = None) -> FileKey:
    """The key in an encrypted PKCS#8 file (PEM) that nobody else may read.

    The passphrase is asked for, or read from a descriptor. Raises KeyUnusable.
    """
    content = _read(path)
    if not content.startswith(f"-----BEGIN {pkcs8.LABEL}-----".encode()):
        raise KeyUnusable(
            f"{path}: expected an encrypted PKCS#8 key ({pkcs8.LABEL}); make one with: release keys keygen"
        )
    secret = passphrase.read(f"Passphrase of {path}: ", descriptor)
    try:
        return FileKey.of(pkcs8.decrypt(content, secret))
    except KeyUnusable as error:
        raise KeyUnusable(f"{path}: {error}") from None


def _read(path: Path) -> bytes:
    try:
        with open(
            os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb"
        ) as file:  # not waiting for a pipe
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeyUnusable(f"{path}: expected a file with a key, found something else")
            mode = stat.S_IMODE(status.st_mode)
            if mode & 0o077:
                raise KeyUnusable(
                    f"{path}: others may use this key (mode {mode:o}): chmod 600 {path}"
                )
            return file.read(_LIMIT)
    except OSError as error:
        raise KeyUnusable(f"cannot read the key {path}: {error.strerror}") from None


def _write(path: Path, content: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(fd, mode)
        os.fsync(fd)


def _keep_names(folder: Path) -> None:
    """So that the files of a folder are on the disk before its name is."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
