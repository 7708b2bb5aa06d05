"""Consults: an advice is weighed, and every action of it gets a decision."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.organism import history as to
from tests.organism.outcomes import ACTIONS, oldest, say_unmeasured, without
from tests.organism.rules import (
    KEY_OF,
    LOGGED,
    Advice,
    Decision,
    PlanFacts,
    Tally,
    bias,
    decide,
    gate_reason,
    score,
)
from tests.organism.world import (
    Pending,
    State,
    Values,
    World,
    Worlds,
    keep,
    put,
    restore,
    save,
    say,
    with_boot,
    with_state,
    with_value,
)


def _apply(world: World, decision: Decision) -> Worlds:
    """A checkpoint before the first, then the change."""
    for checked in _checkpoint(world):
        if not checked.running.can_save:
            yield from _reverted(checked, world.state, decision)
            continue
        roomy, dropped = _with_room(checked)
        for written in save(_changed(roomy, decision)):
            if not written.running.can_save:
                yield from _reverted(written, checked.state, decision)
                continue
            yield from _say_applied(
                say_unmeasured(written, dropped) if dropped else written, decision
            )


def _with_room(world: World) -> tuple[World, Pending | None]:
    """Four may wait to be judged; what makes room for another is said once that is written."""
    if None in world.state.pending:
        return world, None
    place, dropped = oldest(world.state)
    return without(world, place), dropped


def _checkpoint(world: World) -> Worlds:
    if world.running.is_checkpointed:
        yield world
        return
    for after in save(world):
        if after.running.can_save:
            after = say(after, "oo_checkpoint", reason_id="OO_PLAN_CHECKPOINT")
            after = with_boot(after, is_checkpointed=True)
        yield after


def _changed(world: World, decision: Decision) -> World:
    state = world.state
    waiting = Pending(decision.action, state.boot_count, decision.old, decision.new)
    return with_state(
        world,
        trial=with_value(state.trial, KEY_OF[decision.action], decision.new),
        trial_boot=state.trial_boot or state.boot_count + 1,
        pending=put(state.pending, state.pending.index(None), waiting),
    )


def _say_applied(world: World, decision: Decision) -> Worlds:
    """The number of the event is kept with it, where the journal gave one."""
    world = with_boot(world, applied=world.running.applied + 1)
    said = _say_action(world, "oo_applied", decision, decision.reason)
    if not said.running.has_journal:
        yield said
        return
    if not said.volume.is_reliable:
        yield said
    yield from keep(said)


def _reverted(world: World, before: State, decision: Decision) -> Worlds:
    reason = "OO_APPLY_VERIFY_FAILED" if world.running.is_spoilt else "OO_APPLY_WRITE_FAILED"
    for after in restore(world, before):
        stopped = with_boot(after, is_hard_stopped=True)
        yield _say_action(stopped, "oo_apply_failed", decision, reason)


def _say_action(world: World, marker: str, decision: Decision, reason: str, **more: Any) -> World:
    return say(
        world,
        marker,
        action=decision.action,
        old=decision.old,
        new=decision.new,
        reason_id=reason,
        **more,
    )


def _next_values(world: World) -> Values:
    """As the next boot would have them: with what this one has applied already."""
    state, boot = world.state, world.running

    def of(key: int) -> int:
        is_new = state.trial[key] != boot.in_force[key]
        return state.trial[key] if is_new else state.vitals.values[key]

    return of(0), of(1)


def _plan_facts(world: World, passes: bool, place: int) -> PlanFacts:
    boot = world.running
    return PlanFacts(
        settings=boot.settings,
        mode=world.state.standing.mode,
        ram=boot.ram,
        values=_next_values(world),
        model_context=boot.model_context,
        passes=passes,
        is_hard_stopped=boot.is_hard_stopped,
        can_save=boot.can_save,
        applied=boot.applied,
        place=place,
    )


def _decide(world: World, action: str, place: int, trust: int) -> Worlds:
    settings = world.running.settings
    if action in LOGGED:
        word, reason = LOGGED[action]
        return iter((say(world, "oo_decided", decision=word, reason_id=reason),))
    decision = decide(action, _plan_facts(world, trust >= settings.threshold, place))
    if decision.reason == "OO_APPLY_OK":
        return _apply(world, decision)
    if decision.reason == "OO_SIMULATED":
        return iter((_say_action(world, "oo_simulated", decision, decision.reason),))
    more = {"score": trust, "threshold": settings.threshold}
    return iter((_say_action(world, "oo_blocked", decision, decision.reason, **more),))


def _decide_all(world: World, actions: tuple[str, ...], trust: int, place: int = 0) -> Worlds:
    if place == len(actions):
        yield world
        return
    for after in _decide(world, actions[place], place, trust):
        yield from _decide_all(after, actions, trust, place + 1)


def advised(phrases: tuple[str, ...]) -> Advice:
    """Each action once, three at most; "stable" only by itself."""
    said = [action for phrase in phrases for action in to.PHRASES[phrase]]
    actions = tuple(dict.fromkeys(action for action in said if action != "stable"))[:3]
    if not actions and "stable" in said:
        actions = ("stable",)
    return Advice(actions, not phrases)


def _worst(world: World, advice: Advice) -> tuple[Tally, int]:
    """The outcomes of the advised action that has the worst, and what they are worth."""
    tallies = dict(zip(ACTIONS, world.state.tallies))
    known = [(action, tallies.get(action, Tally())) for action in advice.actions]
    rated = [(tally, bias(action, tally)) for action, tally in known]
    return min(rated, key=lambda item: item[1], default=(Tally(), 0))


def _trust(world: World, advice: Advice, feedback: int) -> int:
    state = world.state
    ctx, seq = state.vitals.values
    return score(advice, state.standing.mode, world.running.ram, ctx, seq, feedback)


def _say_trust(world: World, trust: int, tally: Tally, feedback: int) -> World:
    settings = world.running.settings
    passes = trust >= settings.threshold
    world = say(
        world,
        "oo_confidence",
        score=trust,
        feedback=feedback,
        threshold=settings.threshold,
        gate="enforced" if settings.gate else "log_only",
        pass_=passes,
        reason_id=gate_reason(settings, passes),
    )
    good, bad = Decimal(tally.good) / 1000, Decimal(tally.bad) / 1000
    return say(world, "oo_feedback", good=good, bad=bad, bias=feedback)


def _say_plan(world: World) -> World:
    boot = world.running
    remain = max(boot.settings.budget - boot.applied, 0)
    reason = "ACTIVE" if remain else "EXHAUSTED"
    return say(
        world,
        "oo_plan",
        enabled=boot.settings.plan,
        max=boot.settings.budget,
        used=boot.applied,
        remain=remain,
        hard_stop=boot.is_hard_stopped,
        reason_id="OO_PLAN_HARD_STOP" if boot.is_hard_stopped else f"OO_PLAN_{reason}",
    )


def _say_consulted(world: World, since: int, trust: int) -> World:
    said = [event.marker for event in world.said[since:]]
    return say(
        world,
        "oo_consulted",
        mode=world.state.standing.mode,
        ctx=world.state.vitals.values[0],
        seq=world.state.vitals.values[1],
        applied=said.count("oo_applied"),
        simulated=said.count("oo_simulated"),
        blocked=said.count("oo_blocked") + said.count("oo_apply_failed"),
        score=trust,
        reason_id="OO_CONSULT_DONE",
    )


def consult(world: World, command: to.Consult) -> Worlds:
    if not world.running.settings.consult:
        yield refused(world)
        return
    advice = advised(command.phrases)
    tally, feedback = _worst(world, advice)
    trust = _trust(world, advice, feedback)
    world = _say_plan(_say_trust(world, trust, tally, feedback))
    if not advice.actions:
        world = say(world, "oo_decided", decision="ignored", reason_id="OO_NO_ACTIONABLE_KEYWORD")
    for after in _decide_all(world, advice.actions, trust):
        yield _say_consulted(after, len(world.said), trust)


def refused(world: World) -> World:
    return say(world, "oo_consult_refused", reason_id="OO_CONSULT_DISABLED")
