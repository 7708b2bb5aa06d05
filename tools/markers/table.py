"""The marker table (firmware/events/markers.toml) as validated, frozen data."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Limits of firmware/events/sink.h, in bytes.
LINE_BYTES = 1024
TEXT_BYTES = 260

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_U64_DIGITS = 20
_SUFFIX_BYTES = len(" event= level=error seq= t_us=\n") + 3 * _U64_DIGITS
_WIDTHS = {
    "u64": _U64_DIGITS,
    "i64": _U64_DIGITS,
    "ms": _U64_DIGITS + 1,
    "hex32": 8,
    "bool": 3,
    "text": TEXT_BYTES,
}
_F64_DIGITS_BEFORE_POINT = 32


class TableError(Exception):
    """The table contradicts itself; the message names the row and the remedy."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Word(_Frozen):
    """One value of a closed set."""

    name: str = Field(pattern=r"^([a-z][a-z0-9_]*|[A-Z][A-Z0-9_]*)$")
    doc: str = Field(min_length=1)


class WordSet(_Frozen):
    """A closed set of values that fields of type `word:NAME` take."""

    doc: str = Field(min_length=1)
    values: tuple[Word, ...] = Field(min_length=1)


class LogFiles(_Frozen):
    """A log on the volume: two files of a fixed size, used in turn."""

    doc: str = Field(min_length=1)
    files: tuple[str, str]
    bytes: int = Field(ge=4096, multiple_of=4096)


class FieldRow(_Frozen):
    """One field of a marker."""

    # No underscore at the end: the generated C keeps such names for its own.
    name: str = Field(pattern=r"^[a-z]([a-z0-9_]*[a-z0-9])?$")
    type: str
    doc: str = Field(min_length=1)

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        if value in _WIDTHS or re.fullmatch(r"f64\.[0-9]|word:[a-z][a-z0-9_]*", value):
            return value
        raise ValueError(f"type {value!r}: expected one of {', '.join(_WIDTHS)}, f64.N, word:SET")

    @property
    def word_set(self) -> str | None:
        """Name of the set of a word field, None for other types."""
        return self.type.removeprefix("word:") if self.type.startswith("word:") else None

    @property
    def digits(self) -> int | None:
        """Digits after the point of an f64 field, None for other types."""
        return int(self.type.removeprefix("f64.")) if self.type.startswith("f64.") else None


class Marker(_Frozen):
    """One kind of marker line: a template, and the fields that fill its `{name}` places."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    template: str = Field(min_length=1)
    doc: str = Field(min_length=1)
    level: Literal["info", "warn", "error"] = "info"
    logs: tuple[str, ...] = ()
    """Logs on the volume that keep a copy of the line, with an event id."""
    fields: tuple[FieldRow, ...]

    @model_validator(mode="after")
    def _template_matches_fields(self) -> Marker:
        places = _PLACEHOLDER.findall(self.template)
        if places != [field.name for field in self.fields]:
            raise ValueError(f"marker {self.id}: template names {places}, fields are others")
        for field, after in zip(self.fields, self.literals[1:]):
            if field.type == "text" and after and not after.startswith(" "):
                raise ValueError(
                    f"marker {self.id}: text field {field.name} needs a space or the end behind it"
                )
        return self

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """The fixed text before, between and behind the fields; one more than there are fields."""
        return tuple(_PLACEHOLDER.split(self.template)[::2])


class Table(_Frozen):
    """The whole table."""

    leads: tuple[str, ...] = Field(min_length=1)
    logs: dict[str, LogFiles] = {}
    words: dict[str, WordSet]
    marker: tuple[Marker, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows_fit_together(self) -> Table:
        ids = [marker.id for marker in self.marker]
        if len(set(ids)) != len(ids):
            raise ValueError("marker ids are not unique")
        for marker in self.marker:
            self._check_marker(marker)
        return self

    def _check_marker(self, marker: Marker) -> None:
        if not marker.template.startswith(self.leads):
            raise ValueError(f"marker {marker.id}: the template begins with none of {self.leads}")
        if unheard := [name for name in marker.logs if name not in self.logs]:
            raise ValueError(f"marker {marker.id}: no log {unheard[0]!r}")
        if marker.logs and not any(f.type == "word:reason_id" for f in marker.fields):
            raise ValueError(f"marker {marker.id}: what is logged needs a field of word:reason_id")
        unknown = [f.word_set for f in marker.fields if f.word_set and f.word_set not in self.words]
        if unknown:
            raise ValueError(f"marker {marker.id}: no word set {unknown[0]!r}")
        if (width := self.max_bytes(marker)) > LINE_BYTES:
            raise ValueError(f"marker {marker.id}: up to {width} bytes, limit {LINE_BYTES}")

    def max_bytes(self, marker: Marker) -> int:
        """The longest line a marker can give, with sequence number, time and LF."""
        literals = sum(len(text.encode()) for text in marker.literals)
        return literals + sum(self._field_bytes(field) for field in marker.fields) + _SUFFIX_BYTES

    def _field_bytes(self, field: FieldRow) -> int:
        if field.word_set is not None:
            return max(len(word.name) for word in self.words[field.word_set].values)
        if field.digits is not None:
            return _F64_DIGITS_BEFORE_POINT + field.digits
        return _WIDTHS[field.type]


def load(path: Path) -> Table:
    """Read and validate a table.

    Raises:
        TableError: the file is no TOML, or a row breaks a rule.
    """
    try:
        return Table.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        raise TableError(f"{path}: {error}") from error
