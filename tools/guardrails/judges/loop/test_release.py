"""M11's states: whatever runs come, a quarantine ends only by evidence, through a whole canary, and not for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tools.guardrails import policy
from tools.guardrails.judges.loop.release import next_state
from tools.guardrails.judges.loop.release_state import (
    LEGAL,
    Action,
    Mode,
    Observation,
    Rules,
    Standing,
    State,
)
from tools.guardrails.verdict import Status

RULES = Rules.of(policy.load_all()["m11"])

GOOD = Observation(
    quality=Status.PASS,
    measured=Standing.GOOD,
    shadow=Standing.UNKNOWN,
    latency=Status.PASS,
    latency_window_stable=True,
    quality_window_stable=True,
    boots=1,
    obeys=True,
    is_new=True,
)
SILENT = replace(GOOD, quality=Status.INSUFFICIENT, measured=Standing.UNKNOWN)
SHADOW = replace(SILENT, shadow=Standing.GOOD)
HARM = replace(GOOD, quality=Status.FAIL, measured=Standing.BAD)

OBSERVATIONS = st.builds(
    Observation,
    quality=st.sampled_from(Status),
    measured=st.sampled_from(Standing),
    shadow=st.sampled_from(Standing),
    latency=st.sampled_from(Status),
    latency_window_stable=st.booleans(),
    quality_window_stable=st.booleans(),
    boots=st.integers(0, 3),
    obeys=st.booleans(),
    is_new=st.booleans(),
)
RULE_SETS = st.builds(
    Rules,
    stable_streak_needed=st.integers(1, 4),
    canary_boots=st.integers(1, 4),
    canary_max_runs=st.integers(1, 5),
    canary_conf_threshold=st.integers(0, 100),
    cooldown_runs=st.integers(0, 3),
    max_release_retries=st.integers(0, 3),
    apply_release=st.just(True),
    let_go=st.just(False),
)
STATES = st.builds(
    State,
    mode=st.sampled_from(Mode),
    streak=st.integers(0, 5),
    cooldown_left=st.integers(0, 5),
    canary_boots_left=st.integers(0, 5),
    canary_runs=st.integers(0, 5),
    failures=st.integers(0, 5),
)


def _after(*seen: Observation, state: State | None = None, rules: Rules = RULES) -> State:
    state = state or State()
    for each in seen:
        state = next_state(state, each, rules).after
    return state


def _quarantined(**changes: object) -> State:
    return _after(HARM).model_copy(update=changes)


def _canary() -> State:
    return _after(HARM, SHADOW, SHADOW, SHADOW)


def test_the_first_run_is_normal_and_stays_so() -> None:
    assert State().mode == Mode.NORMAL
    assert _after(GOOD).mode == _after(SILENT).mode == Mode.NORMAL


def test_harm_quarantines_at_once() -> None:
    state = _after(GOOD, HARM)
    assert (state.mode, state.action) == (Mode.QUARANTINED, Action.QUARANTINE_START)
    assert state.cooldown_left == 0


def test_the_whole_way_back_takes_a_streak_and_a_canary() -> None:
    """The mission's numbers: three stable runs, two boots of canary."""
    modes = [Mode.QUARANTINED, Mode.QUARANTINED, Mode.CANARY, Mode.CANARY, Mode.NORMAL]
    state = _quarantined()
    for seen, mode in zip((SHADOW, SHADOW, SHADOW, GOOD, GOOD), modes, strict=True):
        state = _after(seen, state=state)
        assert state.mode == mode
    assert state.action == Action.FULL_RELEASE


def test_simulated_actions_end_the_deadlock_and_silence_does_not() -> None:
    """Nothing is applied in quarantine, so nothing can be measured there."""
    assert _after(*[SHADOW] * 3, state=_quarantined()).mode == Mode.CANARY
    assert _after(*[SILENT] * 50, state=_quarantined()).mode == Mode.QUARANTINED


