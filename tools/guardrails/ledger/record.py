"""One line of the ledger: a run, its facts, and what was said of it then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from tools.guardrails.facts import CaptureFacts
from tools.guardrails.verdict import Status


class RunRecord(BaseModel):
    """A recorded run. The first field of its line is the hash of the line before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    previous: str = Field(pattern=r"^[0-9a-f]{64}$")
    schema_version: Literal[1]
    sequence: int = Field(ge=1)
    recorded_at: datetime
    """UTC, whole seconds: for people and for weeks; no verdict depends on the order of these."""
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    dirty: bool
    captures: tuple[CaptureFacts, ...] = Field(min_length=1)
    verdicts: Mapping[str, Status]
    """Of the guardrails, when it was recorded."""
    states: Mapping[str, Mapping[str, JsonValue]] = {}
    """What guardrails with a memory (quarantine, canary, curriculum) go on from in the next run."""

    @field_validator("recorded_at")
    @classmethod
    def _is_utc(cls, value: datetime) -> datetime:
        if value.utcoffset() is None or value.microsecond:
            raise ValueError("expected a time with its zone, in whole seconds")
        return value.astimezone(timezone.utc)

    @property
    def passed(self) -> bool:
        """No guardrail failed, and at least one passed. Only such runs form baselines."""
        said = set(self.verdicts.values())
        return Status.PASS in said and Status.FAIL not in said

    def to_line(self) -> bytes:
        """Its line without the LF."""
        return self.model_dump_json(exclude_defaults=True).encode()
