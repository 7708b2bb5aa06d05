"""`publish`: a bundle as the build made it becomes the folder to upload, signed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tools.release.bundle import manifest as manifests
from tools.release.bundle import version as versions
from tools.release.bundle.names import MANIFEST
from tools.release.commands.keys import SecretDescriptor, SigningKey
from tools.release.commands.verify import show
from tools.release.errors import Exit
from tools.release.keys.opening import open_signer
from tools.release.keys.public_key import Signer
from tools.release.prep.signed import copied, only_bundle, sign_verified
from tools.release.prep.upload import prepare
from tools.release.told import told
from tools.release.verify.signatures import Trust
from tools.release.verify.verdict import Verdict


def publish(
    package: Annotated[Path, typer.Argument(help="Folder that `package` made: a bundle in it.")],
    key: SigningKey,
    output: Annotated[Path, typer.Option(help="Where the folder upload-TAG goes.")] = Path("dist"),
    secret_fd: SecretDescriptor = None,
) -> None:
    """Sign a bundle and put it in a folder to upload. What was packaged stays as it is."""
    with told(), open_signer(key, secret_fd) as signer:
        verdict, upload = publish_bundle(only_bundle(package), signer, output)
    show(verdict)
    if upload is None:
        raise typer.Exit(Exit.REFUSED)
    typer.echo(
        f"{upload}: upload every file of it, with {upload / 'RELEASE_NOTES.md'} as the notes"
    )


def publish_bundle(bundle: Path, signer: Signer, output: Path) -> tuple[Verdict, Path | None]:
    """The verdict on a signed copy of a bundle, and the folder to upload if it is accepted. Raises ReleaseError."""
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        copy = copied(bundle, Path(folder))
        verdict = sign_verified(copy, signer)
        if not verdict.accepted:
            return verdict, None
        version = versions.parse(manifests.decode((copy / MANIFEST).read_bytes()).version)
        trust = Trust(signer.public_key)
        return verdict, prepare(copy, f"v{version}", version, trust, output)
