"""Boots as the judge of the token deadline sees them: what the guard was told, and its safe mode, replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tools.guardrails.captures import Boot
from tools.guardrails.judges.given import DEFAULTS, Booted, Configuration
from tools.guardrails.judges.guards.knobs import Knobs, configured, safe_caps
from tools.guardrails.judges.guards.turns import Turn, turns, whole
from tools.guardrails.policy import Policy
from tools.markers.parse import Record


@dataclass(frozen=True)
class Watched:
    """A turn, with the turns of safe mode that were left before and after it."""

    turn: Turn
    left_before: int
    left_after: int
    trips: int
    """Hard stops of the boot up to here."""

    @property
    def is_stopped(self) -> bool:
        return bool(self.turn.of("m181_hard_stop"))


@dataclass(frozen=True)
class Guarded:
    """A boot of a scenario."""

    booted: Booted
    config: Configuration
    policy: Policy

    @property
    def boot(self) -> Boot:
        return self.booted.boot

    @property
    def is_on(self) -> bool:
        """With strict_budget=1 an overrun is a failed check of the sentinel, and no hard stop comes of it."""
        return self.config.get("guardrails") == "1" and self.config.get("strict_budget") != "1"

    @property
    def has_autotune(self) -> bool:
        return self.config.get("autotune") == "1"

    @property
    def is_held_up(self) -> bool:
        """Whether somebody makes tokens slow on purpose: then the machine is not steady."""
        return "/test_delay" in self.boot.serial

    @property
    def has_slow_clock(self) -> bool:
        return self.booted.setting("icount_shift") > DEFAULTS["icount_shift"]

    @property
    def hard_stop(self) -> int:
        key = "guardrails_decode_hard_stop_overruns"
        return configured(self.config, key, self.policy, "hard_stop_overruns")

    @property
    def safe_turns(self) -> int:
        return configured(self.config, "guardrails_safe_turns", self.policy, "safe_turns")

    @property
    def caps(self) -> Knobs:
        return safe_caps(self.config, self.policy)

    @property
    def resets_conversation(self) -> bool:
        return self.config.get("guardrails_reset_kv_on_trip") == "1"

    @property
    def stops(self) -> tuple[Record, ...]:
        return self.boot.of("m181_hard_stop")

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        return turns(self.boot)

    @cached_property
    def deadline(self) -> Record | None:
        """The first; that there is one only is a question of its own."""
        said = self.boot.of("m181_deadline")
        return said[0] if said else None

    def deadline_before(self, record: Record) -> int:
        """In cycles; 0 where it is not known yet at a line."""
        is_known = self.deadline is not None and self.deadline.line < record.line
        return whole(self.deadline, "cycles") if self.deadline and is_known else 0

    @property
    def watched(self) -> tuple[Watched, ...]:
        return tuple(self._watch())

    def _watch(self) -> Iterator[Watched]:
        """A turn that is stopped begins the safe mode anew, one that said something counts for it, /reset ends it."""
        left = trips = 0
        for turn in self.turns:
            before, is_stopped = left, bool(turn.of("m181_hard_stop"))
            trips += is_stopped
            left = self.safe_turns if is_stopped else max(0, left - (turn.tokens > 0))
            yield Watched(turn, before, left, trips)
            left = 0 if turn.of("sentinel_reset") else left
