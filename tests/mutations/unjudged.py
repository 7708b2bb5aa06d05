"""What boots could say otherwise without a guardrail that fails (unjudged.toml), and why that is right."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

TABLE = Path(__file__).with_name("unjudged.toml")


class Unjudged(BaseModel):
    """A mutation of a marker that no guardrail need notice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    marker: str
    mutation: str
    why: str = Field(min_length=20)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    unjudged: tuple[Unjudged, ...]


def load() -> tuple[Unjudged, ...]:
    """The rows of the table."""
    return _Table.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8"))).unjudged
