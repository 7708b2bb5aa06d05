"""Boots as the judge of autotune sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tools.guardrails.captures import Boot
from tools.guardrails.judges.given import Configuration
from tools.guardrails.judges.guards.turns import Turn, turns, whole
from tools.markers.parse import Record


@dataclass(frozen=True)
class Tuned:
    """A boot, and what its autotune is judged by."""

    boot: Boot
    config: Configuration

    @property
    def is_on(self) -> bool:
        return self.config.get("autotune") == "1"

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        return turns(self.boot)

    @property
    def moves(self) -> tuple[Record, ...]:
        return self.boot.of("m18_autotune")

    def calibration(self, before: Record) -> Record | None:
        """The last one before a line; /autotune_status stands in for it where both thresholds are configured."""
        said = [r for r in self.boot.of("m18_calibrated", "m18_status") if whole(r, "hi")]
        known = [r for r in said if r.line < before.line or r.id == "m18_status"]
        return known[0] if known else None
