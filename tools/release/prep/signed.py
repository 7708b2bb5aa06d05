"""A bundle with its signatures: verified with those that it would have, and only then has them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tools.release.bundle import manifest as manifests
from tools.release.bundle import version as versions
from tools.release.bundle.names import MANIFEST, SIGNATURES
from tools.release.errors import ReleaseError
from tools.release.keys.public_key import Signer
from tools.release.keys.signing import sign_bundle
from tools.release.verify.signatures import Trust
from tools.release.verify.verdict import Verdict
from tools.release.verify.verify import verify


def only_bundle(package: Path) -> Path:
    """The bundle in a folder that `package` made. Raises ReleaseError unless there is just one."""
    bundles = sorted(path.parent for path in package.glob(f"*/{MANIFEST}"))
    if len(bundles) != 1:
        raise ReleaseError(
            f"{package}: expected the folder of one bundle in it, found {len(bundles)}: "
            "./pants package tools/release:bundle makes it"
        )
    return bundles[0]


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