def test_effects_of_older_changes_do_not_speak_for_a_quarantined_guest() -> None:
    measured_only = replace(GOOD, shadow=Standing.UNKNOWN)
    assert _after(*[measured_only] * 50, state=_quarantined()).mode == Mode.QUARANTINED


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ({"shadow": Standing.BAD}, "the run's evidence is bad"),
        ({"measured": Standing.BAD}, "the run's evidence is bad"),
        ({"quality": Status.FAIL}, "the run's evidence is bad"),
        ({"shadow": Standing.UNKNOWN}, "the run's evidence is unknown"),
        ({"latency_window_stable": False}, "startups (m9)"),
        ({"quality_window_stable": False}, "quality (m10)"),
        ({"boots": 0}, "no boot had the organism on"),
        ({"obeys": False}, "did not obey"),
    ],
)
def test_one_flaw_ends_a_streak_and_is_named(flaw: dict[str, object], reason: str) -> None:
    flawed = replace(SHADOW, **flaw)  # type: ignore[arg-type]
    state = _after(SHADOW, SHADOW, flawed, state=_quarantined())
    assert (state.mode, state.streak, state.action) == (
        Mode.QUARANTINED,
        0,
        Action.KEEP_QUARANTINE,
    )
    assert reason in state.reason


def test_a_canary_is_counted_in_boots_of_the_guest() -> None:
    one = _after(GOOD, state=_canary())
    assert (one.mode, one.canary_boots_left, one.action) == (Mode.CANARY, 1, Action.CANARY_PROGRESS)
    assert _after(replace(GOOD, boots=2), state=_canary()).mode == Mode.NORMAL


def test_a_canary_acts_under_the_policys_threshold() -> None:
    assert _canary().canary_conf_threshold == RULES.canary_conf_threshold > 60


@pytest.mark.parametrize(
    "problem",
    [HARM, replace(GOOD, measured=Standing.BAD), replace(GOOD, latency=Status.FAIL)],
)
def test_a_canary_that_does_harm_is_taken_back(problem: Observation) -> None:
    state = _after(problem, state=_canary())
    assert (state.mode, state.action) == (Mode.QUARANTINED, Action.CANARY_ROLLBACK)
    assert state.cooldown_left == RULES.cooldown_runs


def test_a_canary_without_evidence_waits_and_is_then_taken_back() -> None:
    waiting = _after(*[SILENT] * (RULES.canary_max_runs - 1), state=_canary())
    assert (waiting.mode, waiting.action) == (Mode.CANARY, Action.CANARY_WAIT)
    state = _after(SILENT, state=waiting)
    assert (state.mode, state.action) == (Mode.QUARANTINED, Action.CANARY_ROLLBACK)


def test_a_failed_release_is_followed_by_a_longer_and_longer_cool_down() -> None:
    state, waits = _canary(), []
    for _ in range(RULES.max_release_retries):
        state = _after(HARM, state=state)
        waits.append(state.cooldown_left)
        while state.mode == Mode.QUARANTINED:
            state = _after(SHADOW, state=state)
    assert waits == [2, 4, 8]
    assert state.mode == Mode.HELD


def test_runs_of_the_cool_down_do_not_count_as_stable() -> None:
    state = _after(SHADOW, SHADOW, state=_after(HARM, state=_canary()))
    assert (state.cooldown_left, state.streak, state.action) == (0, 0, Action.COOL_DOWN)


def test_a_held_guest_waits_for_a_person() -> None:
    held = _after(SHADOW, state=_quarantined(failures=RULES.max_release_retries + 1))
    assert held.mode == Mode.HELD
    assert _after(*[SHADOW] * 20, state=held).mode == Mode.HELD
    free = _after(SHADOW, state=held, rules=replace(RULES, let_go=True))
    assert (free.mode, free.failures, free.action) == (Mode.QUARANTINED, 1, Action.LET_GO)


def test_retries_are_forgotten_once_a_released_guest_has_been_good_for_a_while() -> None:
    released = _after(GOOD, GOOD, state=_canary())
    assert released.failures == 1
    assert _after(GOOD, GOOD, state=released).failures == 1
    assert _after(GOOD, GOOD, GOOD, state=released).failures == 0
    assert _after(GOOD, GOOD, SILENT, GOOD, state=released).failures == 1


def test_a_relapse_soon_after_a_release_is_a_failed_release() -> None:
    relapsed = _after(GOOD, GOOD, HARM, state=_canary())
    assert (relapsed.failures, relapsed.cooldown_left) == (2, RULES.cooldown_runs)


def test_without_apply_release_the_canary_is_only_ready() -> None:
    rules = replace(RULES, apply_release=False)
    state = _after(*[SHADOW] * 3, state=_quarantined(), rules=rules)
    assert (state.mode, state.action, state.streak) == (Mode.QUARANTINED, Action.CANARY_READY, 3)
    assert _after(SHADOW, state=state).mode == Mode.CANARY


