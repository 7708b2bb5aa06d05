"""What a guardrail says: findings with their sample counts, and the status that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Absence of evidence is its own value: never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Finding:
    """One question that a guardrail asks of the evidence."""

    what: str
    """The question, as words_with_underscores; stable, for machines."""
    status: Status
    samples: int
    minimum: int
    """Samples without which there is no answer."""
    says: str
    """What was expected and what was found."""
    places: tuple[str, ...] = ()
    """Where: scenario/boot-N:line, or a run of the ledger."""


def checked(
    what: str,
    samples: int,
    problems: Sequence[tuple[str, str]],
    *,
    minimum: int = 1,
    fine: str,
) -> Finding:
    """A question that each sample answers by itself: `problems` are (place, what is wrong there).

    One problem is a failure however few the samples; none among too few is insufficient.
    """
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        places = tuple(place for place, _ in problems)
        return Finding(what, Status.FAIL, samples, minimum, problems[0][1] + more, places)
    if samples < minimum:
        says = f"expected at least {minimum} samples, found {samples}"
        return Finding(what, Status.INSUFFICIENT, samples, minimum, says)
    return Finding(what, Status.PASS, samples, minimum, fine)


@dataclass(frozen=True)
class Judgement:
    """A guardrail's verdict."""

    guardrail: str
    findings: tuple[Finding, ...]
    state: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """What the verdict rests on, for state.json: plain JSON values."""

    @property
    def status(self) -> Status:
        """Fail if anything fails; else insufficient if anything is, or if nothing was asked."""
        found = {finding.status for finding in self.findings}
        if Status.FAIL in found:
            return Status.FAIL
        return Status.PASS if found == {Status.PASS} else Status.INSUFFICIENT

    @property
    def samples(self) -> int:
        return sum(finding.samples for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """All of it, as plain values."""
        return {
            "guardrail": self.guardrail,
            "status": self.status,
            "samples": self.samples,
            "findings": [asdict(finding) for finding in self.findings],
            "state": dict(self.state),
        }

    def line(self) -> str:
        """The verdict on one line: of the worst finding, when there is one."""
        bad = [finding for finding in self.findings if finding.status == self.status]
        about = f"; {bad[0].what}: {bad[0].says}" if bad and self.status != Status.PASS else ""
        count = f"{len(self.findings)} findings from {self.samples} samples"
        return f"{self.guardrail}: {self.status} ({count}){about}"
