"""What the commands of `reliability` share: their options, and how an error is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tools.guardrails import session
from tools.guardrails.captures import find_captures
from tools.guardrails.errors import GuardrailError
from tools.guardrails.evidence import Evidence
from tools.guardrails.session import Exit

LedgerFolder = Annotated[Path, typer.Option("--ledger", help="Folder of the ledger.")]
Captures = Annotated[
    Path,
    typer.Option(
        "--captures", help="Folder of captures, as ./pants package firmware/scenarios:: leaves it."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="MILESTONE.KEY=VALUE over the policy's value; repeatable."),
]
Names = Annotated[
    list[str] | None, typer.Argument(help="Guardrails, as m9; all when none is named.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@contextmanager
def told() -> Iterator[None]:
    """An error is one line, and exit status 4."""
    try:
        yield
    except GuardrailError as error:
        typer.echo(f"could not run: {error}", err=True)
        raise typer.Exit(Exit.COULD_NOT_RUN) from error


def gather_evidence(captures: Path, ledger: Path, settings: list[str] | None) -> Evidence:
    table = session.marker_table()
    return session.gather(table, find_captures(captures, table), ledger, settings or ())
