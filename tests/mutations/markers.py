"""Boots that say something else than they said: a marker is gone, has another name, or a field of it is none.

Only what the console said is changed. The files on the volume stay, as do the scenario and the way each boot ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.guardrails.captures import Boot, Capture
from tools.markers.parse import LineParser
from tools.markers.table import Marker, Table

Captures = Mapping[str, Capture]

_SEQ = re.compile(r" seq=\d+ t_us=\d+$")
_ANY_WORD = "text"
"""The type of fields that no word spoils."""


@dataclass(frozen=True)
class OtherBoot(Boot):
    """A boot with another log than that in its folder."""

    said: str

    @property
    def serial(self) -> str:
        return self.said


@dataclass(frozen=True)
class Mutation:
    """One way in which captures could say something else."""

    marker: str
    name: str
    captures: Captures


def held(captures: Captures, table: Table) -> tuple[Marker, ...]:
    """The markers that some boot says."""
    return tuple(marker for marker in table.marker if _holding(captures, marker))


def mutations(captures: Captures, marker: Marker) -> Iterator[Mutation]:
    """Every mutation of a marker that some boot says."""
    yield Mutation(marker.id, "gone", gone(captures, marker))
    yield Mutation(marker.id, "renamed", renamed(captures, marker))
    for field in marker.fields:
        if field.type != _ANY_WORD:
            changed = spoiled(captures, marker, field.name)
            yield Mutation(marker.id, f"{field.name} spoiled", changed)


def gone(captures: Captures, marker: Marker) -> Captures:
    """As if the firmware did not say it: the lines that are left are numbered without a gap."""
    return _everywhere(captures, marker, lambda boot: _without(boot, marker))


def renamed(captures: Captures, marker: Marker) -> Captures:
    """As if the firmware called it something else; the line still looks like a marker."""

    def rename(boot: Boot) -> str:
        lead = next(each for each in boot.table.leads if marker.template.startswith(each))
        return _edited(boot, marker, lambda line: f"{lead}x{line.removeprefix(lead)}")

    return _everywhere(captures, marker, rename)


def spoiled(captures: Captures, marker: Marker, field: str) -> Captures:
    """One line of one boot, in which a field is no number, or no word of its set."""
    boot = _holding(captures, marker)[-1]
    number = boot.of(marker.id)[-1].line
    lines = boot.serial.split("\n")
    line = lines[number - 1].removesuffix("\r")
    match = _pattern(boot.table, marker).fullmatch(line)
    assert match is not None, line
    start, end = match.span(f"field_{field}")
    lines[number - 1] = f"{line[:start]}?{line[end:]}"
    return _changed(captures, {boot.place: "\n".join(lines)})


def _pattern(table: Table, marker: Marker) -> re.Pattern[str]:
    patterns = LineParser.of(table).patterns
    return next(pattern for each, pattern in patterns if each.id == marker.id)


def _holding(captures: Captures, marker: Marker) -> list[Boot]:
    return [boot for each in captures.values() for boot in each.boots if boot.of(marker.id)]


def _everywhere(captures: Captures, marker: Marker, say: Callable[[Boot], str]) -> Captures:
    return _changed(captures, {boot.place: say(boot) for boot in _holding(captures, marker)})


def _changed(captures: Captures, said: Mapping[str, str]) -> Captures:
    """The captures, with other logs for some boots."""
    return MappingProxyType({name: _with(each, said) for name, each in captures.items()})


def _with(capture: Capture, said: Mapping[str, str]) -> Capture:
    if not any(boot.place in said for boot in capture.boots):
        return capture
    return Capture(
        capture.run,
        tuple(
            _saying(boot, said[boot.place]) if boot.place in said else boot
            for boot in capture.boots
        ),
    )


def _saying(boot: Boot, said: str) -> Boot:
    return OtherBoot(boot.scenario, boot.number, boot.row, boot.folder, boot.table, said)


def _edited(boot: Boot, marker: Marker, edit: Callable[[str], str]) -> str:
    lines = boot.serial.split("\n")
    for record in boot.of(marker.id):
        lines[record.line - 1] = edit(lines[record.line - 1])
    return "\n".join(lines)


def _without(boot: Boot, marker: Marker) -> str:
    lines: list[str | None] = [*boot.serial.split("\n")]
    seq = 0
    for record in boot.log.records:
        line = lines[record.line - 1]
        if record.id == marker.id or line is None:
            lines[record.line - 1] = None
            continue
        seq += 1
        suffix = f" seq={seq} t_us={record.t_us}"
        lines[record.line - 1] = _SEQ.sub(suffix, line.removesuffix("\r"))
    return "\n".join(line for line in lines if line is not None)
