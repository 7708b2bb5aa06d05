"""The logs of a volume beside the console of the boots that wrote them, event by event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.judges.reasons.consults import POWER_CUT
from tools.guardrails.judges.reasons.provenance import settings_of
from tools.markers.parse import LineParser, Record
from tools.oo.records import TEXT_MAX, Line, RecordLog, Torn

Problem = tuple[str, str]
"""Where, and what is wrong there."""

_TAIL = re.compile(r"(?: event=\d+)? level=\w+ seq=\d+ t_us=\d+\r?$")
_KEPT = re.compile(r"boot=\d+ (.*)", re.DOTALL)
_AS_SHOWN = " level=info seq=1 t_us=0"
_SHORT = 160
_SEAL_BYTES = len("event= ") + 20 + len(" crc=00000000\n")
"""What a line has beside its text, at most."""


@dataclass(frozen=True)
class Event:
    """A line of the console that has a number of the volume."""

    number: int
    text: str
    """As the volume is to have it."""
    place: str


@dataclass(frozen=True)
class Reading:
    """One log as a boot left it."""

    boot: Boot
    log: str
    after: RecordLog
    before: RecordLog
    """As the boot before left it; empty when that is not known."""
    newest_before: int
    """Number of the newest event of the boots before."""
    shown: tuple[Event, ...]
    """What the console of this boot shows of it."""
    was_cut: bool
    """Power failed in this boot, or in one before it."""

    @property
    def name(self) -> str:
        """Its first file, which it is known by."""
        return self.boot.table.logs[self.log].files[0]

    @property
    def place(self) -> str:
        return f"{self.boot.place}/files/{self.name}"

    @cached_property
    def kept(self) -> dict[int, str]:
        return {line.number: line.text for line in self.after.lines}

    @cached_property
    def oldest(self) -> int:
        """Older ones may have made room: 0 as long as none had to."""
        held = sum(map(_bytes, self.after.lines))
        held += sum(len(piece.data) for piece in self.after.torn)
        is_full = held + TEXT_MAX + _SEAL_BYTES >= self.boot.table.logs[self.log].bytes
        return self.after.lines[0].number if is_full and self.after.lines else 0

    @property
    def written(self) -> tuple[Line, ...]:
        """Its lines of this boot."""
        return tuple(line for line in self.after.lines if line.number > self.newest_before)

    @property
    def torn(self) -> tuple[Torn, ...]:
        """What this boot left that is no whole line."""
        return tuple(piece for piece in self.after.torn if piece not in self.before.torn)

    @property
    def unshown(self) -> tuple[Line, ...]:
        """Lines behind the last one that the console shows."""
        last = max((event.number for event in self.shown), default=self.newest_before)
        return tuple(line for line in self.written if line.number > last)


_NOTHING = RecordLog((), ())


def _bytes(line: Line) -> int:
    """In a file."""
    return len(f"event={line.number} {line.text} crc=00000000\n".encode(errors="surrogateescape"))


def asked(capture: Capture, log: str) -> bool:
    """Whether the scenario reads a log back."""
    wanted = capture.run.scenario.given.get("read_back", ())
    files = capture.boots[0].table.logs[log].files
    return isinstance(wanted, list | tuple) and any(file in wanted for file in files)


def readings(capture: Capture, log: str) -> Iterator[Reading]:
    """Of each boot that left the log, in order. Raises CaptureError when one contradicts itself."""
    before, newest, was_cut = _NOTHING, 0, False
    for boot in capture.boots:
        shown = tuple(_shown(capture, boot, log))
        after = boot.kept(log)
        was_cut = was_cut or boot.row.outcome == POWER_CUT
        if after is not None:
            yield Reading(boot, log, after, before, newest, shown, was_cut)
        before = after or _NOTHING
        newest = max(newest, before.newest, *(event.number for event in shown), 0)


def missing(capture: Capture, log: str) -> Iterator[Problem]:
    """Boots that did not leave a log which was to be read back."""
    name = capture.boots[0].table.logs[log].files[0]
    for boot in capture.boots:
        if boot.kept(log) is None:
            yield boot.place, f"{boot.place}: expected {name} to be read back, found none"


def _shown(capture: Capture, boot: Boot, log: str) -> Iterator[Event]:
    if log == "consult" and settings_of(capture, boot).says("oo_consult_log") == "0":
        return
    markers = {marker.id for marker in boot.table.marker if log in marker.logs}
    counted = boot.of("oo_boot")
    number = counted[0]["boot_count"] if counted else 0
    lines = boot.serial.split("\n")
    for record in boot.log.records:
        if record.id in markers and record.event is not None:
            text = _TAIL.sub("", lines[record.line - 1])
            yield Event(record.event, f"boot={number} {text}", boot.at(record))


# ---- what can be wrong ----


def disparities(reading: Reading) -> Iterator[Problem]:
    """Events that the console and the volume do not agree about, both ways."""
    for event in reading.shown:
        if problem := _disparity(reading, event):
            yield event.place, f"{event.place}: {problem}"
    shown = {event.number for event in reading.shown}
    excused = reading.unshown if reading.boot.row.outcome == POWER_CUT else ()
    for line in reading.written:
        if line.number not in shown and line not in excused:
            says = f"{reading.name} has event {line.number}, which the console does not show"
            yield reading.place, f"{reading.place}: {says}: {line.text[:_SHORT]!r}"


def _disparity(reading: Reading, event: Event) -> str | None:
    if event.number < reading.oldest:
        return None
    kept = reading.kept.get(event.number)
    if kept is None:
        return f"the console shows event {event.number}, which {reading.name} does not have"
    if kept != event.text:
        found = f"{reading.name} has {kept[:_SHORT]!r}"
        return f"event {event.number}: the console has {event.text[:_SHORT]!r}, {found}"
    return None


def lost(reading: Reading) -> Iterator[Problem]:
    """Lines that were there after the boot before, and are not any more as they were."""
    for line in reading.before.lines:
        if line.number >= reading.oldest and reading.kept.get(line.number) != line.text:
            says = f"event {line.number} is no longer as the boot before left it"
            yield reading.place, f"{reading.place}: {says}: {line.text[:_SHORT]!r}"


def invalid(reading: Reading, parser: LineParser) -> Iterator[Problem]:
    """Lines of this boot that are no marker with a reason which this log keeps."""
    keeps = {marker.id for marker in parser.table.marker if reading.log in marker.logs}
    for line in reading.written:
        if problem := _line_problem(line, parser, keeps):
            says = f"event {line.number}: {problem}: {line.text[:_SHORT]!r}"
            yield reading.place, f"{reading.place}: {says}"


def _line_problem(line: Line, parser: LineParser, keeps: set[str]) -> str | None:
    match = _KEPT.fullmatch(line.text)
    if match is None:
        return "expected boot=N and the text of a marker"
    found = parser.parse(0, match[1] + _AS_SHOWN)
    if not isinstance(found, Record):
        return found.reason if found else "expected the text of a marker"
    return None if found.id in keeps else f"{found.id} is not for this log"
