"""Verdicts: `judge`, `check`, `replay`, `record`, `explain`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.guardrails import checkout as checkouts
from tools.guardrails import console as consoles
from tools.guardrails import recording, report, session
from tools.guardrails.captures import by_scenario, read_capture
from tools.guardrails.catalogue import GUARDRAILS, REMEMBERED, compared
from tools.guardrails.commands.common import (
    AsJson,
    Captures,
    LedgerFolder,
    Names,
    Settings,
    gather_evidence,
    told,
)
from tools.guardrails.errors import LedgerError
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.reasons.explanation import explain, pack
from tools.guardrails.session import Exit
from tools.guardrails.verdict import Judgement


def judge(
    name: Annotated[str, typer.Argument(help="A guardrail, as m9.")],
    output: Annotated[Path, typer.Option(help="Folder for state.json, report.md and junit.xml.")],
    capture: Annotated[list[Path], typer.Option(help="Folder of a capture; one a scenario.")],
    ledger: LedgerFolder,
) -> None:
    """One verdict, on one line, and its files: what the `guardrail` targets run."""
    with told():
        guardrail, table = session.find(name), session.marker_table()
        captures = by_scenario(read_capture(folder, table) for folder in capture)
        evidence = session.gather(table, captures, ledger)
        judgement = session.judge(guardrail, evidence)
    policy = session.policy_of(guardrail, evidence)
    report.write(judgement, policy.title, output)
    typer.echo(judgement.line())
    raise typer.Exit(session.exit_code(judgement, policy))


def _judge_all(evidence: Evidence, names: list[str] | None) -> Mapping[str, Judgement]:
    guardrails = [session.find(name) for name in names or GUARDRAILS]
    return {guardrail.name: session.judge(guardrail, evidence) for guardrail in guardrails}


def _worst(evidence: Evidence, judgements: Mapping[str, Judgement]) -> Exit:
    return session.worst(
        session.exit_code(judgement, session.policy_of(GUARDRAILS[name], evidence))
        for name, judgement in judgements.items()
    )


def _show(judgements: Mapping[str, Judgement], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in judgements.values()], indent=2))
    else:
        consoles.show_judgements(Console(), judgements)


def check(
    names: Names = None,
    captures: Captures = session.CAPTURES,
    ledger: LedgerFolder = session.LEDGER,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Judge the captures there are. Boots nothing, writes nothing."""
    with told():
        evidence = gather_evidence(captures, ledger, settings)
        judgements = _judge_all(evidence, names)
    _show(judgements, as_json)
    raise typer.Exit(_worst(evidence, judgements))


def explain_decision(
    scenario: Annotated[str, typer.Argument(help="A captured scenario, as organism.")],
    event: Annotated[
        int | None, typer.Argument(help="Event id of a decision; the last one when it is left out.")
    ] = None,
    captures: Captures = session.CAPTURES,
) -> None:
    """One decision in words: its reason, where each number comes from, and what came of it."""
    with told():
        capture = read_capture(captures / scenario, session.marker_table())
        text = explain(pack(capture), event)
    typer.echo(text)


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder of captures, stored at any time.")],
    output: Annotated[Path, typer.Option(help="Folder for a folder of files a guardrail.")],
    ledger: LedgerFolder = session.LEDGER,
    settings: Settings = None,
) -> None:
    """Judge stored captures again and write every verdict's files: the same bytes on any day and machine."""
    with told():
        evidence = gather_evidence(folder, ledger, settings)
        judgements = _judge_all(evidence, None)
    for name, judgement in judgements.items():
        title = session.policy_of(GUARDRAILS[name], evidence).title
        report.write(judgement, title, output / name)
        typer.echo(judgement.line())
    raise typer.Exit(_worst(evidence, judgements))


def record(
    names: Names = None,
    captures: Captures = session.CAPTURES,
    ledger: LedgerFolder = session.LEDGER,
    checkout: Annotated[
        Path, typer.Option(help="The git checkout that the image was built from.")
    ] = Path("."),
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Also when files differ from the commit.")
    ] = False,
) -> None:
    """Judge the captures, and append the run to the ledger with its verdicts, whatever they are.

    A run may be recorded for some guardrails, which need only their captures. Those with a memory are always judged.
    """
    with told():
        built = checkouts.checkout(checkout)
        if built.dirty and not dirty:
            raise LedgerError(
                "files differ from the commit: commit them, or record the run as dirty with --dirty"
            )
        evidence = gather_evidence(captures, ledger, None)
        judgements = _judge_all(evidence, [*names, *REMEMBERED] if names else None)
        kept = sorted(compared(judgements))
        run = recording.record(ledger, evidence.only(kept), judgements, built)
    _show(judgements, as_json=False)
    typer.echo(f"recorded as run {run.sequence}, {run.commit[:12]}")
    raise typer.Exit(_worst(evidence, judgements))
