"""Signing a bundle: SHA256SUMS with the name and version, and each statement in an envelope."""

from __future__ import annotations

from pathlib import Path

from tools.release.bundle import binding
from tools.release.bundle.names import ENVELOPES, SIGNATURE, SUMS
from tools.release.bundle.output import replacing
from tools.release.bundle.statement import PAYLOAD_TYPE
from tools.release.bundle.version import Version
from tools.release.errors import ReleaseError
from tools.release.keys import dsse, minisign
from tools.release.keys.public_key import Signer


def sign_bundle(folder: Path, signer: Signer, version: Version) -> tuple[Path, ...]:
    """Adds the signatures to a bundle's folder, the one of SHA256SUMS last; the same bytes every time.

    That the folder is a whole bundle of that version is for the caller to verify first. All of it is signed before any
    of it is written. Raises ReleaseError.
    """
    signatures = {
        folder / sealed: dsse.seal(signer, _read(folder / name), PAYLOAD_TYPE)
        for name, sealed in ENVELOPES.items()
    }
    sums, comment = _read(folder / SUMS), binding.comment(version)
    signature = minisign.sign(signer, sums, trusted_comment=comment)
    signatures[folder / SIGNATURE] = signature.encode()
    for path, content in signatures.items():
        with replacing(path) as file:
            file.write(content)
    return tuple(signatures)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"cannot sign {path}: {error.strerror}") from None
