"""The machine of the model: what is on its volume, what its boot remembers, and what becomes of a write.

Where the medium may fail, several worlds are possible. A function that writes gives each of them; what the machine then
says and how it stands tells which are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.organism.rules import KEY_OF, Settings, Stage, Standing, Tally, Vitals

Values = tuple[int, int]
PLACES = 4


class Pending(NamedTuple):
    """An applied action that is not judged yet."""

    action: str
    boot: int
    old: int
    new: int
    before: Vitals = Vitals()


class State(NamedTuple):
    """What is remembered from boot to boot."""

    boot_count: int = 0
    standing: Standing = Standing("SAFE", 0)
    recoveries: int = 0
    stage: Stage = Stage.NONE
    confirmed: Values = (0, 0)
    trial: Values = (0, 0)
    trial_boot: int = 0
    operator: Values = (0, 0)
    vitals: Vitals = Vitals()
    pending: tuple[Pending | None, ...] = (None,) * PLACES
    tallies: tuple[Tally, ...] = (Tally(),) * len(KEY_OF)


class Volume(NamedTuple):
    """What a start would find, and what may still go wrong."""

    newest: State | None = None
    is_damaged: bool = False
    """A state file is there and not whole."""
    is_protected: bool = False
    is_dead: bool = False
    """It has no power."""
    is_cut_armed: bool = False
    is_corrupt_armed: bool = False
    last_boots: frozenset[int] = frozenset({0})
    """What the highest boot of the journal may be."""

    @property
    def is_writable(self) -> bool:
        return not (self.is_protected or self.is_dead)

    @property
    def is_reliable(self) -> bool:
        return not (self.is_cut_armed or self.is_corrupt_armed)


class Running(NamedTuple):
    """What a boot knows that is gone with it."""

    settings: Settings
    ram: int
    has_journal: bool
    in_force: Values = (0, 0)
    is_trial: bool = False
    model_context: int = 0
    cpts: tuple[int, ...] = ()
    applied: int = 0
    is_checkpointed: bool = False
    is_hard_stopped: bool = False
    can_save: bool = False
    is_spoilt: bool = False
    """The last write was done, and did not read back."""
    has_said_failure: bool = False


class Event(NamedTuple):
    """A line that is to come; fields that are not named may be anything."""

    marker: str
    fields: Mapping[str, Any]


class World(NamedTuple):
    """A machine as it may be."""

    volume: Volume = Volume()
    state: State = State()
    boot: Running | None = None
    """None: nothing runs, or the organism is off."""
    said: tuple[Event, ...] = ()

    @property
    def running(self) -> Running:
        assert self.boot is not None
        return self.boot


Worlds = Iterator[World]


def with_volume(world: World, **changes: Any) -> World:
    return world._replace(volume=world.volume._replace(**changes))


def with_state(world: World, **changes: Any) -> World:
    return world._replace(state=world.state._replace(**changes))


def with_boot(world: World, **changes: Any) -> World:
    return world._replace(boot=world.running._replace(**changes))


def with_vitals(world: World, **changes: Any) -> World:
    return with_state(world, vitals=world.state.vitals._replace(**changes))


def with_value(values: Values, key: int, value: int) -> Values:
    ctx, seq = values
    return (ctx, value) if key else (value, seq)


def put(places: tuple[Any, ...], place: int, what: Any) -> tuple[Any, ...]:
    return (*places[:place], what, *places[place + 1 :])


# ---- saying ----


def _recorded(world: World) -> World:
    """A record in the journal names its boot; where the medium may fail, it need not be whole."""
    volume, boot = world.volume, world.boot
    if boot is None or not boot.has_journal or not volume.is_writable:
        return world
    now = frozenset({world.state.boot_count})
    if volume.last_boots == now:
        return world
    return with_volume(world, last_boots=now if volume.is_reliable else now | volume.last_boots)


def say(world: World, marker: str, **fields: Any) -> World:
    """Field names may end in an underscore, for those that Python keeps for itself."""
    named = {name.rstrip("_"): value for name, value in fields.items()}
    return _recorded(world._replace(said=(*world.said, Event(marker, named))))


def _say_failure(world: World) -> World:
    """Once a boot."""
    if world.running.has_said_failure:
        return world
    return with_boot(say(world, "oo_write_failed"), has_said_failure=True)


# ---- writing ----


def _written(volume: Volume, state: State) -> Volume:
    return volume._replace(newest=state, is_damaged=False)


def _power_fails(volume: Volume, state: State) -> Iterator[Volume]:
    """In the middle of a write: before its first sector, behind its last one, or between them."""
    dead = volume._replace(is_dead=True)
    yield dead
    yield _written(dead, state)
    if not dead.is_damaged:
        yield dead._replace(is_damaged=True)


def _spoilt(volume: Volume, state: State) -> Iterator[Volume]:
    """The record before is still there; the first record of all is written twice, so the first may be whole."""
    damaged = volume._replace(is_damaged=True, is_corrupt_armed=False)
    yield damaged
    if volume.newest is None:
        yield damaged._replace(newest=state)


def _with_evidence(state: State) -> State:
    """The newest vitals of this boot are those before its own actions."""
    if not any(p and p.boot == state.boot_count for p in state.pending):
        return state
    pending = (
        p._replace(before=state.vitals) if p and p.boot == state.boot_count else p
        for p in state.pending
    )
    return state._replace(pending=tuple(pending))


def save(world: World) -> Worlds:
    """Every end that a write of the state may have; `can_save` says which it was."""
    state, volume = _with_evidence(world.state), world.volume

    def ended(after: Volume, can_save: bool, is_spoilt: bool = False) -> World:
        boot = world.running._replace(can_save=can_save, is_spoilt=is_spoilt)
        return world._replace(state=state, volume=after, boot=boot)

    if not volume.is_writable:
        yield ended(volume, False)
        return
    yield ended(_written(volume, state), True)
    if volume.is_cut_armed:
        yield from (ended(after, False) for after in _power_fails(volume, state))
    if volume.is_corrupt_armed:
        yield from (ended(after, False, True) for after in _spoilt(volume, state))


def told(world: World) -> World:
    """A failed write is said."""
    return world if world.running.can_save else _say_failure(world)


def keep(world: World) -> Worlds:
    return map(told, save(world))


def restore(world: World, before: State) -> Worlds:
    """Back to a state after a write that failed, which is said unless it was merely spoilt and is mended."""
    was_spoilt = world.running.is_spoilt
    for after in save(world._replace(state=before)):
        is_mended = was_spoilt and after.running.can_save
        yield after if is_mended else _say_failure(after)
