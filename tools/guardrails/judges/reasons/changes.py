"""Changes that the organism applied: the checkpoint before each, and what later boots said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.judges.reasons.consults import POWER_CUT
from tools.markers.parse import Record

KEY_OF: Mapping[str, str] = MappingProxyType(
    {"reduce_ctx": "ctx_len", "increase_ctx": "ctx_len", "reduce_seq": "seq_len"}
)
"""The setting that an action changes."""


@dataclass(frozen=True)
class Change:
    """An applied action."""

    boot: Boot
    record: Record
    later: tuple[Boot, ...]
    """The boots after its own."""

    @property
    def place(self) -> str:
        return self.boot.at(self.record)

    @property
    def action(self) -> str:
        return str(self.record["action"])

    @property
    def has_checkpoint(self) -> bool:
        """Before it, in its boot."""
        checkpoints = self.boot.of("oo_checkpoint")
        return any(checkpoint.line < self.record.line for checkpoint in checkpoints)

    @property
    def follow_up(self) -> tuple[tuple[Boot, Record], ...]:
        """Its outcome, and the confirmation or the rollback of its key: up to the first of each that came."""
        return tuple(self._first("oo_outcome")) + tuple(self._first("oo_trial", "oo_rollback"))

    @property
    def is_due(self) -> bool:
        """Later boots must have said something of it: the model answered in one, or one is known to have failed.

        A boot that was asked nothing says nothing, nor does one that is healthy without a model; one whose power
        failed may not have come to say it.
        """
        return any(map(_has_answered, self.later)) or any(map(self._follows_failure, self.later))

    def _follows_failure(self, boot: Boot) -> bool:
        """The boot before it had the change, and was unhealthy."""
        return any(
            record["previous"] == "unhealthy" and int(record["boot_count"]) >= self._boot_count + 2
            for record in boot.of("oo_boot")
        )

    @property
    def _boot_count(self) -> int:
        return max((int(record["boot_count"]) for record in self.boot.of("oo_boot")), default=0)

    def _first(self, *markers: str) -> Iterator[tuple[Boot, Record]]:
        for boot in self.later:
            for record in boot.of(*markers):
                if self._is_about_it(record):
                    yield boot, record
                    return

    def _is_about_it(self, record: Record) -> bool:
        if record.id != "oo_outcome":
            return record["key"] == KEY_OF.get(self.action)
        if (record["action"], record["applied_boot"]) != (self.action, self._boot_count):
            return False
        return record["applied_event"] in (0, self.record.event)


def changes(capture: Capture) -> tuple[Change, ...]:
    """In order."""
    return tuple(
        Change(boot, record, capture.boots[boot.number :])
        for boot in capture.boots
        for record in boot.of("oo_applied")
    )


def _has_answered(boot: Boot) -> bool:
    answered = (record["reason_id"] == "OO_HEALTH_ANSWERED" for record in boot.of("oo_health"))
    kept = boot.row.outcome != POWER_CUT and not boot.of("oo_write_failed")
    return kept and any(answered)
