"""Consults of a boot: from the advice to the line that sums it up, and what must be between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.guardrails.captures import Boot
from tools.markers.parse import Record

POWER_CUT = "power_cut"
"""Outcome of a boot that broke off."""
BEGIN, END = "oo_suggested", "oo_consulted"
COUNTED = {
    "applied": ("oo_applied",),
    "simulated": ("oo_simulated",),
    "blocked": ("oo_blocked", "oo_apply_failed"),
}
"""Fields of the sum, and the markers they count."""
ACTED = tuple(marker for markers in COUNTED.values() for marker in markers)
INSIDE = (*ACTED, "oo_confidence", "oo_plan", "oo_checkpoint", "oo_decided", END)
"""Markers that stand in a consult only."""
PARTS = ("base", "mode", "ram", "ctx", "seq", "advice", "strength", "feedback")
LOWEST, HIGHEST = 0, 100
"""Of a score."""
GATE_REASONS = {
    ("enforced", True): "OO_CONF_GATE_PASS",
    ("enforced", False): "OO_CONF_GATE_FAIL",
    ("log_only", True): "OO_CONF_LOG_ONLY",
    ("log_only", False): "OO_CONF_LOG_ONLY_LOW",
}


@dataclass(frozen=True)
class Consult:
    """The lines of one consult, in order; without an end when the log breaks off or goes on with another."""

    records: tuple[Record, ...]

    @property
    def begin(self) -> Record:
        return self.records[0]

    @property
    def end(self) -> Record | None:
        return self.records[-1] if self.records[-1].id == END else None

    @property
    def confidence(self) -> Record | None:
        return next(iter(self.of("oo_confidence")), None)

    def of(self, *markers: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.id in markers)


def consults(boot: Boot) -> tuple[Consult, ...]:
    """In order."""
    return tuple(Consult(tuple(group)) for group in _groups(boot) if group[0].id == BEGIN)


def _groups(boot: Boot) -> list[list[Record]]:
    """Lines of consults, one list a consult; those of none have a list each."""
    groups: list[list[Record]] = []
    is_open = False
    for record in boot.of(BEGIN, *INSIDE):
        if record.id == BEGIN or not is_open:
            groups.append([record])
            is_open = record.id == BEGIN
        else:
            groups[-1].append(record)
            is_open = record.id != END
    return groups


def unaccounted(boot: Boot) -> Iterator[tuple[str, str]]:
    """Where a consult and its decisions do not agree, and how."""
    for group in _groups(boot):
        place = boot.at(group[0])
        if group[0].id != BEGIN:
            yield place, f"{place}: expected {group[0].id} within a consult, found it outside of any"
        elif problem := _problem(Consult(tuple(group)), boot.row.outcome == POWER_CUT):
            yield place, f"{place}: {problem}"


def _problem(consult: Consult, may_break_off: bool) -> str | None:
    end = consult.end
    if end is None:
        return None if may_break_off else "the consult has no end"
    for field, markers in COUNTED.items():
        found = len(consult.of(*markers))
        if found != end[field]:
            return f"the consult ends with {field}={end[field]}, and {found} are said"
    if not consult.of(*ACTED, "oo_decided"):
        return "the consult ends without a decision"
    return _contradiction(consult, end)


def _contradiction(consult: Consult, end: Record) -> str | None:
    """One score and one threshold, in every line that has them."""
    score = consult.confidence
    if score is None:
        return "the consult has no confidence"
    for record in (*consult.of("oo_blocked"), end):
        for field in ("score", "threshold"):
            if record[field] != score[field]:
                return f"{record.id} says {field}={record[field]}, the confidence {score[field]}"
    return None


def unexplained_scores(boot: Boot) -> Iterator[tuple[str, str]]:
    """Scores that are not the sum of their parts, or whose reason is not what follows from them."""
    for record in boot.of("oo_confidence"):
        if problem := _score_problem(record):
            yield boot.at(record), f"{boot.at(record)}: {problem}"


def _score_problem(record: Record) -> str | None:
    total = min(HIGHEST, max(LOWEST, sum(int(record[part]) for part in PARTS)))
    if record["score"] != total:
        return f"expected a score of {total}, the sum of its parts, found {record['score']}"
    passes = total >= int(record["threshold"])
    reason = GATE_REASONS[str(record["gate"]), passes]
    if record["pass"] != passes or record["reason_id"] != reason:
        said = f"pass={'yes' if record['pass'] else 'no'} {record['reason_id']}"
        return f"expected {reason} of a score of {total} at {record['threshold']}, found {said}"
    return None
