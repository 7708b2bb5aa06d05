"""Marker lines of a console log as typed records, read by the same table that made them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from tools.markers.table import FieldRow, Marker, Table

Value = int | Decimal | bool | str

_SUFFIX = r"(?: event=(?P<event>\d+))? level=(?P<level>info|warn|error) seq=(?P<seq>\d+) t_us=(?P<t_us>\d+)"
_PATTERNS = {
    "u64": r"\d+",
    "i64": r"-?\d+",
    "ms": r"\d+\.\d{3}",
    "hex32": r"[0-9a-f]{8}",
    "bool": r"yes|no",
    "text": r'"(?:[^"\\]|\\.)*"|[^ "\\]+',
}


@dataclass(frozen=True)
class Record:
    """One marker line. Fields: int (u64, i64, hex32), Decimal (ms, f64), bool, str (text, word)."""

    line: int
    id: str
    seq: int
    t_us: int
    fields: Mapping[str, Value]
    level: str = "info"
    event: int | None = None
    """Its number in the journal of the volume; None when it is not kept there."""

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]


@dataclass(frozen=True)
class Problem:
    """A line that begins like a marker and is none, or a marker out of sequence."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Log:
    """What a log says: its records in order, and everything that could not be read as one."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]

    def of(self, marker_id: str) -> tuple[Record, ...]:
        """The records of one marker."""
        return tuple(record for record in self.records if record.id == marker_id)


def _field_pattern(field: FieldRow, table: Table) -> str:
    if field.word_set is not None:
        return "|".join(word.name for word in table.words[field.word_set].values)
    if field.digits is not None:
        return rf"-?\d+\.\d{{{field.digits}}}" if field.digits else r"-?\d+"
    return _PATTERNS[field.type]


def _line_pattern(marker: Marker, table: Table) -> re.Pattern[str]:
    parts = [re.escape(marker.literals[0])]
    for field, literal in zip(marker.fields, marker.literals[1:]):
        parts += [f"(?P<field_{field.name}>{_field_pattern(field, table)})", re.escape(literal)]
    return re.compile("".join(parts) + _SUFFIX)


def _value(field: FieldRow, text: str) -> Value:
    if field.type == "text":
        return str(json.loads(text)) if text.startswith('"') else text
    if field.word_set is not None:
        return text
    if field.type == "bool":
        return text == "yes"
    if field.type == "ms" or field.digits is not None:
        return Decimal(text)
    return int(text, 16 if field.type == "hex32" else 10)


def _record(number: int, marker: Marker, match: re.Match[str]) -> Record:
    values = {field.name: _value(field, match[f"field_{field.name}"]) for field in marker.fields}
    event = int(match["event"]) if match["event"] else None
    return Record(
        number,
        marker.id,
        int(match["seq"]),
        int(match["t_us"]),
        MappingProxyType(values),
        match["level"],
        event,
    )


def _reason(text: str, table: Table) -> str:
    if re.search(_SUFFIX + "$", text) is None:
        return "begins like a marker and has no level=, seq= and t_us= at its end"
    near = [m.id for m in table.marker if m.literals[0].strip() and text.startswith(m.literals[0])]
    return f"malformed {near[0]} line" if near else "no row of the marker table has this shape"


@dataclass(frozen=True)
class LineParser:
    """A table made ready to read lines."""

    table: Table
    patterns: tuple[tuple[Marker, re.Pattern[str]], ...]

    @classmethod
    def of(cls, table: Table) -> LineParser:
        return cls(table, tuple((marker, _line_pattern(marker, table)) for marker in table.marker))

    def parse(self, number: int, text: str) -> Record | Problem | None:
        """One line without its LF; None when it does not begin like a marker."""
        if not text.startswith(self.table.leads):
            return None
        for marker, pattern in self.patterns:
            try:
                if match := pattern.fullmatch(text):
                    return _record(number, marker, match)
            except json.JSONDecodeError as error:
                return Problem(number, text, f"malformed {marker.id} line: {error}")
        return Problem(number, text, _reason(text, self.table))


def _out_of_sequence(previous: Record | None, record: Record) -> str | None:
    """Why a record does not follow the one before it; a boot starts again at 1."""
    expected = previous.seq + 1 if previous else 1
    if record.seq not in (1, expected):
        return f"seq={record.seq}, expected {expected}: lines are missing, or this one is forged"
    if previous and record.seq != 1 and record.t_us < previous.t_us:
        return f"t_us={record.t_us} is before {previous.t_us} of the line before"
    return None


def parse_log(text: str, table: Table) -> Log:
    """Every marker of a console log, and every line that only looks like one."""
    records: list[Record] = []
    problems: list[Problem] = []
    parser = LineParser.of(table)
    for number, line in enumerate(text.split("\n"), start=1):
        found = parser.parse(number, line.removesuffix("\r"))
        if isinstance(found, Record):
            if reason := _out_of_sequence(records[-1] if records else None, found):
                problems.append(Problem(number, line, reason))
            records.append(found)
        elif found is not None:
            problems.append(found)
    return Log(tuple(records), tuple(problems))
