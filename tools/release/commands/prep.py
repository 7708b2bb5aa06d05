"""`prep`: the folder to upload for a tag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.release.bundle import version as versions
from tools.release.commands.verify import ChainFile, KeyFile, RevocationsFile, RootFile, read_trust
from tools.release.prep.upload import prepare
from tools.release.told import told

_VERSION = Path("tools/release/VERSION")


def prep(
    bundle: Annotated[Path, typer.Argument(help="Folder of the signed release.")],
    tag: Annotated[str, typer.Argument(help="The release's tag, as v1.2.3.")],
    key: KeyFile,
    output: Annotated[Path, typer.Option(help="Where the folder upload-TAG goes.")] = Path("dist"),
    version_file: Annotated[Path, typer.Option(help="The version, on one line.")] = _VERSION,
    chain: ChainFile = None,
    revocations: RevocationsFile = None,
    root: RootFile = None,
) -> None:
    """Verify a signed release, and put its files in a folder to upload. Again, it changes nothing."""
    with told():
        version = versions.read(version_file)
        trust = read_trust(key, chain, revocations, root)
        upload = prepare(bundle, tag, version, trust, output)
    typer.echo(
        f"{upload}: upload every file of it, with {upload / 'RELEASE_NOTES.md'} as the notes"
    )
