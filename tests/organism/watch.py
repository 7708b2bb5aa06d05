"""Promises of the organism that hold whatever the model says: seen from its lines and status alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.organism import history as to
from tests.organism.simulation import Reply, Status
from tools.markers.parse import Record


@dataclass
class BootSeen:
    """What happened in one boot, by what was done to it."""

    budget: int
    number: int = 0
    has_faults: bool = False
    is_ready: bool = False
    is_deliberately_without_model: bool = False
    is_asked: bool = False
    is_answered: bool = False
    has_failed: bool = False
    was_healthy: bool = False
    """At some time; where the volume is lost in between, the volume does not know better."""
    applied: int = 0
    is_stopped: bool = False
    has_checkpoint: bool = False
    last: Status | None = None

    @property
    def is_healthy(self) -> bool:
        reached = self.is_answered or self.is_deliberately_without_model
        return self.is_ready and reached and not self.has_failed

    @property
    def is_unhealthy(self) -> bool:
        """For certain."""
        is_idle = self.is_ready and not self.is_asked
        return self.has_failed or not (self.is_healthy or is_idle)


@dataclass
class Watch:
    """One machine's life."""

    boot: BootSeen = field(default_factory=lambda: BootSeen(0))
    highest: int = 0
    event: int = 0
    is_faulty: bool = False
    """The medium failed, or may."""
    loses_records: bool = False
    """A record of the journal may have gone wrong on the medium, so its number is used again."""
    is_protected: bool = False
    applied_values: tuple[set[int], set[int]] = field(default_factory=lambda: ({0}, {0}))
    healthy: set[int] = field(default_factory=set)
    """Boots that can have been healthy."""
    begun_anew: set[int] = field(default_factory=set)
    """Boots from which healthy ones count anew: the mode changed, or the one before was unhealthy. A start whose state
    was not kept comes again under the same number."""
    labels: dict[int, str] = field(default_factory=dict)

    def see(self, command: to.Command, reply: Reply) -> None:
        before = self.boot
        if isinstance(command, to.Boot):
            self._begin(command)
        self._note_command(command)
        for record in reply.records:
            self._note_record(record)
        if reply.status.can_save or not isinstance(command, to.Boot):
            self._check_outcomes(reply.records)
        if isinstance(command, to.Boot) and not command.off:
            self._check_start(before, reply)
        if self.boot.number:
            self._check_in_force(reply.status)
        self.boot.last = reply.status

    # ---- what was done ----

    def _begin(self, command: to.Boot) -> None:
        before = self.boot
        if before.was_healthy if before.has_faults else before.is_healthy:
            self.healthy.add(before.number)
        self.boot = BootSeen(command.max if command.plan else 1)
        self.is_faulty = self.is_faulty or command.cut > 0
        self.boot.has_faults = command.cut > 0 or self.is_protected or self.is_faulty

    def _note_command(self, command: to.Command) -> None:
        boot = self.boot
        if isinstance(command, to.Ready):
            boot.is_ready = True
            boot.is_deliberately_without_model = command.model == to.Model.NONE_ON_PURPOSE
            is_missed = command.model == to.Model.MISSED
            boot.has_failed = boot.has_failed or is_missed or command.failures > 0
        boot.is_asked |= isinstance(command, to.Asked)
        boot.is_answered |= isinstance(command, to.Answered) and not boot.has_failed
        boot.has_failed |= isinstance(command, to.Failed)
        if isinstance(command, to.Protect):
            self.is_protected = command.on
        if isinstance(command, (to.Cut, to.Corrupt)):
            self.is_faulty = True
        self.loses_records |= isinstance(command, to.Corrupt)
        boot.has_faults |= isinstance(command, (to.Cut, to.Corrupt, to.Protect))
        boot.was_healthy |= boot.is_healthy

    # ---- what was said ----

    def _note_record(self, record: Record) -> None:
        if record.event is not None:
            assert record.event > self.event or self.loses_records, "events are numbered upwards"
            self.event = record.event
        note = getattr(self, f"_note_{record.id}", None)
        if note is not None:
            note(record)

    def _note_oo_boot(self, record: Record) -> None:
        number = int(str(record["boot_count"]))
        assert number >= self.highest, "the count of boots goes back"
        is_lifted = record["reason_id"] == "OO_MODE_LIFTED"
        if is_lifted:
            since = max((boot for boot in self.begun_anew if boot < number), default=0)
            healthy = [boot for boot in self.healthy if since <= boot < number]
            assert len(healthy) >= 2, "lifted without two healthy boots"
        if is_lifted or record["previous"] == "unhealthy":
            self.begun_anew.add(number)
        self.highest = self.boot.number = number

    def _note_oo_checkpoint(self, record: Record) -> None:
        assert not self.boot.has_checkpoint, "one checkpoint a boot"
        self.boot.has_checkpoint = True

    def _note_oo_applied(self, record: Record) -> None:
        boot = self.boot
        boot.applied += 1
        assert boot.has_checkpoint, "applied without a checkpoint"
        assert boot.applied <= boot.budget, "more than the boot's budget"
        assert not boot.is_stopped, "applied after a hard stop"
        self._note_value(record)

    def _note_oo_apply_failed(self, record: Record) -> None:
        """Where power fails it may be on the volume all the same."""
        self.boot.is_stopped = True
        if self.is_faulty:
            self._note_value(record)

    def _note_value(self, record: Record) -> None:
        key = 1 if record["action"] == "reduce_seq" else 0
        self.applied_values[key].add(int(str(record["new"])))

    # ---- what follows from it ----

    def _check_start(self, before: BootSeen, reply: Reply) -> None:
        """A boot that was unhealthy with a change on trial is followed by one without it."""
        last, now = before.last, reply.status
        if last is None or before.has_faults or self.boot.has_faults:
            return
        if before.number and before.is_unhealthy and last.is_trial:
            assert now.boot == before.number + 1
            assert not now.is_trial and now.in_force == now.confirmed, "an unhealthy trial goes on"

    def _check_outcomes(self, records: Iterable[Record]) -> None:
        """What a start said that was not kept, the next start says anew."""
        for record in records:
            if record.id != "oo_outcome" or record["applied_event"] == 0 or self.loses_records:
                continue
            event, label = int(str(record["applied_event"])), str(record["label"])
            assert self.labels.setdefault(event, label) == label, "an outcome is taken back"

    def _check_in_force(self, status: Status) -> None:
        for value, applied in zip(status.in_force, self.applied_values):
            assert value in applied, f"{value} is in force and was never applied"
