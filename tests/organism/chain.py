"""What the boots of one volume have said, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from tests.captures import MARKERS
from tools.markers.parse import Log, Record, parse_log

PROMPT = ("repl_ready", "repl_ready_no_model")
_SEALED = re.compile(r" event=\d+ level=\w+ seq=\d+ t_us=\d+$")


@dataclass(frozen=True)
class Shown:
    """An event shown with its number: whoever read that line may rely on its being kept."""

    number: int
    boot_count: int
    record: Record
    text: str


@dataclass(frozen=True)
class Boot:
    """One boot. Its power may have failed anywhere; then a last line without its end was never said."""

    place: int
    """In the chain, from 1."""
    serial: str

    @cached_property
    def log(self) -> Log:
        return _parsed(self.serial)

    @property
    def count(self) -> int | None:
        """The number it gave itself, if it got so far."""
        counted = self.log.of("oo_boot")
        return int(str(counted[0]["boot_count"])) if counted else None

    @property
    def start_is_kept(self) -> bool:
        """It went on from the start of the organism, which ends with writing the state."""
        return any(record["phase"] == "configure" for record in self.log.of("obs_phase"))

    @property
    def has_prompt(self) -> bool:
        return any(self.log.of(marker) for marker in PROMPT)

    @property
    def is_whole(self) -> bool:
        """It came to its own end, after which nothing is written."""
        return bool(self.log.of("power"))

    @property
    def health(self) -> str | None:
        """What it last said of itself."""
        said = self.log.of("oo_health")
        return str(said[-1]["health"]) if said else None

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        return tuple(self._shown())

    def _shown(self) -> Iterator[Shown]:
        lines = self.serial.split("\n")
        for record in self.log.records:
            if record.event is not None:
                text = _SEALED.sub("", lines[record.line - 1].removesuffix("\r"))
                yield Shown(record.event, self.count or 0, record, text)


@dataclass(frozen=True)
class Chain:
    """All boots so far; at least one."""

    boots: tuple[Boot, ...]

    @property
    def shown(self) -> Iterator[Shown]:
        """Every numbered event, as they were shown."""
        return (shown for boot in self.boots for shown in boot.shown)


def read_chain(logs: Sequence[str]) -> Chain:
    """The serial logs of boots, the first one's first."""
    return Chain(tuple(_boot(place, serial) for place, serial in enumerate(logs, start=1)))


@cache
def _boot(place: int, serial: str) -> Boot:
    return Boot(place, serial)


@cache
def _parsed(serial: str) -> Log:
    whole_lines = serial[: serial.rfind("\n") + 1]
    return parse_log(whole_lines, MARKERS)
