"""What came of applied actions: what waits to be judged, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.organism.rules import (
    KEY_OF,
    Outcome,
    Vitals,
    judge,
    quantity,
)
from tests.organism.world import Pending, State, World, put, say, with_state

PENDING_BOOTS = 8
ACTIONS = tuple(KEY_OF)


def _say(world: World, pending: Pending, outcome: Outcome) -> World:
    return say(
        world,
        "oo_outcome",
        action=pending.action,
        applied_boot=pending.boot,
        before=outcome.before,
        after=outcome.after,
        label=outcome.label,
        improved=outcome.improved,
        reason_id=outcome.reason,
    )


def _close(world: World, place: int, pending: Pending, outcome: Outcome) -> World:
    said = _say(world, pending, outcome)
    which = ACTIONS.index(pending.action)
    tally = world.state.tallies[which].with_outcome(outcome.label)
    return with_state(
        said,
        pending=put(world.state.pending, place, None),
        tallies=put(world.state.tallies, which, tally),
    )


def say_unmeasured(world: World, pending: Pending) -> World:
    before, _ = quantity(pending.action, pending.before)
    return _say(world, pending, Outcome(before, 0, "pending", "OO_OUTCOME_NO_EVIDENCE"))


def without(world: World, place: int) -> World:
    return with_state(world, pending=put(world.state.pending, place, None))


def _waiting(state: State) -> Iterator[tuple[int, Pending]]:
    return ((place, p) for place, p in enumerate(state.pending) if p is not None)


def is_on_trial(state: State, boot: int) -> bool:
    return 0 < state.trial_boot <= boot


def _had(state: State, pending: Pending, vitals: Vitals, was: str) -> bool:
    """Whether a boot had what an earlier one had applied."""
    key = KEY_OF[pending.action]
    if pending.boot >= vitals.boot:
        return False
    if was == "unhealthy":
        return is_on_trial(state, vitals.boot) or state.confirmed[key] == pending.new
    return vitals.values[key] == pending.new


def judge_waiting(world: World, vitals: Vitals, was: str) -> World:
    for place, pending in _waiting(world.state):
        if not _had(world.state, pending, vitals, was):
            continue
        outcome = judge(pending.action, pending.before, vitals, was)
        if outcome.reason != "OO_OUTCOME_NO_EVIDENCE":
            world = _close(world, place, pending, outcome)
    return world


def drop_stale(world: World) -> World:
    for place, pending in _waiting(world.state):
        is_in_force = world.running.in_force[KEY_OF[pending.action]] == pending.new
        if not is_in_force or world.state.boot_count - pending.boot > PENDING_BOOTS:
            world = without(say_unmeasured(world, pending), place)
    return world


def oldest(state: State) -> tuple[int, Pending]:
    """Which makes room: what this boot has changed again itself, else the oldest."""

    def age(item: tuple[int, Pending]) -> int:
        pending = item[1]
        is_superseded = state.trial[KEY_OF[pending.action]] != pending.new
        return 0 if is_superseded and pending.boot == state.boot_count else pending.boot

    return min(_waiting(state), key=age)
