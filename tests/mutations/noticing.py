"""Which guardrail notices that boots said something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutations.markers import Captures, Mutation, held, mutations
from tools.guardrails import policy, session
from tools.guardrails.catalogue import GUARDRAILS, Guardrail
from tools.guardrails.errors import CaptureError
from tools.guardrails.evidence import Evidence
from tools.guardrails.ledger.store import NONE
from tools.guardrails.verdict import Status
from tools.markers.table import Table


class FailsAnywayError(Exception):
    """A guardrail fails on the captures as they are, so it cannot show that it notices a change."""


@dataclass(frozen=True)
class Noticed:
    """What came of a mutation."""

    marker: str
    mutation: str
    by: str | None
    """The first guardrail that fails; None when all accept what was said."""


def notice_all(captures: Captures, table: Table) -> tuple[Noticed, ...]:
    """Every mutation of every marker that the captures hold. Raises FailsAnywayError.

    There is no history here: no guardrail may need an earlier run to notice.
    """
    for name, complaint in _complaints(captures, table):
        raise FailsAnywayError(f"{name} fails on unchanged captures: {complaint}")
    return tuple(
        Noticed(each.marker, each.name, _first(each, table))
        for marker in held(captures, table)
        for each in mutations(captures, marker)
    )


def _first(mutation: Mutation, table: Table) -> str | None:
    return next((name for name, _ in _complaints(mutation.captures, table)), None)


def _complaints(captures: Captures, table: Table) -> Iterator[tuple[str, str]]:
    """Each guardrail that does not accept the captures, with what it says. One that lacks a capture says nothing."""
    evidence = Evidence(table, captures, policy.load_all(), NONE)
    for name, guardrail in GUARDRAILS.items():
        if set(guardrail.scenarios) <= set(captures) and (says := _complaint(guardrail, evidence)):
            yield name, says


def _complaint(guardrail: Guardrail, evidence: Evidence) -> str:
    try:
        judgement = session.judge(guardrail, evidence)
    except CaptureError as error:
        return str(error)
    return judgement.line() if judgement.status == Status.FAIL else ""
