"""`python -m tools.release.bundle`: a pure program of declared inputs, for the build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.release.bundle import version as versions
from tools.release.bundle.archive import archive
from tools.release.bundle.build import build
from tools.release.bundle.inputs import INPUTS, parse
from tools.release.bundle.names import Names
from tools.release.errors import ReleaseError

_INPUTS = "; ".join(
    f"{row.name}{'.LABEL' if row.labelled else ''}: {row.meaning}" for row in INPUTS.values()
)


def bundle(
    version_file: Annotated[Path, typer.Option(help="The version, on one line.")],
    minimum_version: Annotated[str, typer.Option(help="The oldest version that may be replaced.")],
    inputs: Annotated[list[str], typer.Option("--input", help=f"NAME=PATH. {_INPUTS}.")],
    output: Annotated[Path, typer.Option(help="Folder for the bundle's folder and its archive.")],
) -> None:
    """Make a bundle, not signed yet, and a tar of it."""
    try:
        version = versions.read(version_file)
        folder = build(parse(inputs), version, versions.parse(minimum_version), output)
        archive(folder, output / Names(version).archive)
    except ReleaseError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit) from error
    typer.echo(str(folder))


if __name__ == "__main__":
    typer.run(bundle)
