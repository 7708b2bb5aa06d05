"""Histories: what happens to a machine from its first boot on, drawn from bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")

# ---- commands of the simulation program ----


class Model(IntEnum):
    """What came of loading one."""

    LOADED = 0
    NONE_ON_PURPOSE = 1
    MISSED = 2


@dataclass(frozen=True)
class Command:
    """One line for the program: the class's name, then its fields."""

    @property
    def line(self) -> str:
        words = (f"{field.name}={int(getattr(self, field.name))}" for field in fields(self))
        return " ".join((type(self).__name__.lower(), *words))


@dataclass(frozen=True)
class New(Command):
    """An empty volume."""


@dataclass(frozen=True)
class Boot(Command):
    """Power comes on, and fails again at the sector `cut` of those written (0: it stays)."""

    ram: int
    ctx: int
    """The operator's, as `seq`; 0: not set."""
    seq: int
    off: bool
    """oo_enable=0"""
    consult: bool
    multi: bool
    auto: int
    plan: bool
    max: int
    gate: bool
    threshold: int
    journal: bool
    cut: int


@dataclass(frozen=True)
class Clamp(Command):
    """The configuration asks for a context."""

    wanted: int


@dataclass(frozen=True)
class Ready(Command):
    """The prompt is reached."""

    model: Model
    free: int
    context: int
    ctx: int
    seq: int
    model_context: int
    stratum: int
    failures: int


@dataclass(frozen=True)
class Asked(Command):
    """A question is about to be answered."""


@dataclass(frozen=True)
class Answered(Command):
    """It was."""

    tokens: int
    cpt: int


@dataclass(frozen=True)
class Overflowed(Command):
    """The conversation no longer fitted."""


@dataclass(frozen=True)
class Guard(Command):
    """M18.1 ended a turn."""


@dataclass(frozen=True)
class Failed(Command):
    """Memory was refused, or the sentinel tripped."""

    memory: bool


@dataclass(frozen=True)
class End(Command):
    """The session ends in good order."""


@dataclass(frozen=True)
class Cut(Command):
    """Power fails when so many more sectors have been written."""

    sectors: int


@dataclass(frozen=True)
class Corrupt(Command):
    """The write behind so many more goes wrong."""

    writes: int


@dataclass(frozen=True)
class Protect(Command):
    """The volume is write-protected, or no more."""

    on: bool


@dataclass(frozen=True)
class Consult(Command):
    """An advice in words, a phrase for each thing that is advised."""

    phrases: tuple[str, ...]

    @property
    def line(self) -> str:
        return "consult " + ", then ".join(self.phrases)


# What each phrase advises by itself.
PHRASES: dict[str, tuple[str, ...]] = {
    "reduce ctx": ("reduce_ctx",),
    "lower the sequence": ("reduce_seq",),
    "increase ctx": ("increase_ctx",),
    "shrink seq and context": ("reduce_seq", "reduce_ctx"),
    "restart": ("reboot",),
    "switch the model": ("change_model",),
    "all is good": ("stable",),
    "do not reboot": (),
    "raise seq_len": (),
}

# ---- what a boot is to be ----


@dataclass(frozen=True)
class Measured:
    """What a boot runs with, as far as its context does not decide it."""

    model: Model
    model_context: int
    other_ctx: int
    """Somebody else (a policy) decides the context; 0: nobody does."""
    less_free_kib: int
    more_cpt: int
    stratum: int
    failures: int


@dataclass(frozen=True)
class Turn:
    """A question that is answered after so many tokens, at the boot's own speed, or nobody knows it."""

    tokens: int
    is_timed: bool


@dataclass(frozen=True)
class BootPlan:
    """One boot: what comes before it, its start, and what happens at the prompt."""

    before: tuple[Command, ...]
    boot: Boot
    early: tuple[Command, ...]
    """Before the prompt."""
    measured: Measured | None
    """None: it never reached the prompt."""
    steps: tuple[Command | Turn, ...]


# ---- drawing ----


