"""Explanations: each decision of a capture with its reason, where its numbers come from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.errors import GuardrailError
from tools.guardrails.judges.reasons.changes import Change, changes
from tools.guardrails.judges.reasons.consults import Consult, consults
from tools.guardrails.judges.reasons.decisions import Decision, decisions, reasons
from tools.guardrails.judges.reasons.provenance import Settings, Source, field_source, settings_of
from tools.markers.parse import Record, Value

Plain = bool | int | float | str
"""What JSON has."""


@dataclass(frozen=True)
class Number:
    """A value that a decision rests on or sets."""

    name: str
    value: Plain
    source: Source

    @property
    def shown(self) -> str:
        """As the firmware writes it."""
        return ("yes" if self.value else "no") if isinstance(self.value, bool) else str(self.value)


@dataclass(frozen=True)
class Explained:
    """A decision with everything that is known about it."""

    decision: Decision
    reason: str
    numbers: tuple[Number, ...]
    consult: Consult | None
    """That it is a part of."""
    follow_up: tuple[tuple[Boot, Record], ...] = ()
    """What later boots said of it, when it was applied."""

    @property
    def event(self) -> int | None:
        return self.decision.record.event

    @property
    def action(self) -> str | None:
        found = self.decision.record.fields.get("action")
        return None if found is None else str(found)

    @property
    def score(self) -> int | None:
        return self._weighed("score")

    @property
    def threshold(self) -> int | None:
        return self._weighed("threshold")

    def _weighed(self, field: str) -> int | None:
        """Of its own line, or of the confidence it was decided by."""
        confidence = self.consult.confidence if self.consult else None
        for record in (self.decision.record, confidence):
            if record is not None and field in record.fields:
                return int(record[field])
        return None


@dataclass(frozen=True)
class Pack:
    """The decisions of one capture, in order."""

    scenario: str
    decisions: tuple[Explained, ...]


def pack(capture: Capture) -> Pack:
    """Raises CaptureError."""
    applied = {change.place: change for change in changes(capture)}
    explained = tuple(each for boot in capture.boots for each in _boot(capture, boot, applied))
    return Pack(capture.name, explained)


def _boot(capture: Capture, boot: Boot, applied: Mapping[str, Change]) -> Iterator[Explained]:
    settings, meanings = settings_of(capture, boot), reasons(boot.table)
    consulted = {record.line: consult for consult in consults(boot) for record in consult.records}
    for decision in decisions(boot):
        change = applied.get(decision.place)
        yield Explained(
            decision,
            meanings[decision.reason_id],
            tuple(_numbers(decision, settings)),
            consulted.get(decision.record.line),
            change.follow_up if change else (),
        )


def _numbers(decision: Decision, settings: Settings) -> Iterator[Number]:
    for field in decision.marker.fields:
        if field.name not in ("action", "reason_id"):
            value = decision.record[field.name]
            source = field_source(settings, decision.record, field.name, field.doc)
            yield Number(field.name, _plain(value), source)


def _plain(value: Value) -> Plain:
    return value if isinstance(value, bool | int | str) else float(value)


# ---- for people ----


def explain(of: Pack, event: int | None = None) -> str:
    """One decision in words: the one with this event id, or the last one. Raises GuardrailError without such a one."""
    return "\n".join(_lines(_find(of, event)))


def _find(of: Pack, event: int | None) -> Explained:
    found = [each for each in of.decisions if event in (None, each.event)]
    if found:
        return found[-1]
    if not of.decisions:
        raise GuardrailError(f"{of.scenario}: there is no decision in any of its boots")
    events = [each.event for each in of.decisions if each.event is not None]
    known = f"there are {min(events)} to {max(events)}" if events else "none has an event id"
    raise GuardrailError(f"{of.scenario}: no decision has event {event}; {known}")


def _lines(each: Explained) -> Iterator[str]:
    decision = each.decision
    name = f"event {each.event}" if each.event is not None else "no event id"
    yield f"{decision.marker.id}, {name}, boot {decision.boot.number} ({decision.place})"
    yield f"  what       {decision.marker.doc}"
    if each.action:
        yield f"  action     {each.action}"
    yield f"  reason     {decision.reason_id}: {each.reason}"
    if each.consult:
        yield f"  advice     {_advice(each.consult)}"
    if each.score is not None:
        yield f"  score      {each.score}, threshold {each.threshold}"
    for number in each.numbers:
        yield f"  {number.name}={number.shown}, {number.source.kind}: {number.source.says}"
    for boot, record in each.follow_up:
        yield f"  later      {_later(boot, record)}"


def _advice(consult: Consult) -> str:
    begin = consult.begin
    return f'"{begin["suggestion"]}", of the {begin["source"]}'


def _later(boot: Boot, record: Record) -> str:
    label = f" {record['label']}" if "label" in record.fields else ""
    return f"boot {boot.number}: {record.id}{label} {record['reason_id']} ({boot.at(record)})"
