"""M11: the steps between a quarantine and its end, as a pure function. None is taken without a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tools.guardrails.judges.loop.release_state import (
    Action,
    Mode,
    Observation,
    Rules,
    Standing,
    State,
    Transition,
    is_stopped,
)
from tools.guardrails.verdict import Status


def standing(mode: Mode, seen: Observation) -> Standing:
    """What a run says, where only simulated actions can speak for a quarantined guest."""
    speaks = (seen.shadow, seen.measured) if is_stopped(mode) else (seen.measured,)
    if seen.quality == Status.FAIL or Standing.BAD in speaks:
        return Standing.BAD
    return speaks[0]


def next_state(state: State, seen: Observation, rules: Rules) -> Transition:
    """The step that a run takes. Evidence that is in the ledger already can tighten and never loosen."""
    known = state.model_copy(update={"standing": standing(state.mode, seen)})
    return Transition(state, _STEPS[state.mode](known, seen, rules))


def blockers(state: State, seen: Observation) -> tuple[str, ...]:
    """Why a run does not count as stable; `state` has its standing."""
    possible = {
        f"the run's evidence is {state.standing}": state.standing != Standing.GOOD,
        "startups (m9) were not good throughout their window": not seen.latency_window_stable,
        "quality (m10) was not good throughout its window": not seen.quality_window_stable,
        "no boot had the organism on": seen.boots == 0,
        "the boots did not obey the policy file": not seen.obeys,
    }
    return tuple(says for says, is_so in possible.items() if is_so)


def _left(state: State, action: Action, reason: str, **changes: object) -> State:
    return state.model_copy(update={"action": action, "reason": reason, **changes})


def _quarantine(state: State, rules: Rules, action: Action, reason: str) -> State:
    """Each release that failed doubles the cool-down; the first quarantine has none."""
    retries = state.failures
    return State(
        mode=Mode.QUARANTINED,
        cooldown_left=rules.cooldown_runs * 2 ** (retries - 1) if retries else 0,
        failures=state.failures + 1,
        standing=state.standing,
        action=action,
        reason=reason,
    )


def _same(state: State) -> State:
    return _left(state, Action.SAME_EVIDENCE, "this run is in the ledger already")


def _from_normal(state: State, seen: Observation, rules: Rules) -> State:
    if seen.quality == Status.FAIL:
        return _quarantine(state, rules, Action.QUARANTINE_START, "m10 shows harm over its limits")
    if not seen.is_new:
        return _same(state)
    streak = state.streak + 1 if state.standing == Standing.GOOD else 0
    is_trusted = streak >= rules.stable_streak_needed
    reason = f"evidence is {state.standing}; m10 does not ask for a quarantine"
    failures = 0 if is_trusted else state.failures
    return _left(state, Action.NO_QUARANTINE, reason, streak=streak, failures=failures)


def _from_quarantined(state: State, seen: Observation, rules: Rules) -> State:
    if state.failures > rules.max_release_retries:
        reason = f"{state.failures} quarantines without trust in between: a person decides"
        return _left(state, Action.HOLD, reason, mode=Mode.HELD, streak=0, cooldown_left=0)
    if not seen.is_new:
        return _same(state)
    if state.cooldown_left:
        left = state.cooldown_left - 1
        return _left(state, Action.COOL_DOWN, f"{left} runs to go", cooldown_left=left, streak=0)
    if problems := blockers(state, seen):
        return _left(state, Action.KEEP_QUARANTINE, "; ".join(problems), streak=0)
    return _stable_in_quarantine(state, rules)


def _stable_in_quarantine(state: State, rules: Rules) -> State:
    streak = state.streak + 1
    reason = f"{streak} stable runs in a row of {rules.stable_streak_needed}"
    if streak < rules.stable_streak_needed:
        return _left(state, Action.KEEP_QUARANTINE, reason, streak=streak)
    if not rules.apply_release:
        return _left(state, Action.CANARY_READY, f"{reason}; apply_release is off", streak=streak)
    return _left(
        state,
        Action.CANARY_START,
        reason,
        mode=Mode.CANARY,
        streak=0,
        canary_boots_left=rules.canary_boots,
        canary_runs=0,
        canary_conf_threshold=rules.canary_conf_threshold,
    )


def _from_canary(state: State, seen: Observation, rules: Rules) -> State:
    if problem := _canary_problem(state, seen):
        return _quarantine(state, rules, Action.CANARY_ROLLBACK, problem)
    if not seen.is_new:
        return _same(state)
    if problems := blockers(state, seen):
        return _wait(state, rules, "; ".join(problems))
    left = state.canary_boots_left - seen.boots
    if left > 0:
        return _count(state, rules, Action.CANARY_PROGRESS, f"{left} boots to go", left)
    return State(
        failures=state.failures,
        standing=state.standing,
        action=Action.FULL_RELEASE,
        reason=f"the canary's boots did no harm in {state.canary_runs + 1} runs",
    )


def _canary_problem(state: State, seen: Observation) -> str:
    if state.standing == Standing.BAD:
        return "actions did harm"
    return "startups (m9) failed" if seen.latency == Status.FAIL else ""


def _wait(state: State, rules: Rules, reason: str) -> State:
    return _count(state, rules, Action.CANARY_WAIT, reason, state.canary_boots_left)


def _count(state: State, rules: Rules, action: Action, reason: str, left: int) -> State:
    """One more run of the canary, which may not take for ever."""
    runs = state.canary_runs + 1
    if runs >= rules.canary_max_runs:
        spent = f"{runs} runs were not enough to show {left} more boots: {reason}"
        return _quarantine(state, rules, Action.CANARY_ROLLBACK, spent)
    return _left(state, action, reason, canary_runs=runs, canary_boots_left=left)


def _from_held(state: State, _seen: Observation, rules: Rules) -> State:
    if not rules.let_go:
        return _left(state, Action.HOLD, "a person decides: --set m11.let_go=true")
    reason = "a person let go (m11.let_go): the way out begins anew"
    return State(
        mode=Mode.QUARANTINED,
        failures=1,
        standing=state.standing,
        action=Action.LET_GO,
        reason=reason,
    )


_STEPS: Mapping[Mode, Callable[[State, Observation, Rules], State]] = MappingProxyType(
    {
        Mode.NORMAL: _from_normal,
        Mode.QUARANTINED: _from_quarantined,
        Mode.CANARY: _from_canary,
        Mode.HELD: _from_held,
    }
)
