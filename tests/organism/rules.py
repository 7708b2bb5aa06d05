"""The organism's decisions, written from the headers of firmware/oo and the mission: pure, of frozen data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

# ---- boots and modes ----

LADDER = ("SAFE", "DEGRADED", "NORMAL")
CONTEXT_CAPS = {"SAFE": 256, "DEGRADED": 512, "NORMAL": 0}
HEALTHY_BOOTS_THAT_LIFT = 2


class Stage(IntEnum):
    """How far a boot came."""

    NONE = 0
    STARTED = 1
    READY = 2
    ASKED = 3
    HEALTHY = 4
    LOST = 5


HEALTH = {Stage.NONE: "none", Stage.READY: "idle", Stage.HEALTHY: "healthy"}


def health(stage: Stage) -> str:
    """What the boot after it says of a boot: what is neither idle nor healthy is unhealthy."""
    return HEALTH.get(stage, "unhealthy")


@dataclass(frozen=True)
class Standing:
    """The mode of a boot, and the healthy boots in a row at it."""

    mode: str
    healthy_boots: int


def next_standing(now: Standing, previous: str) -> tuple[Standing, str]:
    """The standing of the next boot, and why."""
    rung = LADDER.index(now.mode)
    if previous == "none":
        return Standing("SAFE", 0), "OO_MODE_INIT"
    if previous == "idle":
        return now, "OO_MODE_HELD_IDLE"
    if previous == "unhealthy":
        reason = "OO_MODE_LOWERED" if rung > 0 else "OO_MODE_AT_BOTTOM"
        return Standing(LADDER[max(rung - 1, 0)], 0), reason
    in_a_row = now.healthy_boots + 1
    if now.mode == LADDER[-1]:
        return Standing(now.mode, in_a_row), "OO_MODE_AT_TOP"
    if in_a_row < HEALTHY_BOOTS_THAT_LIFT:
        return Standing(now.mode, in_a_row), "OO_MODE_HEALTHY_ONCE"
    return Standing(LADDER[rung + 1], 0), "OO_MODE_LIFTED"


# ---- actions ----

CTX, SEQ = 0, 1
KEYS = ("ctx_len", "seq_len")
KEY_OF = {"reduce_ctx": CTX, "reduce_seq": SEQ, "increase_ctx": CTX}
REDUCTIONS = ("reduce_ctx", "reduce_seq")
INCREASES = ("increase_ctx",)
LOGGED = {
    "stable": ("system_stable", "OO_STABLE_OK"),
    "reboot": ("logged_only", "OO_REBOOT_LOG_ONLY"),
    "change_model": ("logged_only", "OO_MODEL_LOG_ONLY"),
}


@dataclass(frozen=True)
class Settings:
    """What the configuration says about the organism."""

    consult: bool
    multi: bool
    auto: int
    plan: bool
    max: int
    gate: bool
    threshold: int

    @property
    def budget(self) -> int:
        """Actions a boot."""
        return self.max if self.plan else 1


# ---- confidence ----


@dataclass(frozen=True)
class Advice:
    """What was advised; nothing of `actions` when no word is one."""

    actions: tuple[str, ...]
    is_empty: bool


def _ram_part(ram: int) -> int:
    if ram >= 1024:
        return 15
    return 8 if ram >= 768 else 2


def _length_part(length: int, short: int) -> int:
    if length > 2048:
        return -5
    return 5 if length <= short else 0


def _advice_part(advice: Advice, mode: str) -> int:
    actions = set(advice.actions)
    return (
        (-15 if advice.is_empty else 0)
        + (10 if "stable" in actions else 0)
        + (5 if actions & set(REDUCTIONS) else 0)
        - (10 if actions & set(INCREASES) and mode != "NORMAL" else 0)
        - (5 if actions & {"reboot", "change_model"} else 0)
    )


def score(advice: Advice, mode: str, ram: int, ctx: int, seq: int, feedback: int) -> int:
    """How far an advice in words is trusted, 0 to 100."""
    of_mode = {"SAFE": 0, "DEGRADED": 10, "NORMAL": 20}[mode]
    lengths = _length_part(ctx, 512) + _length_part(seq, 1024)
    total = 50 + of_mode + _ram_part(ram) + lengths + _advice_part(advice, mode) + feedback
    return min(max(total, 0), 100)


def gate_reason(settings: Settings, passes: bool) -> str:
    if settings.gate:
        return "OO_CONF_GATE_PASS" if passes else "OO_CONF_GATE_FAIL"
    return "OO_CONF_LOG_ONLY" if passes else "OO_CONF_LOG_ONLY_LOW"


# ---- the plan ----

LEAST, MOST, ENOUGH_RAM = 128, 2048, 1024


@dataclass(frozen=True)
class PlanFacts:
    """All that decides on an action that changes something."""

    settings: Settings
    mode: str
    ram: int
    values: tuple[int, int]
    """Context and sequence, as the next boot would have them."""
    model_context: int
    passes: bool
    """The score reaches the threshold."""
    is_hard_stopped: bool
    can_save: bool
    applied: int
    place: int
    """In the advice, from 0."""


def new_value(action: str, old: int, model_context: int) -> int:
    """Half, down to 128; twice, up to 2048 and the model's own context. A value beyond its bound stays."""
    if action in REDUCTIONS:
        return min(old, max(old // 2, LEAST))
    return max(old, min(old * 2, MOST, model_context))


def _own_refusals(action: str, facts: PlanFacts, is_changed: bool) -> Iterator[str]:
    if action in REDUCTIONS:
        if facts.mode == "NORMAL":
            yield "OO_BLOCK_NORMAL_NO_REDUCE"
        if action == "reduce_seq" and facts.mode != "SAFE":
            yield "OO_BLOCK_SEQ_NOT_SAFE"
        if action == "reduce_seq" and facts.ram >= ENOUGH_RAM:
            yield "OO_BLOCK_SEQ_ENOUGH_RAM"
        if not is_changed:
            yield "OO_BLOCK_AT_MIN"
    else:
        if facts.mode != "NORMAL":
            yield f"OO_BLOCK_{facts.mode}_NO_INCREASE"
        if facts.ram < ENOUGH_RAM:
            yield "OO_BLOCK_LOW_RAM_NO_INCREASE"
        if not is_changed:
            yield "OO_BLOCK_AT_MAX"


def _reasons(action: str, facts: PlanFacts, is_changed: bool) -> Iterator[str]:
    """Everything that can be said of an action, the first of which decides."""
    settings = facts.settings
    if facts.is_hard_stopped:
        yield "OO_BLOCK_HARD_STOP"
    if facts.place > 0 and not settings.multi:
        yield "OO_BLOCK_MULTI_DISABLED"
    yield from _own_refusals(action, facts, is_changed)
    if settings.gate and not facts.passes:
        yield "OO_BLOCK_CONFIDENCE"
    if settings.auto == 0:
        yield "OO_SIMULATED"
    if action in INCREASES and settings.auto < 2:
        yield "OO_BLOCK_INCREASE_NOT_ALLOWED"
    if facts.applied >= settings.budget:
        yield "OO_BLOCK_PLAN_BUDGET"
    if not facts.can_save:
        yield "OO_BLOCK_STATE_LOST"
    yield "OO_APPLY_OK"


@dataclass(frozen=True)
class Decision:
    """What becomes of an action that changes something."""

    action: str
    old: int
    new: int
    reason: str


def decide(action: str, facts: PlanFacts) -> Decision:
    old = facts.values[KEY_OF[action]]
    new = new_value(action, old, facts.model_context)
    return Decision(action, old, new, next(_reasons(action, facts, new != old)))


# ---- outcomes ----


class Vitals(NamedTuple):
    """What one boot measured."""

    boot: int = 0
    stratum: int = 0
    free_kib: int = 0
    context_kib: int = 0
    values: tuple[int, int] = (0, 0)
    turns: int = 0
    tokens: int = 0
    cpt: int = 0
    overflows: int = 0
    allocation_failures: int = 0


def median(numbers: Sequence[int]) -> int:
    ordered = sorted(numbers)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


def quantity(action: str, vitals: Vitals) -> tuple[int, bool]:
    """The quantity that an action is judged by, and whether there is evidence of it."""
    if action == "reduce_ctx":
        return vitals.free_kib, vitals.free_kib > 0 and vitals.context_kib > 0
    if action == "reduce_seq":
        known = vitals.tokens >= 8 and vitals.cpt > 0
        return (vitals.cpt if known else 0), known
    known = vitals.turns >= 2
    return (vitals.overflows * 1000 // vitals.turns if known else 0), known


@dataclass(frozen=True)
class Outcome:
    """What came of an action."""

    before: int
    after: int
    label: str
    reason: str

    @property
    def improved(self) -> int:
        return {"helpful": 1, "harmful": -1}.get(self.label, 0)


def _effect(action: str, before: int, after: int, scale: int) -> tuple[str, str]:
    """A difference counts from 50 thousandths of the scale on."""
    gain = after - before if action == "reduce_ctx" else before - after
    if gain == 0 or abs(gain) * 1000 < scale * 50:
        return "neutral", "OO_OUTCOME_SAME"
    return ("helpful", "OO_OUTCOME_BETTER") if gain > 0 else ("harmful", "OO_OUTCOME_WORSE")


def judge(action: str, before: Vitals, after: Vitals, health_after: str) -> Outcome:
    old, is_known_before = quantity(action, before)
    new, is_known_after = quantity(action, after)
    if health_after == "unhealthy":
        return Outcome(old, new, "harmful", "OO_OUTCOME_UNHEALTHY")
    if before.stratum != after.stratum:
        return Outcome(old, new, "pending", "OO_OUTCOME_OTHER_MACHINE")
    if not (is_known_before and is_known_after) or health_after != "healthy":
        return Outcome(old, new, "pending", "OO_OUTCOME_NO_EVIDENCE")
    scale = before.context_kib if action == "reduce_ctx" else old
    return Outcome(old, new, *_effect(action, old, new, scale))


@dataclass(frozen=True)
class Tally:
    """Helpful and harmful outcomes of an action, in thousandths."""

    good: int = 0
    bad: int = 0

    def kept(self, parts: int, of: int) -> Tally:
        return Tally(self.good * parts // of, self.bad * parts // of)

    def with_outcome(self, label: str) -> Tally:
        if label == "pending":
            return self
        older = self.kept(7, 8)
        return Tally(
            older.good + 1000 * (label == "helpful"), older.bad + 1000 * (label == "harmful")
        )

    def aged(self) -> Tally:
        return self.kept(31, 32)


def bias(action: str, tally: Tally) -> int:
    """What an action's outcomes add to the score."""
    if action not in KEY_OF:
        return 0
    much, parts = (3000, (8, 4, -5, -10)) if action in REDUCTIONS else (2000, (6, 3, -4, -8))
    balance = tally.good - tally.bad
    if balance >= 500:
        return parts[0] if balance >= much else parts[1]
    if balance <= -500:
        return parts[3] if balance <= -much else parts[2]
    return 0
