"""`ledger`: the history of recorded runs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from tools.guardrails import console as consoles
from tools.guardrails import session
from tools.guardrails.commands.common import LedgerFolder, told
from tools.guardrails.ledger import store
from tools.guardrails.session import Exit

app = typer.Typer(help="The history of recorded runs.", no_args_is_help=True)


@app.command()
def verify(ledger: LedgerFolder = session.LEDGER) -> None:
    """Check every line: the chain of hashes, HEAD, and that each can be read."""
    with told():
        runs = sum(1 for _ in store.read(ledger).newest_first())
    if runs == 0:
        typer.echo(f"{ledger}: no run is recorded there", err=True)
        raise typer.Exit(Exit.INSUFFICIENT)
    typer.echo(f"{runs} runs, none edited")


@app.command("show")
def show_ledger(
    ledger: LedgerFolder = session.LEDGER,
    last: Annotated[int, typer.Option(min=1, help="How many runs, newest first.")] = 20,
) -> None:
    """The newest runs and their verdicts."""
    with told():
        runs = [run for run, _ in zip(store.read(ledger).newest_first(), range(last))]
    consoles.show_runs(Console(), runs)
