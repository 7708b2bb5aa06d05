"""What a scenario gave its boots, as it was in force at each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.facts import DEFAULT_MEMORY_MIB

Configuration = Mapping[str, str]

DEFAULTS: Mapping[str, int] = MappingProxyType(
    {"memory_mib": DEFAULT_MEMORY_MIB, "icount_shift": 5, "time_limit_s": 300}
)
"""Of a scenario that does not say (tools/boot/scenario.py)."""


@dataclass(frozen=True)
class Booted:
    """A boot with the scenario that it is of."""

    capture: Capture
    boot: Boot

    @property
    def has_model(self) -> bool:
        return bool(self.boot.of("repl_ready", "model_loaded", "obs_startup"))

    def setting(self, name: str) -> int:
        """A whole number that the boot was given: its row's, else the scenario's, else its default."""
        given = {**DEFAULTS, **self.capture.run.scenario.given, **self.boot.row.given}
        return int(str(given[name]))


def is_power_cut(capture: Capture) -> bool:
    """Whether the scenario cuts the power of one of its boots."""
    return any("power_cut" in boot.row.given for boot in capture.boots)


def configurations(capture: Capture) -> tuple[Configuration, ...]:
    """The lines of repl.cfg that each boot had. One that is given none has those of the boot before."""
    return tuple(_in_force(capture))


def _in_force(capture: Capture) -> Iterator[Configuration]:
    lines: object = capture.run.scenario.given.get("config")
    for boot in capture.boots:
        lines = boot.row.given.get("config", lines)
        yield _parsed(map(str, lines) if isinstance(lines, Iterable) else ())


def _parsed(lines: Iterable[str]) -> Configuration:
    """Of two lines with one key the later counts, as in the firmware."""
    pairs = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() for key, has_value, value in pairs if has_value}
