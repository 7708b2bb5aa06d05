"""`sign`: a bundle is verified with the signatures that it would have, and only then has them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tools.release.bundle import manifest as manifests
from tools.release.bundle import version as versions
from tools.release.bundle.names import MANIFEST, SIGNATURES
from tools.release.commands.keys import SecretDescriptor, SigningKey
from tools.release.commands.verify import show
from tools.release.errors import Exit, ReleaseError
from tools.release.keys.opening import open_signer
from tools.release.keys.public_key import Signer
from tools.release.keys.signing import sign_bundle
from tools.release.told import told
from tools.release.verify.signatures import Trust
from tools.release.verify.verdict import Verdict
from tools.release.verify.verify import verify


def sign(
    bundle: Annotated[Path, typer.Argument(help="Folder of the release.")],
    key: SigningKey,
    secret_fd: SecretDescriptor = None,
) -> None:
    """Sign a bundle: SHA256SUMS and both statements. A bundle that would not verify is left as it was."""
    with told():
        with open_signer(key, secret_fd) as signer:
            verdict = sign_verified(bundle, signer)
    show(verdict)
    raise typer.Exit(Exit.DONE if verdict.accepted else Exit.REFUSED)


def sign_verified(bundle: Path, signer: Signer) -> Verdict:
    """Signs beside the bundle, verifies that, and moves the signatures in. Raises ReleaseError."""
    manifest = manifests.decode(_read(bundle / MANIFEST))
    try:
        with tempfile.TemporaryDirectory(prefix=".signing-", dir=bundle.parent) as folder:
            copy = Path(folder) / bundle.name
            _link(bundle, copy)
            sign_bundle(copy, signer, versions.parse(manifest.version))
            verdict = verify(copy, Trust(signer.public_key))
            if verdict.accepted:
                for name in sorted(SIGNATURES):
                    os.replace(copy / name, bundle / name)
    except OSError as error:
        raise ReleaseError(f"cannot sign {bundle}: {error.strerror}") from error
    return verdict


def copied(bundle: Path, folder: Path) -> Path:
    """A copy of a bundle in another folder, which may be on another disk. Raises ReleaseError."""
    try:
        return Path(shutil.copytree(bundle, folder / bundle.name, symlinks=True))
    except OSError as error:
        raise ReleaseError(f"cannot copy {bundle}: {error}") from error


def _link(bundle: Path, copy: Path) -> None:
    """The same files under another folder's name. The verdict refuses what is no plain file."""
    copy.mkdir()
    for path in bundle.iterdir():
        if path.name not in SIGNATURES:
            os.link(path, copy / path.name, follow_symlinks=False)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error
