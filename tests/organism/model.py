"""The organism as the headers of firmware/oo describe it: what each command makes it say, and how it then stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.organism import history as to
from tests.organism.consults import consult, refused
from tests.organism.outcomes import judge_waiting
from tests.organism.rules import CONTEXT_CAPS, KEYS, Stage, median
from tests.organism.simulation import Status
from tests.organism.starts import boot
from tests.organism.world import (
    Values,
    World,
    Worlds,
    keep,
    say,
    with_boot,
    with_state,
    with_vitals,
    with_volume,
)


def _clamp(world: World, command: to.Clamp) -> Worlds:
    mode = world.state.standing.mode
    cap = CONTEXT_CAPS[mode]
    if cap > 0 and not 0 < command.wanted <= cap:
        world = say(
            world, "oo_clamp", from_=command.wanted, to=cap, mode=mode, reason_id="OO_CLAMP_MODE"
        )
    yield world


def _lose(world: World, reason: str) -> Worlds:
    """For good; the first loss is said."""
    is_first = world.state.stage != Stage.LOST
    for after in keep(with_state(world, stage=Stage.LOST)):
        yield _say_health(after, "unhealthy", reason) if is_first else after


def _say_health(world: World, what: str, reason: str) -> World:
    return say(world, "oo_health", health=what, reason_id=f"OO_HEALTH_{reason}")


def _failed(world: World, command: to.Failed) -> Worlds:
    if not command.memory:
        return _lose(world, "LOST_SENTINEL")
    failures = world.state.vitals.allocation_failures + 1
    return _lose(with_vitals(world, allocation_failures=failures), "LOST_MEMORY")


def _ready(world: World, command: to.Ready) -> Worlds:
    failures = max(command.failures, world.state.vitals.allocation_failures)
    world = with_vitals(
        with_boot(world, model_context=command.model_context),
        stratum=command.stratum,
        free_kib=command.free,
        context_kib=command.context,
        values=(command.ctx, command.seq),
        allocation_failures=failures,
    )
    if command.model == to.Model.MISSED:
        yield from _lose(world, "LOST_MODEL")
    elif failures > 0:
        yield from _lose(world, "LOST_MEMORY")
    elif world.state.stage == Stage.LOST:
        yield from keep(world)
    elif command.model == to.Model.NONE_ON_PURPOSE:
        for after in keep(with_state(world, stage=Stage.HEALTHY)):
            yield _say_health(after, "healthy", "NO_MODEL")
    else:
        yield from keep(with_state(world, stage=Stage.READY))


def _asked(world: World, command: to.Asked) -> Worlds:
    if world.state.stage != Stage.READY:
        return iter((world,))
    return keep(with_state(world, stage=Stage.ASKED))


def _count_turn(world: World, command: to.Answered) -> World:
    vitals, cpts = world.state.vitals, world.running.cpts
    if command.cpt > 0:
        cpts = (*cpts, command.cpt)[-64:]
    return with_vitals(
        with_boot(world, cpts=cpts),
        turns=vitals.turns + 1,
        tokens=vitals.tokens + command.tokens,
        cpt=median(cpts) if cpts else 0,
    )


def _confirmed(world: World) -> World:
    """What this boot has is confirmed; what it applied itself stays on trial."""
    state, in_force = world.state, world.running.in_force
    trial_boot = 0 if state.trial == in_force else state.boot_count + 1
    return with_boot(with_state(world, confirmed=in_force, trial_boot=trial_boot), is_trial=False)


def _keep_confirmed(world: World) -> Worlds:
    """Without the write it stays on trial."""
    state = world.state
    for after in keep(_confirmed(world)):
        if not after.running.can_save:
            after = with_state(after, confirmed=state.confirmed, trial_boot=state.trial_boot)
            after = with_boot(after, is_trial=True)
        yield after


def _say_confirmed(world: World, before: Values) -> World:
    for key, name in enumerate(KEYS):
        value = world.state.confirmed[key]
        if value != before[key]:
            world = say(world, "oo_trial", key=name, value=value, reason_id="OO_TRIAL_CONFIRMED")
    return world


def _keep_turn(world: World, is_first: bool) -> Worlds:
    """Turns 1, 2, 4, 8 and so on are written, and all that decide something."""
    turns = world.state.vitals.turns
    if world.running.is_trial and world.state.stage == Stage.HEALTHY:
        return _keep_confirmed(world)
    if is_first or turns & (turns - 1) == 0:
        return keep(world)
    return iter((world,))


def _answered(world: World, command: to.Answered) -> Worlds:
    confirmed = world.state.confirmed
    is_first = world.state.stage in (Stage.READY, Stage.ASKED)
    world = _count_turn(world, command)
    if is_first:
        world = with_state(world, stage=Stage.HEALTHY)
    for after in _keep_turn(world, is_first):
        if is_first:
            after = _say_health(after, "healthy", "ANSWERED")
        yield _say_confirmed(after, confirmed)


def _overflowed(world: World, command: to.Overflowed) -> Worlds:
    return keep(with_vitals(world, overflows=world.state.vitals.overflows + 1))


def _guard(world: World, command: to.Guard) -> Worlds:
    return keep(world)


def _end(world: World, command: to.End) -> Worlds:
    """Only what is on the volume is judged."""
    for after in keep(world):
        if not after.running.can_save or after.state.stage != Stage.HEALTHY:
            yield after
            continue
        judged = judge_waiting(after, after.state.vitals, "healthy")
        yield from keep(judged) if judged.state.pending != after.state.pending else (after,)


# ---- commands ----

_STEPS: dict[type[to.Command], Callable[[World, Any], Worlds]] = {
    to.Boot: boot,
    to.Clamp: _clamp,
    to.Ready: _ready,
    to.Asked: _asked,
    to.Answered: _answered,
    to.Overflowed: _overflowed,
    to.Guard: _guard,
    to.Failed: _failed,
    to.Consult: consult,
    to.End: _end,
}
_TO_THE_VOLUME: dict[type[to.Command], Callable[[World, Any], World]] = {
    to.New: lambda world, command: World(),
    to.Cut: lambda world, command: with_volume(world, is_cut_armed=True),
    to.Corrupt: lambda world, command: with_volume(world, is_corrupt_armed=True),
    to.Protect: lambda world, command: with_volume(world, is_protected=command.on),
}


def step(world: World, command: to.Command) -> Worlds:
    """Every world that a command may lead to."""
    world = world._replace(said=())
    if to_volume := _TO_THE_VOLUME.get(type(command)):
        return iter((to_volume(world, command),))
    if world.boot is None and isinstance(command, to.Consult):
        return iter((refused(world),))
    if world.boot is None and not isinstance(command, to.Boot):
        return iter((world,))
    return _STEPS[type(command)](world, command)


OFF = Status(0, "NORMAL", 0, 0, (0, 0), False, (0, 0), (0, 0), 0, 0, False, False, 0, 0)


def status(world: World) -> Status:
    """How the machine stands, as the program shows it; all is 0 when the organism is off."""
    state, running = world.state, world.boot
    if running is None:
        return OFF
    return Status(
        boot=state.boot_count,
        mode=state.standing.mode,
        healthy_boots=state.standing.healthy_boots,
        stage=state.stage,
        in_force=running.in_force,
        is_trial=running.is_trial,
        confirmed=state.confirmed,
        trial=state.trial,
        trial_boot=state.trial_boot,
        applied=running.applied,
        hard_stop=running.is_hard_stopped,
        can_save=running.can_save,
        pending=sum(p is not None for p in state.pending),
        recoveries=state.recoveries,
    )
