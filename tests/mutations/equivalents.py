"""Mutants that nobody can notice (equivalents.toml), and why.

Rows are found by what a comparison says, not by its line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tests.mutations.comparisons import Mutant

TABLE = Path(__file__).with_name("equivalents.toml")


class Equivalent(BaseModel):
    """A mutant that behaves as its module does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    function: str
    before: str
    after: str
    why: str = Field(min_length=20)

    def is_of(self, mutant: Mutant) -> bool:
        place = mutant.place
        found = place.path, place.function, mutant.before, mutant.after
        return found == (self.file, self.function, self.before, self.after)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    equivalent: tuple[Equivalent, ...]


def load() -> tuple[Equivalent, ...]:
    """The rows of the table."""
    return _Table.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8"))).equivalent


@dataclass(frozen=True)
class Survival:
    """Survivors beside the table."""

    unexplained: tuple[Mutant, ...]
    stale: tuple[Equivalent, ...]
    """Rows whose mutant was noticed, or is gone."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is to be done, a line a survivor or a row."""
        return (
            *(
                f"{each.name}: no test notices; add one, or a row to {TABLE.name} that says why nobody can"
                for each in self.unexplained
            ),
            *(
                f"{each.file} {each.function}: {each.before} becomes {each.after}: expected a mutant that survives, "
                f"found none: take the row out of {TABLE.name}"
                for each in self.stale
            ),
        )


def compare(
    survivors: Collection[Mutant], files: Collection[str], rows: Collection[Equivalent]
) -> Survival:
    """The survivors among the mutants of some files, and the rows of these files."""
    mine = [row for row in rows if row.file in files]
    unexplained = tuple(s for s in survivors if not any(row.is_of(s) for row in mine))
    stale = tuple(row for row in mine if not any(row.is_of(s) for s in survivors))
    return Survival(unexplained, stale)
