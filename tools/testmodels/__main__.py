"""Command line: `make KIND --output DIR`, and the fixtures kept in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.testmodels.kinds import KINDS, make
from tools.testmodels.seeds import seeds, write_files
from tools.testmodels.tensor_types import dequantize_fixture

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


@app.command("seeds")
def seeds_command(
    output: Annotated[Path, typer.Option(help="the corpora's folder")] = Path(
        "firmware/fuzz/seeds"
    ),
) -> None:
    """Write the corpora that the fuzzers start from."""
    write_files(seeds(), output)


@app.command("dequantize")
def dequantize_command(
    output: Annotated[Path, typer.Option(help="the fixture's file")] = Path(
        "firmware/model/dequantize_test.bin"
    ),
) -> None:
    """Write blocks of every tensor type and the values that the gguf package reads from them."""
    output.write_bytes(dequantize_fixture())


if __name__ == "__main__":
    app()
