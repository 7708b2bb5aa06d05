"""The decisions of a boot: every marker line that has a reason id, and every line that should have been one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.judges.reasons.provenance import Settings, settings_of
from tools.markers.parse import Problem, Record
from tools.markers.table import Marker, Table

JOURNAL_KEYS = ("oo_enable", "autotune", "guardrails")
"""Each of them opens the journal."""
_REASON = re.compile(r"reason_id=([^ )\n]*)")


@dataclass(frozen=True)
class Decision:
    """One decision, as the console showed it."""

    boot: Boot
    record: Record
    marker: Marker

    @property
    def place(self) -> str:
        return self.boot.at(self.record)

    @property
    def reason_id(self) -> str:
        return str(self.record["reason_id"])

    @property
    def is_logged(self) -> bool:
        """A log of the volume is to keep it."""
        return bool(self.marker.logs)


def reason_markers(table: Table) -> dict[str, Marker]:
    """The markers that say a decision, by id."""
    return {
        marker.id: marker
        for marker in table.marker
        if any(field.name == "reason_id" for field in marker.fields)
    }


def reasons(table: Table) -> dict[str, str]:
    """What each reason id means."""
    return {word.name: word.doc for word in table.words["reason_id"].values}


def decisions(boot: Boot) -> tuple[Decision, ...]:
    """In the order of the log."""
    markers = reason_markers(boot.table)
    return tuple(
        Decision(boot, record, markers[record.id])
        for record in boot.log.records
        if record.id in markers
    )


def decisions_of(capture: Capture) -> tuple[Decision, ...]:
    """Of all boots."""
    return tuple(each for boot in capture.boots for each in decisions(boot))


def out_of_sequence(boot: Boot) -> tuple[Problem, ...]:
    """Lines that can be read, and before which others are missing."""
    read = {record.line for record in boot.log.records}
    return tuple(problem for problem in boot.log.problems if problem.line in read)


def unreadable(boot: Boot) -> tuple[Problem, ...]:
    """Lines that begin like a marker and are none."""
    read = {record.line for record in boot.log.records}
    return tuple(problem for problem in boot.log.problems if problem.line not in read)


def without_reason(boot: Boot) -> Iterator[tuple[str, str]]:
    """Decisions that give no reason this table knows, or more than one: where, and what is wrong."""
    starts = tuple(marker.literals[0] for marker in reason_markers(boot.table).values())
    for problem in unreadable(boot):
        if _REASON.search(problem.text) or problem.text.startswith(starts):
            place = f"{boot.place}:{problem.line}"
            yield place, f"{place}: {_reason_problem(problem, boot.table)}: {problem.text[:120]!r}"


def _reason_problem(problem: Problem, table: Table) -> str:
    found = _REASON.findall(problem.text)
    unknown = [each for each in found if each not in reasons(table)]
    if not found:
        return "expected a reason id, found none"
    if unknown:
        return f"expected a reason id of the marker table, found {unknown[0][:60]!r}"
    return f"expected one reason id, found {len(found)}" if len(found) > 1 else problem.reason


def without_event(capture: Capture, boot: Boot) -> Iterator[tuple[str, str]]:
    """Decisions that a log is to keep, and that have no event id: where, and what is wrong.

    A boot that has said its log cannot be written has none from there on, and one without a journal none at all.
    """
    shown = [each for each in decisions(boot) if each.is_logged]
    has_journal = any(each.record.event for each in shown) or _wants_journal(capture, boot)
    failed = min((record.line for record in boot.of("oo_log_failed")), default=None)
    for each in shown if has_journal else ():
        if each.record.event is None and (failed is None or each.record.line < failed):
            says = f"{each.place}: expected an event id, found none: {each.marker.id} is to be kept"
            yield each.place, says


def _wants_journal(capture: Capture, boot: Boot) -> bool:
    settings: Settings = settings_of(capture, boot)
    return bool(boot.of("oo_boot")) or any(settings.says(key) == "1" for key in JOURNAL_KEYS)
