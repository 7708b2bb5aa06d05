"""Runs as M15.1 counts them: the one that is judged, then the ledger's, newest first, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts, CaptureFacts
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.verdict import Status


@dataclass(frozen=True)
class Run:
    """One run: what is known of some of its scenarios."""

    captures: tuple[CaptureFacts, ...]
    record: RunRecord | None
    """None of a run that is not in the ledger."""
    is_now: bool = False
    """It is the run that is judged."""

    @property
    def label(self) -> str:
        return "this run" if self.record is None else f"run {self.record.sequence}"

    @property
    def recorded_at(self) -> datetime | None:
        return None if self.record is None else self.record.recorded_at

    @property
    def verdicts(self) -> Mapping[str, Status]:
        return {} if self.record is None else self.record.verdicts

    @property
    def boots(self) -> tuple[BootFacts, ...]:
        return tuple(boot for capture in self.captures for boot in capture.boots)

    @property
    def reasons(self) -> Counter[str]:
        """How often each reason id was given."""
        return sum((Counter(boot.reasons) for boot in self.boots), Counter())

    def of(self, scenario: str) -> CaptureFacts | None:
        found = (each for each in self.captures if each.stratum.scenario == scenario)
        return next(found, None)


def runs_of(evidence: Evidence, scenarios: Collection[str], reach: int) -> tuple[Run, ...]:
    """This run, when the evidence has its captures, and the last `reach` recorded ones.

    A capture counts once, where it is newest: a run that has none of its own is another one, made again. So is a
    recorded run that has only captures of this run, which then has what was recorded of it. Raises CaptureError,
    LedgerError.
    """
    mine = tuple(facts for name, facts in evidence.facts.items() if name in scenarios)
    seen = _identities(mine)
    found: list[Run] = []
    again: RunRecord | None = None
    for record in islice(evidence.ledger.newest_first(), reach):
        captures = tuple(each for each in record.captures if each.stratum.scenario in scenarios)
        own = tuple(each for each in captures if each.identity not in seen)
        if own or not captures:
            found.append(Run(own, record))
        elif again is None and _identities(captures) <= _identities(mine):
            again = record
        seen |= _identities(own)
    this = (Run(mine, again, is_now=True),) if mine else ()
    return (*this, *found)


def _identities(captures: Collection[CaptureFacts]) -> set[str]:
    return {facts.identity for facts in captures}
