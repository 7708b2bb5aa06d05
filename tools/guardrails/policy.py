"""Policies: every threshold of a milestone as a row with its default, bounds and meaning (policies/*.toml)."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from tools.guardrails.errors import PolicyError

FOLDER = Path(__file__).parent / "policies"

Value = bool | int | Decimal | str

_TRUE_AND_FALSE = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def _finite(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


_PARSERS: Mapping[str, Callable[[str], Value]] = {
    "switch": lambda text: _TRUE_AND_FALSE[text.lower()],
    "word": str,
    "integer": int,
    "number": _finite,
}


class Row(BaseModel):
    """One threshold. `value` is what this repository uses where it is not the mission's default, and `why`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: Literal["integer", "number", "switch", "word"]
    default: Value
    value: Value | None = None
    why: str = ""
    unit: str = ""
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    words: tuple[str, ...] = Field(default=(), strict=False)
    doc: str = Field(min_length=1)
    flag: str = ""
    """The reference's name for it."""

    @model_validator(mode="after")
    def _values_fit(self) -> Row:
        for value in (self.default, self.value):
            if value is not None and (problem := self.problem_with(value)):
                raise ValueError(problem)
        if (self.value is None) != (not self.why):
            raise ValueError("a `value` that is not the default says `why`, and only that")
        return self

    @property
    def effective(self) -> Value:
        return self.default if self.value is None else self.value

    def problem_with(self, value: Value) -> str | None:
        """Why a value cannot be this row's."""
        if self.type == "switch":
            return None if isinstance(value, bool) else f"expected true or false, found {value}"
        if self.type == "word":
            return (
                None
                if value in self.words
                else f"expected one of {', '.join(self.words)}, found {value}"
            )
        if isinstance(value, bool | str) or (self.type == "integer" and not isinstance(value, int)):
            return f"expected a {self.type}, found {value}"
        return self._out_of_bounds(value)

    def _out_of_bounds(self, value: int | Decimal) -> str | None:
        below = self.minimum is not None and value < self.minimum
        above = self.maximum is not None and value > self.maximum
        return (
            f"expected {self.minimum} to {self.maximum}, found {value}" if below or above else None
        )

    def parse(self, text: str) -> Value:
        """A value as written on a command line. Raises ValueError."""
        try:
            value = _PARSERS[self.type](text)
        except (KeyError, ValueError, InvalidOperation) as error:
            raise ValueError(f"expected a {self.type}, found {text!r}") from error
        if problem := self.problem_with(value):
            raise ValueError(problem)
        return value


_ROWS: TypeAdapter[dict[str, Row]] = TypeAdapter(dict[str, Row])


@dataclass(frozen=True)
class Policy:
    """One milestone's rows, and the values in force with where each comes from."""

    name: str
    title: str
    rows: Mapping[str, Row]
    values: Mapping[str, Value]
    origins: Mapping[str, str]
    """`default`, `policy` or `--set`."""

    def integer(self, key: str) -> int:
        value = self.values[key]
        assert isinstance(value, int) and self.rows[key].type == "integer", key
        return value

    def number(self, key: str) -> float:
        value = self.values[key]
        assert self.rows[key].type == "number", key
        return float(value)

    def switch(self, key: str) -> bool:
        value = self.values[key]
        assert isinstance(value, bool), key
        return value

    def word(self, key: str) -> str:
        value = self.values[key]
        assert isinstance(value, str), key
        return value

    def with_setting(self, key: str, text: str) -> Policy:
        """The policy with one value replaced. Raises PolicyError, which names the nearest key."""
        row = self.rows.get(key)
        if row is None:
            raise PolicyError(f"{self.name} has no value {key!r}{nearest(key, self.rows)}")
        try:
            value = row.parse(text)
        except ValueError as error:
            raise PolicyError(f"{self.name}.{key}: {error}") from error
        values = MappingProxyType({**self.values, key: value})
        return replace(
            self, values=values, origins=MappingProxyType({**self.origins, key: "--set"})
        )


def nearest(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def load(path: Path) -> Policy:
    """One milestone's policy. Raises PolicyError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        title = str(content.pop("title"))
        rows = _ROWS.validate_python(content)
    except KeyError as error:
        raise PolicyError(f"{path}: expected a title") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PolicyError(f"{path}: {place}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path}: {error}") from error
    values = {key: row.effective for key, row in rows.items()}
    origins = {key: "default" if row.value is None else "policy" for key, row in rows.items()}
    return Policy(
        path.stem,
        title,
        MappingProxyType(rows),
        MappingProxyType(values),
        MappingProxyType(origins),
    )


def load_all(folder: Path = FOLDER, settings: Iterable[str] = ()) -> Mapping[str, Policy]:
    """All milestones' policies by name, with settings `m9.max_model_select_ms=2500` applied. Raises PolicyError."""
    policies = {path.stem: load(path) for path in sorted(folder.glob("*.toml"))}
    if not policies:
        raise PolicyError(f"{folder}: expected a file for each milestone, found none")
    for setting in settings:
        place, is_pair, text = setting.partition("=")
        name, has_dot, key = place.partition(".")
        if not is_pair or not has_dot:
            raise PolicyError(f"expected MILESTONE.KEY=VALUE, found {setting!r}")
        if name not in policies:
            raise PolicyError(f"no milestone {name!r}{nearest(name, policies)}")
        policies[name] = policies[name].with_setting(key, text)
    return MappingProxyType(policies)
