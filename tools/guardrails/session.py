"""Judging: the evidence of a run, every guardrail's verdict over it, and how a process ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path

from tools.guardrails import policy
from tools.guardrails.captures import Capture
from tools.guardrails.catalogue import GUARDRAILS, Guardrail
from tools.guardrails.errors import GuardrailError
from tools.guardrails.evidence import Evidence
from tools.guardrails.ledger import promotion, store
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Judgement, Status
from tools.markers.table import Table, TableError, load

MARKERS = Path("firmware/events/markers.toml")
LEDGER = Path("tools/guardrails/ledger/runs")
CAPTURES = Path("dist/firmware.scenarios")
"""Where `./pants package firmware/scenarios::` puts them."""


class Exit(IntEnum):
    """How a process of this package ends."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INSUFFICIENT = 3
    """Too little evidence, where the policy's `insufficient_fails` asks for it."""
    COULD_NOT_RUN = 4


def marker_table() -> Table:
    """The table of firmware/events. Raises GuardrailError."""
    try:
        return load(MARKERS)
    except TableError as error:
        raise GuardrailError(str(error)) from error


def gather(
    table: Table, captures: Mapping[str, Capture], ledger: Path, settings: Iterable[str] = ()
) -> Evidence:
    """A run's evidence. Raises GuardrailError."""
    history = store.read(ledger)
    promoted = promotion.load(ledger, history)
    return Evidence(table, captures, policy.load_all(settings=settings), history, promoted)


def find(name: str) -> Guardrail:
    """A guardrail by name. Raises GuardrailError, which names the nearest."""
    if name not in GUARDRAILS:
        raise GuardrailError(f"no guardrail {name!r}{policy.nearest(name, GUARDRAILS)}")
    return GUARDRAILS[name]


def policy_of(guardrail: Guardrail, evidence: Evidence) -> Policy:
    """Its own, or its milestone's: `m18_1` has that of `m18`."""
    milestone = guardrail.name.partition("_")[0]
    return evidence.policies.get(guardrail.name) or evidence.policies[milestone]


def judge(guardrail: Guardrail, evidence: Evidence) -> Judgement:
    """One verdict, over the scenarios that the guardrail is about. Raises GuardrailError."""
    return guardrail.judge(evidence.only(guardrail.scenarios))


def exit_code(judgement: Judgement, of: Policy) -> Exit:
    """How a process that came to this judgement ends."""
    if judgement.status == Status.FAIL:
        return Exit.FAIL
    if judgement.status == Status.INSUFFICIENT and of.switch("insufficient_fails"):
        return Exit.INSUFFICIENT
    return Exit.PASS


def worst(codes: Iterable[Exit]) -> Exit:
    """How a process ends that came to several judgements: a failure outweighs missing evidence."""
    found = set(codes)
    for code in (Exit.COULD_NOT_RUN, Exit.FAIL, Exit.INSUFFICIENT):
        if code in found:
            return code
    return Exit.PASS
