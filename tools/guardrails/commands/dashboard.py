"""`dashboard`: the runs of the ledger on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tools.guardrails import policy as policies
from tools.guardrails import session
from tools.guardrails.benchmark.compare import Matrix, compare
from tools.guardrails.benchmark.results import read_results
from tools.guardrails.captures import find_captures
from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.commands.common import AsJson, LedgerFolder, told
from tools.guardrails.dashboard import rendering
from tools.guardrails.dashboard.model import Dashboard, build
from tools.guardrails.errors import GuardrailError
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.speed import slo
from tools.guardrails.verdict import Status


def dashboard(
    output: Annotated[Path, typer.Option(help="Folder for dashboard.md, .html and .json.")],
    ledger: LedgerFolder = session.LEDGER,
    captures: Annotated[
        Path | None, typer.Option(help="Folder of captures: a run that counts as the newest.")
    ] = None,
    benchmark: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="results.jsonl of the commit before, and of this one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Objectives, verdicts, trends and reasons over the runs of the ledger, as pages that need no network."""
    with told():
        made = _build(ledger, captures, benchmark)
        rendering.write(made, output)
    if as_json:
        typer.echo(rendering.to_json(made), nl=False)
        return
    for level in made.service.levels:
        typer.echo(f"{level.objective.name}: {level.says()}")
    typer.echo(f"{len(made.runs)} runs are in {output / 'dashboard.html'}")


def _build(ledger: Path, captures: Path | None, benchmark: tuple[Path, Path] | None) -> Dashboard:
    table = session.marker_table()
    found = find_captures(captures, table) if captures else {}
    whole = session.gather(table, found, ledger)
    scenarios = GUARDRAILS[slo.NAME].scenarios
    evidence = whole.only(scenarios) if captures else whole
    matrix = _matrix(benchmark) if benchmark else None
    now = _verdicts(whole) if captures else None
    return build(evidence, scenarios, now=now, benchmark=matrix)


def _verdicts(evidence: Evidence) -> Mapping[str, Status]:
    """Of each guardrail whose captures are all there."""
    return {
        name: session.judge(guardrail, evidence).status
        for name, guardrail in GUARDRAILS.items()
        if set(guardrail.scenarios) <= set(evidence.captures)
    }


def _matrix(packs: tuple[Path, Path]) -> Matrix:
    before, now = (read_results(_bytes(path), str(path)) for path in packs)
    return compare(before, now, policies.load_all()["m19"]).matrix


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GuardrailError(f"{path}: {error.strerror}") from error
