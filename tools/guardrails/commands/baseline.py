"""`baseline`: what later runs are compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tools.guardrails import session
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import BenchmarkError, Failed, read_results
from tools.guardrails.captures import read_capture
from tools.guardrails.checkout import Checkout
from tools.guardrails.commands.common import AsJson, Captures, LedgerFolder, told
from tools.guardrails.errors import CaptureError
from tools.guardrails.facts import capture_facts
from tools.guardrails.ledger import promotion, store
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
    """Compare with runs up to this one from now on, and with the benchmark results of its image.

    The benchmark's capture must be of the image that the run was recorded with.
    """
    with told():
        chosen = promotion.candidate(store.read(ledger), run)
        results = _results(captures, chosen.record)
        made = promotion.promote(ledger, chosen, why, results.encode())
    typer.echo(f"run {made.run} of {made.commit[:12]} is the baseline")


def _results(captures: Path, run: RunRecord) -> str:
    """Of the run's commit. Raises CaptureError: another image was booted. Raises BenchmarkError: a case failed."""
    capture = read_capture(captures / SCENARIO, session.marker_table())
    booted = capture.run.image_sha256
    if booted not in {each.image_sha256 for each in run.captures}:
        raise CaptureError(
            f"{captures / SCENARIO}: expected a boot of an image of run {run.sequence}, found {booted[:12]}…: boot the "
            f"benchmark from a checkout of {run.commit[:12]}, or record a run of this image"
        )
    of = Checkout(run.commit, dirty=False)
    text = results_jsonl(capture, capture_facts(capture), load_corpus(), of)
    for case in read_results(text.encode(), SCENARIO).cases.values():
        if isinstance(case, Failed):
            raise BenchmarkError(
                f"{case.case_id}: {case.why}: only a pack of answers can be promoted"
            )
    return text


@app.command()
def show(ledger: LedgerFolder = session.LEDGER, as_json: AsJson = False) -> None:
    """The promoted run, and the benchmark results that were promoted with it."""
    with told():
        found = promotion.load(ledger, store.read(ledger))
        header = read_results(found.results, promotion.RESULTS).header if found else None
    if found is None or header is None:
        typer.echo("no run is promoted: the newest ones are compared with", err=True)
        raise typer.Exit(Exit.INSUFFICIENT)
    promoted = found.promotion
    if as_json:
        content = {"promoted": promoted.model_dump(), "benchmark": header.model_dump(mode="json")}
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"run {promoted.run} of {promoted.commit[:12]}: {promoted.why}")
    typer.echo(f"benchmark: {len(header.cases)} cases, model {header.model}, {header.emulator}")
