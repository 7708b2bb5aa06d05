"""The command line. Imports are inside the commands: most need neither pydantic nor rich."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tools.image.errors import ImageError

EXIT_ERROR = 1
EXIT_FINDINGS = 3  # 2 is typer's, for a wrong command line

Row = Mapping[str, str | int]
Image = Annotated[Path, typer.Argument(metavar="IMAGE", help="Image file or block device.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Boot images: GPT with one FAT32 EFI system partition.",
    epilog="Exit codes: 0 done; 1 error, told on standard error; 2 wrong command line; "
    "3 verify found faults.",
)


@app.command()
def build(
    layout: Annotated[Path, typer.Option(help="Layout file (JSON): label, files, sizes.")],
    output: Annotated[Path, typer.Option(help="Image to write, whole or not at all.")],
) -> None:
    """Write an image from a layout file."""
    from tools.image.build import build as build_image
    from tools.image.layout import load_layout

    build_image(load_layout(layout), output)


@app.command("list")
def list_files(image: Image, as_json: Json = False) -> None:
    """List the files and folders of an image."""
    from tools.image.volume import open_volume

    with open_volume(image) as volume:
        found = sorted(volume.walk(), key=lambda item: item[0])
    rows: list[Row] = [
        {"path": path, "kind": "folder" if entry.is_folder else "file", "size": entry.size}
        for path, entry in found
    ]
    _print_rows(("path", "kind", "size"), rows, as_json)


@app.command()
def extract(
    image: Image,
    path: Annotated[str, typer.Argument(help="File in the image, such as EFI/BOOT/BOOTX64.EFI.")],
    output: Annotated[Path, typer.Option(help="File to write, whole or not at all.")],
) -> None:
    """Copy one file out of an image."""
    from tools.image.volume import extract as extract_file

    extract_file(image, path, output)


@app.command()
def put(
    image: Image,
    path: Annotated[str, typer.Argument(help="File in the image; folders are created.")],
    source: Annotated[Path, typer.Option(help="File to copy in.")],
) -> None:
    """Add or replace one file in an image, in place: for working copies."""
    from tools.image.put import put as put_file

    put_file(image, path, source)


@app.command()
def verify(image: Image, as_json: Json = False) -> None:
    """Check an image: partition table, FATs, files. Exits with 3 when there are faults."""
    from tools.image.verify import verify as verify_image

    findings = verify_image(image)
    if findings or as_json:
        rows: list[Row] = [{"check": f.check, "fault": f.fault} for f in findings]
        _print_rows(("check", "fault"), rows, as_json)
    if findings:
        raise typer.Exit(EXIT_FINDINGS)
    print(f"{image}: no faults", file=sys.stderr)


def main() -> None:
    """Run a command; an ImageError becomes one line and exit code 1."""
    try:
        app()
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


def _print_rows(columns: Sequence[str], rows: Sequence[Row], as_json: bool) -> None:
    """JSON, a table on a terminal, or tab-separated lines."""
    if as_json:
        print(json.dumps(rows, indent=2))
    elif sys.stdout.isatty():
        _print_table(columns, rows)
    else:
        for row in rows:
            print("\t".join(_printable(row[column]) for column in columns))


def _print_table(columns: Sequence[str], rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(_printable(row[column])) for column in columns))
    Console().print(table)


def _printable(value: str | int) -> str:
    """Text without the control characters that a hostile image could hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
