"""What people see of verdicts, policies and the ledger: tables on a terminal, lines of JSON when asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, Status

_STYLES = {Status.PASS: "green", Status.FAIL: "bold red", Status.INSUFFICIENT: "yellow"}


def _status(status: Status) -> Text:
    return Text(status, style=_STYLES[status])


def _told(judgement: Judgement) -> list[Finding]:
    """What is worth a line: every finding that is no pass."""
    return [finding for finding in judgement.findings if finding.status != Status.PASS]


def show_judgements(console: Console, judgements: Mapping[str, Judgement]) -> None:
    """A row a guardrail, and one a finding that is no pass."""
    table = Table(box=None, pad_edge=False)
    for column in ("guardrail", "verdict", "samples", "what was asked, and found"):
        table.add_column(
            column, overflow="fold", justify="right" if column == "samples" else "left"
        )
    for name, judgement in judgements.items():
        question = GUARDRAILS[name].question
        table.add_row(name, _status(judgement.status), str(judgement.samples), question)
        for finding in _told(judgement):
            says = Text(f"{finding.what}: {finding.says}")
            table.add_row("", _status(finding.status), f"{finding.samples}/{finding.minimum}", says)
    console.print(table)


def show_policies(console: Console, policies: Mapping[str, Policy], *, changed_only: bool) -> None:
    """A row a value: what is in force, where it comes from, the default, the bounds."""
    table = Table(box=None, pad_edge=False)
    for column in ("value", "in force", "from", "default", "bounds", "meaning"):
        table.add_column(column, overflow="fold")
    for policy in policies.values():
        for key, row in policy.rows.items():
            if changed_only and policy.values[key] == row.default:
                continue
            bounds = (
                f"{row.minimum} to {row.maximum}"
                if row.maximum is not None
                else " ".join(row.words)
            )
            meaning = f"{row.doc} ({row.why})" if row.why else row.doc
            values = (
                _plain(policy.values[key], row.unit),
                policy.origins[key],
                _plain(row.default, row.unit),
            )
            table.add_row(f"{policy.name}.{key}", *values, bounds, Text(meaning))
    console.print(table)


def _plain(value: object, unit: str) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{text} {unit}".rstrip()


def show_runs(console: Console, newest_first: list[RunRecord]) -> None:
    """A row a run."""
    table = Table(box=None, pad_edge=False)
    for column in ("run", "recorded", "commit", "verdicts"):
        table.add_column(column)
    for run in newest_first:
        dirty = "+" if run.dirty else ""
        verdicts = Text(" ").join(
            Text(name, style=_STYLES[status]) for name, status in run.verdicts.items()
        )
        table.add_row(
            str(run.sequence),
            f"{run.recorded_at:%Y-%m-%d %H:%M}",
            run.commit[:12] + dirty,
            verdicts,
        )
    console.print(table)


def policies_json(policies: Mapping[str, Policy]) -> str:
    """Each value with its origin."""
    content = {
        f"{policy.name}.{key}": {
            "value": _number(policy.values[key]),
            "origin": policy.origins[key],
        }
        for policy in policies.values()
        for key in policy.rows
    }
    return json.dumps(content, indent=2)


def _number(value: object) -> object:
    return value if isinstance(value, bool | int | str) else float(str(value))
