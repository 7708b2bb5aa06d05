"""Command line: `python -m tools.testmodels make KIND --output DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.testmodels.kinds import KINDS, make

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command("make")
def make_command(
    kind: Annotated[str, typer.Argument(help="a name from `list`")],
    output: Annotated[Path, typer.Option(help="folder for the files")],
) -> None:
    """Make a model and print its files, one a line."""
    if kind not in KINDS:
        raise typer.BadParameter(f'no kind "{kind}"; `list` names them')
    for path in make(kind, output):
        typer.echo(str(path))


@app.command("list")
def list_command() -> None:
    """Print the names of the kinds."""
    for kind in KINDS:
        typer.echo(kind)


if __name__ == "__main__":
    app()
