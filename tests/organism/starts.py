"""The start of a boot: what it makes of the boots before."""

from __future__ import annotations

from collections.abc import Iterator

from tests.organism import history as to
from tests.organism.outcomes import drop_stale, is_on_trial, judge_waiting
from tests.organism.rules import KEYS, Settings, Stage, Vitals, health, next_standing
from tests.organism.world import (
    Running,
    State,
    Values,
    World,
    Worlds,
    keep,
    say,
    with_boot,
    with_state,
    with_value,
    with_volume,
)


def _read(world: World) -> Iterator[tuple[World, str]]:
    """The state of the boot before, and why it is unknown when it is."""
    volume = world.volume
    if not volume.is_damaged:
        yield world._replace(
            state=(volume.newest or State())._replace(recoveries=0)
        ), "OO_MODE_INIT"
        return
    world = say(world, "oo_recovery")
    if volume.newest is not None:
        state = volume.newest._replace(recoveries=volume.newest.recoveries + 1)
        yield world._replace(state=state), "OO_MODE_RECOVERED"
        return
    for last in volume.last_boots if world.running.has_journal else {0}:
        yield world._replace(state=State(boot_count=last, recoveries=1)), "OO_MODE_RECOVERED"


def _count(world: World, previous: str, unknown: str) -> World:
    standing, reason = next_standing(world.state.standing, previous)
    world = with_state(world, boot_count=world.state.boot_count + 1, standing=standing)
    return say(
        world,
        "oo_boot",
        boot_count=world.state.boot_count,
        mode=standing.mode,
        previous=previous,
        healthy_boots=standing.healthy_boots,
        reason_id=unknown if previous == "none" else reason,
    )


def _say_rollbacks(world: World, values: Values, reason: str) -> World:
    for key, name in enumerate(KEYS):
        back = world.state.confirmed[key]
        if values[key] != back:
            world = say(
                world, "oo_rollback", key=name, from_=values[key], to=back, reason_id=reason
            )
    return world


def _judge_before(world: World, previous: str) -> World:
    state = world.state
    is_undone = previous == "unhealthy" and is_on_trial(state, state.vitals.boot)
    if is_undone:
        world = _say_rollbacks(world, state.trial, "OO_ROLLBACK_UNHEALTHY")
    world = judge_waiting(world, state.vitals, previous)
    return with_state(world, trial=state.confirmed) if is_undone else world


def _follow_key(world: World, key: int, now: int) -> World:
    state = world.state
    is_changed = state.trial[key] > 0 or state.confirmed[key] > 0
    if is_changed and now == state.operator[key]:
        return world
    if is_changed:
        world = say(
            world,
            "oo_rollback",
            key=KEYS[key],
            from_=state.trial[key],
            to=0,
            reason_id="OO_OPERATOR_OVERRIDES",
        )
    return with_state(
        world,
        trial=with_value(state.trial, key, 0),
        confirmed=with_value(state.confirmed, key, 0),
        operator=with_value(state.operator, key, now),
    )


def _begin(world: World) -> World:
    state = world.state
    if state.trial == state.confirmed:
        state = state._replace(trial_boot=0)
    is_trial = is_on_trial(state, state.boot_count)
    world = world._replace(state=state)
    world = with_boot(
        world, is_trial=is_trial, in_force=state.trial if is_trial else state.confirmed
    )
    world = drop_stale(world)
    return with_state(
        world,
        tallies=tuple(tally.aged() for tally in world.state.tallies),
        stage=Stage.STARTED,
        vitals=Vitals(boot=state.boot_count),
    )


def _suspended(world: World) -> World:
    """Without what is on trial when nothing could be learnt from it."""
    boot, state = world.running, world.state
    if boot.can_save or not boot.is_trial:
        return world
    world = _say_rollbacks(world, boot.in_force, "OO_ROLLBACK_STATE_LOST")
    world = with_boot(world, in_force=state.confirmed, is_trial=False)
    return with_state(world, trial_boot=state.boot_count + 1)


def _start(world: World, operator: Values) -> Worlds:
    for found, unknown in _read(world):
        previous = health(found.state.stage)
        begun = _judge_before(_count(found, previous, unknown), previous)
        for key, now in enumerate(operator):
            begun = _follow_key(begun, key, now)
        yield from map(_suspended, keep(_begin(begun)))


def boot(world: World, command: to.Boot) -> Worlds:
    world = with_volume(world, is_dead=False, is_cut_armed=command.cut > 0)
    if command.off:
        yield world._replace(boot=None)
        return
    settings = Settings(
        consult=command.consult,
        multi=command.multi,
        auto=command.auto,
        plan=command.plan,
        max=command.max,
        gate=command.gate,
        threshold=command.threshold,
    )
    world = world._replace(boot=Running(settings, command.ram, command.journal))
    yield from _start(world, (command.ctx, command.seq))