class Dice:
    """Choices read from bytes, one byte each; when they have ended, the first of every list."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def number(self, end: int) -> int:
        return next(self._bytes, 0) * end >> 8

    def pick(self, *choices: T) -> T:
        return choices[self.number(len(choices))]

    def one_in(self, count: int) -> bool:
        """False at the byte 0."""
        return self.number(count) == count - 1


def _operator_value(dice: Dice) -> int:
    return dice.pick(1024, 0, 300, 512, 128, 2048, 200, 4096)


def _boot(dice: Dice, operator: tuple[int, int], journal: bool, may_cut: bool) -> Boot:
    return Boot(
        ram=dice.pick(700, 700, 4096, 4096, 1023, 1024, 900, 4096),
        ctx=operator[0],
        seq=operator[1],
        off=dice.one_in(40),
        consult=not dice.one_in(16),
        multi=not dice.one_in(4),
        auto=dice.pick(2, 2, 2, 1, 0),
        plan=not dice.one_in(4),
        max=dice.pick(2, 3, 1, 3),
        gate=dice.one_in(3),
        threshold=dice.pick(60, 67, 68, 75, 80, 92),
        journal=journal,
        cut=1 + dice.number(256) if may_cut and dice.one_in(8) else 0,
    )


def _eager(boot: Boot) -> Boot:
    """As many reductions as can be."""
    return replace(boot, ram=700, seq=8192, multi=True, auto=2, plan=True, max=3, gate=False)


def _measured(dice: Dice) -> Measured:
    loaded, none, missed = Model.LOADED, Model.NONE_ON_PURPOSE, Model.MISSED
    return Measured(
        model=dice.pick(*[loaded] * 26, none, none, missed),
        model_context=dice.pick(4096, 4096, 4096, 700),
        other_ctx=dice.pick(0, 0, 0, 0, 0, 0, 0, 100, 128, 2048),
        less_free_kib=dice.pick(0, 0, 0, 5000, 20000),
        more_cpt=dice.pick(0, 0, 0, 120_000, 400_000),
        stratum=dice.pick(*[1] * 9, 2),
        failures=dice.pick(*[0] * 39, 1),
    )


def _consult(dice: Dice) -> Consult:
    many = dice.pick(1, 1, 2, 2, 3, 3, 4, 0)
    changes = ("reduce ctx", "lower the sequence", "increase ctx")
    return Consult(tuple(dice.pick(*changes, *changes, *PHRASES) for _ in range(many)))


def _turn(dice: Dice) -> Turn:
    return Turn(dice.pick(10, 10, 10, 3), not dice.one_in(12))


def _fault(dice: Dice) -> Command:
    return dice.pick(Protect(True), Corrupt(dice.number(8)), Cut(dice.number(64)))


def _trouble(dice: Dice, has_faults: bool) -> Iterator[Command | Turn]:
    """What is not asked for; half of the faults meet a consult."""
    overflowed, failed = Overflowed(), Failed(dice.one_in(2))
    yield dice.pick(overflowed, overflowed, overflowed, Guard(), Asked(), failed, End())
    if has_faults and dice.one_in(2):
        yield _fault(dice)
        yield dice.pick(_consult(dice), Protect(False))


def _at_the_prompt(dice: Dice, has_faults: bool) -> Iterator[Command | Turn]:
    if not dice.one_in(8):
        yield _turn(dice)
    for _ in range(dice.pick(1, 2, 0, 3, 4)):
        kind = dice.number(16)
        if kind < 7:
            yield _turn(dice)
        elif kind < 13:
            yield _consult(dice)
        else:
            yield from _trouble(dice, has_faults)
    if not dice.one_in(4):
        yield End()


def _before(dice: Dice, has_faults: bool) -> tuple[Command, ...]:
    """What becomes of the medium while the machine is off."""
    corrupt = Corrupt(dice.number(6))
    if not has_faults:
        return ()
    return dice.pick((), (), (Protect(False),), (Protect(True),), (corrupt,))


def _plan(
    dice: Dice, operator: tuple[int, int], journal: bool, has_faults: bool, is_eager: bool
) -> BootPlan:
    reaches_prompt = not dice.one_in(20)
    boot = _boot(dice, operator, journal, has_faults)
    return BootPlan(
        before=_before(dice, has_faults),
        boot=_eager(boot) if is_eager else boot,
        early=(Failed(dice.one_in(2)),) if dice.one_in(32) else (),
        measured=_measured(dice) if reaches_prompt else None,
        steps=tuple(_at_the_prompt(dice, has_faults)) if reaches_prompt else (),
    )


def draw_history(data: bytes) -> tuple[BootPlan, ...]:
    """A machine's boots. Bytes that are 0 make boots without anything special."""
    dice = Dice(data)
    has_faults = dice.number(2) == 1
    journal = not dice.one_in(2)
    is_eager = dice.one_in(6)
    operator = (_operator_value(dice), _operator_value(dice))
    boots = []
    for _ in range(dice.pick(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)):
        if dice.one_in(10):
            operator = dice.pick(
                (_operator_value(dice), operator[1]), (operator[0], _operator_value(dice))
            )
        boots.append(_plan(dice, operator, journal, has_faults, is_eager))
    return tuple(boots)
