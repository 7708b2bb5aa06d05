"""What the ledger says of runs before: those like this one, and the states that were left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from pydantic import JsonValue

from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts
from tools.guardrails.ledger.record import RunRecord


def newest(evidence: Evidence, reach: int) -> Iterator[RunRecord]:
    """The last `reach` runs, newest first. Raises LedgerError."""
    return islice(evidence.ledger.newest_first(), reach)


def runs_like(
    evidence: Evidence, facts: CaptureFacts, reach: int
) -> Iterator[tuple[RunRecord, CaptureFacts]]:
    """The captures of the same stratum among the last `reach` runs, whatever was said of them, newest first.

    Each capture comes once, and never the one that is judged. Raises LedgerError.
    """
    seen = {facts.identity}
    for record in newest(evidence, reach):
        for capture in record.captures:
            if capture.stratum == facts.stratum and capture.identity not in seen:
                seen.add(capture.identity)
                yield record, capture


def last_state(evidence: Evidence, guardrail: str) -> Mapping[str, JsonValue] | None:
    """The newest state that a guardrail left behind; None before its first. Raises LedgerError."""
    for record in evidence.ledger.newest_first():
        if guardrail in record.states:
            return record.states[guardrail]
    return None


def is_repeated(evidence: Evidence, reach: int) -> bool:
    """Whether one of the last `reach` runs has all of this run's captures: it is the same run, made again."""
    return any(_has_all(record, evidence) for record in newest(evidence, reach))


def _has_all(record: RunRecord, evidence: Evidence) -> bool:
    mine = {facts.identity for facts in evidence.facts.values()}
    return mine <= {capture.identity for capture in record.captures}


def recorded_before(evidence: Evidence, reach: int) -> RunRecord | None:
    """The run that was the newest when this one was made: also when this one is in the ledger by now."""
    found: RunRecord | None = None
    for record in newest(evidence, reach):
        if _has_all(record, evidence):
            found = None
        elif found is None:
            found = record
    return found
