"""How a command ends when something is wrong: one line, and the exit status of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tools.release.errors import ReleaseError


@contextmanager
def told() -> Iterator[None]:
    """Around what a command does. Ends the process with a ReleaseError's line and status."""
    try:
        yield
    except ReleaseError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit) from error
