"""M11: what a run leaves to the next between a quarantine and its end, and what a run shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Status


class Mode(StrEnum):
    """How free the guest is to act."""

    NORMAL = "NORMAL"
    QUARANTINED = "QUARANTINED"
    """Actions are only simulated."""
    CANARY = "CANARY"
    """Some boots act under a strict gate, to see whether the quarantine can end."""
    HELD = "HELD"
    """Quarantined until a person lets go: canaries have failed too often."""


class Action(StrEnum):
    """What a run did to the mode."""

    NO_QUARANTINE = "no_quarantine"
    QUARANTINE_START = "quarantine_start"
    KEEP_QUARANTINE = "keep_quarantine"
    COOL_DOWN = "cool_down"
    CANARY_READY = "canary_ready"
    CANARY_START = "canary_start"
    CANARY_PROGRESS = "canary_progress"
    CANARY_WAIT = "canary_wait"
    CANARY_ROLLBACK = "canary_rollback"
    FULL_RELEASE = "full_release"
    HOLD = "hold"
    LET_GO = "let_go"
    SAME_EVIDENCE = "same_evidence"


class Standing(StrEnum):
    """What a run says of the harm that actions do."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


LEGAL: Mapping[Mode, frozenset[Mode]] = MappingProxyType(
    {
        Mode.NORMAL: frozenset({Mode.NORMAL, Mode.QUARANTINED}),
        Mode.QUARANTINED: frozenset({Mode.QUARANTINED, Mode.CANARY, Mode.HELD}),
        Mode.CANARY: frozenset({Mode.CANARY, Mode.NORMAL, Mode.QUARANTINED}),
        Mode.HELD: frozenset({Mode.HELD, Mode.QUARANTINED}),
    }
)
"""The modes that may follow each mode."""


def is_stopped(mode: Mode) -> bool:
    """Whether actions are only simulated."""
    return mode in (Mode.QUARANTINED, Mode.HELD)


class State(BaseModel):
    """What one run leaves to the next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Mode.NORMAL
    streak: int = Field(default=0, ge=0)
    """Stable runs in a row in this mode, as NORMAL and QUARANTINED count them."""
    cooldown_left: int = Field(default=0, ge=0)
    """Runs of the quarantine that do not count yet."""
    canary_boots_left: int = Field(default=0, ge=0)
    """Boots of the guest that the canary still has to show."""
    canary_runs: int = Field(default=0, ge=0)
    """Runs that the canary has taken."""
    canary_conf_threshold: int = Field(default=0, ge=0, le=100)
    """The least confidence with which the canary acts."""
    failures: int = Field(default=0, ge=0)
    """Quarantines, since actions were last trusted."""
    standing: Standing = Standing.UNKNOWN
    """Of the run that left this state."""
    action: Action = Action.NO_QUARANTINE
    reason: str = "there was no run before"


@dataclass(frozen=True)
class Observation:
    """What one run shows."""

    quality: Status
    """Of m10."""
    measured: Standing
    """By the effects of applied actions."""
    shadow: Standing
    """By the estimated effects of simulated actions."""
    latency: Status
    """Of m9."""
    latency_window_stable: bool
    """This run and those of m9's window before it started well."""
    quality_window_stable: bool
    """The runs of m10's window before this one were good."""
    boots: int
    """Boots in which the organism was on."""
    obeys: bool
    """The boots had the policy file that the mode asks for."""
    is_new: bool
    """It is no run that the ledger has already."""


@dataclass(frozen=True)
class Rules:
    """The policy of m11."""

    stable_streak_needed: int
    canary_boots: int
    canary_max_runs: int
    canary_conf_threshold: int
    cooldown_runs: int
    max_release_retries: int
    apply_release: bool
    let_go: bool

    @staticmethod
    def of(policy: Policy) -> Rules:
        return Rules(
            policy.integer("stable_streak_needed"),
            policy.integer("canary_boots"),
            policy.integer("canary_max_runs"),
            policy.integer("canary_conf_threshold"),
            policy.integer("cooldown_runs"),
            policy.integer("max_release_retries"),
            policy.switch("apply_release"),
            policy.switch("let_go"),
        )


@dataclass(frozen=True)
class Transition:
    """One step."""

    before: State
    after: State

    @property
    def is_legal(self) -> bool:
        return self.after.mode in LEGAL[self.before.mode]