def test_a_run_that_was_recorded_before_loosens_nothing_and_can_tighten() -> None:
    again = replace(SHADOW, is_new=False)
    assert _after(*[again] * 20, state=_quarantined()).streak == 0
    assert _after(*[replace(GOOD, is_new=False)] * 20, state=_canary()) == _canary().model_copy(
        update={
            "standing": Standing.GOOD,
            "action": Action.SAME_EVIDENCE,
            "reason": "this run is in the ledger already",
        }
    )
    assert _after(replace(HARM, is_new=False)).mode == Mode.QUARANTINED


@given(STATES, OBSERVATIONS, RULE_SETS)
@settings(max_examples=400)
def test_every_step_is_legal_has_a_reason_and_survives_the_ledger(
    state: State, seen: Observation, rules: Rules
) -> None:
    step = next_state(state, seen, rules)
    assert step.is_legal
    assert step.after.reason
    assert State.model_validate_json(step.after.model_dump_json()) == step.after
    assert next_state(state, seen, rules) == step


def test_every_mode_is_reached_and_every_legal_step_is_taken() -> None:
    """Exhaustive over what a run can show, from the states that come of it."""
    rules = Rules(1, 2, 2, 70, 1, 1, True, False)
    runs = (GOOD, SILENT, SHADOW, HARM)
    reached, todo, steps = {State()}, [State()], set()
    while todo:
        before = todo.pop()
        for seen in runs:
            for each in (rules, replace(rules, let_go=True)):
                after = next_state(before, seen, each).after
                steps.add((before.mode, after.mode))
                if after not in reached and after.streak < 3:
                    reached.add(after)
                    todo.append(after)
    assert {state.mode for state in reached} == set(Mode)
    assert steps == {(before, after) for before, each in LEGAL.items() for after in each}


class Release(RuleBasedStateMachine):
    """Any runs at all, beside an account of what they showed."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.stable = 0
        """Good runs in a row under the quarantine, its cool-down not counted."""
        self.canary = 0
        """Good boots of the canary."""
        self.canary_runs = 0
        self.releases = 0
        """Canaries since actions were last trusted."""

    @rule(seen=OBSERVATIONS)
    def any_run(self, seen: Observation) -> None:
        self._step(seen)

    @rule(seen=st.sampled_from((GOOD, SHADOW, SHADOW, SHADOW, HARM)), times=st.integers(1, 4))
    def the_same_again(self, seen: Observation, times: int) -> None:
        for _ in range(times):
            self._step(seen)

    def _step(self, seen: Observation) -> None:
        before = self.state
        self.state = next_state(before, seen, RULES).after
        self._count(before, seen)
        self._check(before, seen)

    def _count(self, before: State, seen: Observation) -> None:
        windows = seen.latency_window_stable and seen.quality_window_stable
        is_sound = windows and seen.boots > 0 and seen.obeys and seen.is_new
        is_harmless = seen.quality != Status.FAIL and seen.measured != Standing.BAD
        counts = before.cooldown_left == 0 and seen.shadow == Standing.GOOD
        if before.mode == Mode.QUARANTINED and seen.is_new:
            self.stable = self.stable + 1 if is_sound and is_harmless and counts else 0
        if before.mode == Mode.CANARY and seen.is_new:
            self.canary_runs += 1
            is_good = is_sound and is_harmless and seen.measured == Standing.GOOD
            self.canary += seen.boots if is_good else 0

    def _check(self, before: State, seen: Observation) -> None:
        step = (before.mode, self.state.mode)
        if step == (Mode.QUARANTINED, Mode.CANARY):
            assert self.stable >= RULES.stable_streak_needed
            self.canary = self.canary_runs = 0
            self.releases += 1
        if step == (Mode.CANARY, Mode.NORMAL):
            assert self.canary >= RULES.canary_boots
            assert seen.latency != Status.FAIL
        if before.mode == Mode.CANARY and seen.quality == Status.FAIL:
            assert step == (Mode.CANARY, Mode.QUARANTINED)
        if step[0] != step[1]:
            self.stable = 0
        if self.state.failures == 0:
            self.releases = 0

    @invariant()
    def canaries_are_bounded(self) -> None:
        assert self.releases <= RULES.max_release_retries
        assert self.state.mode != Mode.CANARY or self.canary_runs < RULES.canary_max_runs
        assert self.state.failures <= RULES.max_release_retries + 1


TestRelease = Release.TestCase
TestRelease.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
