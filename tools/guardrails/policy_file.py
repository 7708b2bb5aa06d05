"""policy.cfg (docs/volume.md): what the states of m10, m11 and m12 ask of the guest, as settings with owners.

A key has one owner: quarantine before canary before curriculum. The operator's value holds where no line has the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tools.oo.crc32c import crc32c

States = Mapping[str, Mapping[str, Any]]
"""Of guardrails by name, as a run of the ledger has them."""

APPLY, GATE, THRESHOLD = "oo_auto_apply", "oo_conf_gate", "oo_conf_threshold"


class Owner(StrEnum):
    """Who asks; the less powerful first."""

    CURRICULUM = "curriculum"
    CANARY = "canary"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Setting:
    """One line."""

    owner: Owner
    value: int


def settings(states: States) -> Mapping[str, Setting]:
    """What is asked for, by key: of each, what the most powerful owner says."""
    asked: dict[str, Setting] = {}
    asks = (_curriculum(states), _canary(states), _quarantine(states))
    for owner, values in zip(Owner, asks):
        asked |= {key: Setting(owner, value) for key, value in values.items()}
    return MappingProxyType(asked)


def _mode(states: States) -> str:
    return str(states.get("m11", {}).get("mode", "NORMAL"))


def _quarantine(states: States) -> Mapping[str, int]:
    """Actions are simulated, and only those that the gate lets through."""
    is_needed = bool(states.get("m10", {}).get("quarantine_needed", False))
    is_stopped = is_needed or _mode(states) in ("QUARANTINED", "HELD")
    return {APPLY: 0, GATE: 1} if is_stopped else {}


def _canary(states: States) -> Mapping[str, int]:
    """Reductions only, under a gate that is no lower than the curriculum's."""
    if _mode(states) != "CANARY":
        return {}
    least = int(states["m11"]["canary_conf_threshold"])
    learnt = _curriculum(states).get(THRESHOLD, least)
    return {APPLY: 1, GATE: 1, THRESHOLD: max(least, learnt)}


def _curriculum(states: States) -> Mapping[str, int]:
    learnt = states.get("m12", {})
    if "effective_threshold" not in learnt:
        return {}
    gate = {GATE: 1} if learnt["gate"] else {}
    return {**gate, THRESHOLD: int(learnt["effective_threshold"])}


def threshold_in_force(states: States) -> int | None:
    """The least confidence that the gate lets through; None where that is the operator's affair."""
    asked = settings(states)
    return asked[THRESHOLD].value if THRESHOLD in asked and GATE in asked else None


def policy_file(states: States) -> bytes:
    """policy.cfg, sealed with its checksum. The same states give the same bytes."""
    lines = [f"{each.owner}.{key}={each.value}\n" for key, each in sorted(settings(states).items())]
    return seal("# Written by the guardrails m10, m11 and m12.\n" + "".join(lines))


def seal(lines: str) -> bytes:
    """Whole lines of a policy file, and the line with their checksum."""
    content = lines.encode("ascii")
    return content + f"crc32c={crc32c(content):08x}\n".encode("ascii")
