"""`ledger`: the history of recorded runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from tools.guardrails import console as consoles
from tools.guardrails import session
from tools.guardrails.commands.common import LedgerFolder, told
from tools.guardrails.ledger import compaction, store, verification
from tools.guardrails.ledger.heading import Archive
from tools.guardrails.ledger.verification import Verified
from tools.guardrails.session import Exit

app = typer.Typer(help="The history of recorded runs.", no_args_is_help=True)

Keep = Annotated[int, typer.Option(min=1, help="How many runs, the newest.")]


@app.command()
def verify(ledger: LedgerFolder = session.LEDGER) -> None:
    """Check every line: the chain of hashes through archives and live lines, HEAD, and that each can be read."""
    with told():
        verified = verification.verify(ledger)
    if verified.runs == 0:
        typer.echo(f"{ledger}: no run is recorded there", err=True)
        raise typer.Exit(Exit.INSUFFICIENT)
    typer.echo(_summary(verified))
    for path in verified.leftovers:
        typer.echo(f"{path}: no part of the ledger; what repeats it, compact removes", err=True)


def _summary(verified: Verified) -> str:
    archives = verified.heading.archives
    dropped = sum(_count(each) for each in archives if each.is_dropped)
    kept = f"; {_runs(verified.heading.kept)} in archives" if verified.heading.kept else ""
    gone = f"; {dropped} before them were dropped" if dropped else ""
    return f"{verified.runs} runs, none edited{kept}{gone}"


def _count(archive: Archive) -> int:
    return archive.end.lines - archive.first + 1


def _runs(archives: Sequence[Archive]) -> str:
    return f"runs {archives[0].first} to {archives[-1].end.lines}" if archives else "none"


@app.command()
def compact(keep: Keep, ledger: LedgerFolder = session.LEDGER) -> None:
    """Move runs but the newest to archives beside runs.jsonl. Verdicts and the chain stay as they are."""
    with told():
        made = compaction.compact(ledger, keep)
    typer.echo(f"moved to archives: {_runs(made)}")
    for archive in made:
        typer.echo(ledger / archive.name)


@app.command()
def retain(keep: Keep, ledger: LedgerFolder = session.LEDGER) -> None:
    """Delete archives that hold none of the newest runs. HEAD keeps their hashes; verdicts look back no further."""
    with told():
        dropped = compaction.retain(ledger, keep)
    typer.echo(f"dropped: {_runs(dropped)}")
    for archive in dropped:
        typer.echo(f"{ledger / archive.name} sha256 {archive.sha256}")


@app.command("show")
def show_ledger(
    ledger: LedgerFolder = session.LEDGER,
    last: Annotated[int, typer.Option(min=1, help="How many runs, newest first.")] = 20,
) -> None:
    """The newest runs and their verdicts."""
    with told():
        runs = [run for run, _ in zip(store.read(ledger).newest_first(), range(last))]
    consoles.show_runs(Console(), runs)
