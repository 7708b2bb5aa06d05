"""`baseline`: what later runs are compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tools.guardrails import session
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus
from tools.guardrails.benchmark.judge import BASELINE
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import read_results
from tools.guardrails.captures import read_capture
from tools.guardrails.checkout import checkout
from tools.guardrails.commands.common import AsJson, Captures, LedgerFolder, told
from tools.guardrails.errors import LedgerError
from tools.guardrails.facts import capture_facts
from tools.guardrails.files import replace_file
from tools.guardrails.ledger import promotion, store
from tools.guardrails.ledger.promotion import Promotion
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.session import Exit

app = typer.Typer(help="What later runs are compared with.", no_args_is_help=True)


@app.command()
def promote(
    why: Annotated[str, typer.Option(help="Why from here on: kept beside it.")],
    run: Annotated[
        int | None, typer.Option(help="A recorded run that passed; the newest one when left out.")
    ] = None,
    captures: Captures = session.CAPTURES,
    ledger: LedgerFolder = session.LEDGER,
) -> None:
    """Compare with runs up to this one from now on, and with the benchmark results of its commit.

    The benchmark's capture must be of the commit that is checked out, which must be the run's.
    """
    with told():
        history = store.read(ledger)
        chosen = _chosen(history, run)
        promoted = promotion.check(
            Promotion(run=chosen.sequence, commit=chosen.commit, why=why), history, "promote"
        )
        results = _results(captures, chosen)
    replace_file(BASELINE, results)
    replace_file(session.PROMOTION, promoted.to_text())
    typer.echo(f"run {promoted.run} of {promoted.commit[:12]} is the baseline")


def _chosen(history: store.Ledger, run: int | None) -> RunRecord:
    for record in history.newest_first():
        if run in (None, record.sequence):
            return record
    raise LedgerError(f"expected a recorded run, found no run {run if run is not None else ''}")


def _results(captures: Path, run: RunRecord) -> str:
    capture, built = read_capture(captures / SCENARIO, session.marker_table()), checkout()
    if built.commit != run.commit:
        raise LedgerError(
            f"expected a checkout of {run.commit[:12]}, which run {run.sequence} is of, found {built.commit[:12]}"
        )
    return results_jsonl(capture, capture_facts(capture), load_corpus(), built)


@app.command()
def show(ledger: LedgerFolder = session.LEDGER, as_json: AsJson = False) -> None:
    """The promoted run, and the benchmark results that were promoted with it."""
    with told():
        found = promotion.load(session.PROMOTION, store.read(ledger))
        header = read_results(BASELINE.read_bytes(), str(BASELINE)).header if found else None
    if found is None or header is None:
        typer.echo("no run is promoted: the newest ones are compared with", err=True)
        raise typer.Exit(Exit.INSUFFICIENT)
    if as_json:
        content = {"promoted": found.model_dump(), "benchmark": header.model_dump(mode="json")}
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"run {found.run} of {found.commit[:12]}: {found.why}")
    typer.echo(f"benchmark of {header.commit[:12]}: {len(header.cases)} cases, {header.emulator}")
