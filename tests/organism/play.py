"""Histories played on the simulation program and on the model at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.organism import history as to
from tests.organism.model import status, step
from tests.organism.rules import CTX, SEQ
from tests.organism.simulation import Reply, Simulation
from tests.organism.watch import Watch
from tests.organism.world import Event, World
from tools.markers.parse import Record

UNMODELLED = frozenset({"oo_consult_start", "oo_suggested", "oo_log_failed", "oo_log_torn"})
MEMORY_KIB, KIB_A_TOKEN = 600_000, 40
CYCLES, CYCLES_A_TOKEN = 1_000_000, 1000


class DisagreementError(AssertionError):
    """The program did what no world of the model does."""


def _is_as_told(event: Event, record: Record) -> bool:
    return event.marker == record.id and all(
        record.fields[name] == value for name, value in event.fields.items()
    )


def _decisions(reply: Reply) -> list[Record]:
    return [record for record in reply.records if record.id not in UNMODELLED]


def _is_possible(world: World, reply: Reply, decisions: Sequence[Record]) -> bool:
    return (
        len(world.said) == len(decisions)
        and status(world) == reply.status
        and all(map(_is_as_told, world.said, decisions))
    )


def _distinct(worlds: Sequence[World]) -> tuple[World, ...]:
    """What was said is compared already."""
    if len(worlds) == 1:
        return tuple(worlds)
    return tuple(dict.fromkeys(world._replace(said=()) for world in worlds))


class Play:
    """One history, command by command."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._worlds: tuple[World, ...] = (World(),)
        self._watch = Watch()
        self.commands: list[to.Command] = []
        self.reasons: set[str] = set()
        self.most_worlds = 1

    @property
    def is_uncertain(self) -> bool:
        """The medium failed, or may: what of a write is kept is not known beforehand."""
        return any(
            isinstance(command, (to.Cut, to.Corrupt))
            or isinstance(command, to.Boot)
            and command.cut
            for command in self.commands
        )

    def run(self, *commands: to.Command) -> list[Reply]:
        """Asks both, and compares."""
        replies = self._simulation.run(*commands)
        for command, reply in zip(commands, replies):
            self._compare(command, reply)
        return replies

    def _compare(self, command: to.Command, reply: Reply) -> None:
        self.commands.append(command)
        after = [world for before in self._worlds for world in step(before, command)]
        decisions = _decisions(reply)
        possible = [world for world in after if _is_possible(world, reply, decisions)]
        if not possible:
            raise DisagreementError(self._explain(after, reply, decisions))
        self._worlds = _distinct(possible)
        self.most_worlds = max(self.most_worlds, len(self._worlds))
        self.reasons.update(str(r["reason_id"]) for r in decisions if "reason_id" in r.fields)
        self._watch.see(command, reply)

    def _explain(self, worlds: Sequence[World], reply: Reply, decisions: Sequence[Record]) -> str:
        lines = ["The program:", *(f"  {r.id} {dict(r.fields)}" for r in decisions)]
        lines.append(f"  {reply.status}")
        for world in worlds[:3]:
            lines += ["The model:", *(f"  {e.marker} {dict(e.fields)}" for e in world.said)]
            lines.append(f"  {status(world)}")
        return "\n".join(lines)


def _clamped(reply: Reply, wanted: int) -> int:
    return next((int(str(r["to"])) for r in reply.records if r.id == "oo_clamp"), wanted)


def _ready(measured: to.Measured, ctx: int, seq: int) -> to.Ready:
    """A shorter context leaves more memory free. Without a model nothing is known of one."""
    is_loaded = measured.model == to.Model.LOADED
    context_kib = ctx * KIB_A_TOKEN if is_loaded else 0
    return to.Ready(
        model=measured.model,
        free=MEMORY_KIB - context_kib - measured.less_free_kib,
        context=context_kib,
        ctx=ctx,
        seq=seq or ctx,
        model_context=measured.model_context if is_loaded else 0,
        stratum=measured.stratum,
        failures=measured.failures,
    )


def _start(play: Play, plan: to.BootPlan, measured: to.Measured) -> to.Ready:
    """The values in force are laid over the operator's, and the mode bounds the context."""
    status = play.run(*plan.before, plan.boot)[-1].status
    wanted = status.in_force[CTX] or plan.boot.ctx
    (reply,) = play.run(to.Clamp(wanted))
    ctx = min(_clamped(reply, wanted) or measured.model_context, measured.model_context)
    return _ready(measured, measured.other_ctx or ctx, status.in_force[SEQ] or plan.boot.seq)


def _commands(
    of: to.Command | to.Turn, ready: to.Ready, measured: to.Measured
) -> Iterator[to.Command]:
    """A longer sequence is dearer. Where no model is, nobody answers."""
    if isinstance(of, to.Command):
        yield of
    elif ready.model == to.Model.LOADED:
        yield to.Asked()
        cpt = CYCLES + ready.seq * CYCLES_A_TOKEN + measured.more_cpt
        yield to.Answered(of.tokens, cpt if of.is_timed else 0)


def _play_boot(play: Play, plan: to.BootPlan) -> None:
    measured = plan.measured
    if measured is None:
        play.run(*plan.before, plan.boot, *plan.early)
        return
    ready = _start(play, plan, measured)
    steps = (command for of in plan.steps for command in _commands(of, ready, measured))
    play.run(*plan.early, ready, *steps)


def play_history(simulation: Simulation, plans: Sequence[to.BootPlan]) -> Play:
    """Plays all boots on one volume; raises DisagreementError, or AssertionError of a promise that is not kept."""
    play = Play(simulation)
    try:
        play.run(to.New())
        for plan in plans:
            _play_boot(play, plan)
    except AssertionError as error:
        error.add_note("\n".join(["Commands:", *(command.line for command in play.commands)]))
        raise
    return play
