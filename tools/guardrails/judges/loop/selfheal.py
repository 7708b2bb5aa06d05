"""M11, M11.1: from quarantine through a canary to release, over runs; the state goes on in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from pydantic import ValidationError

from tools.guardrails.errors import LedgerError
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts, CaptureFacts, Label
from tools.guardrails.judges.loop import quality
from tools.guardrails.judges.loop.history import is_repeated, last_state, recorded_before
from tools.guardrails.judges.loop.limits import Limits, limits_of
from tools.guardrails.judges.loop.quality import Quality, qualities, streak
from tools.guardrails.judges.loop.release import next_state
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
from tools.guardrails.judges.speed import latency
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, Status, checked

NAME = "m11"


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError."""
    before = state_before(evidence)
    found = qualities(evidence)
    seen = observe(evidence, before, found)
    step = next_state(before, seen, Rules.of(evidence.policies[NAME]))
    minimum = evidence.policies[NAME].integer("min_samples_for_release")
    findings = [_legal(evidence, step), _self_healing(step, seen, _samples(before, found), minimum)]
    asked = _asked_for(evidence, before)
    if asked != Mode.NORMAL:
        findings.append(_obeyed(evidence, asked))
    return Judgement(NAME, tuple(findings), step.after.model_dump(mode="json"))


def state_before(evidence: Evidence) -> State:
    """What the newest run left; NORMAL before the first. Raises LedgerError."""
    left = last_state(evidence, NAME)
    return State() if left is None else _read(left)


def _read(left: object) -> State:
    try:
        return State.model_validate(left)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (NAME, *first["loc"])))
        raise LedgerError(f"states.{place}: {first['msg']}: written by another version") from error


def observe(evidence: Evidence, before: State, found: Sequence[Quality]) -> Observation:
    """What this run and its windows show. Raises CaptureError, LedgerError."""
    policy = evidence.policies[NAME]
    minimum = policy.integer("min_samples_for_release")
    startups = latency.judge(evidence).status
    return Observation(
        quality=quality.judge(evidence).status,
        measured=_together(_measured(each, minimum) for each in found),
        shadow=_shadow(evidence, minimum),
        latency=startups,
        latency_window_stable=_started_well(startups, evidence.facts.values())
        and _latency_window(evidence, policy),
        quality_window_stable=_quality_window(evidence, policy),
        boots=len(_guests(evidence)),
        obeys=not _disobedient(evidence, _asked_for(evidence, before)),
        is_new=policy.switch("count_repeated_runs") or not _is_repeated(evidence),
    )


def _is_repeated(evidence: Evidence) -> bool:
    return is_repeated(evidence, evidence.policies["m10"].integer("harm_reach"))


def _asked_for(evidence: Evidence, before: State) -> Mode:
    """The mode that this run's boots were to be in: a run that is judged once more answers to what was before it."""
    if not _is_repeated(evidence):
        return before.mode
    record = recorded_before(evidence, evidence.policies["m10"].integer("harm_reach"))
    left = record.states.get(NAME) if record else None
    return _read(left).mode if left else Mode.NORMAL


def _guests(evidence: Evidence) -> tuple[tuple[str, BootFacts], ...]:
    """The boots in which the organism was on, and where they are."""
    return tuple(
        (f"{name}/boot-{number}", boot)
        for name, facts in evidence.facts.items()
        for number, boot in enumerate(facts.boots, start=1)
        if boot.boot_count is not None
    )


def _together(each: Iterable[Standing]) -> Standing:
    """Of several scenarios: bad if one is; good if one is and the others say nothing."""
    standings = set(each)
    for said in (Standing.BAD, Standing.GOOD):
        if said in standings:
            return said
    return Standing.UNKNOWN


def _measured(found: Quality, minimum: int) -> Standing:
    return _within(found.samples, found.harmful, found.streak, found.limits, minimum)


def _within(samples: int, harmful: int, in_a_row: int, limits: Limits, minimum: int) -> Standing:
    """By the share itself, with no regard to chance: the streak over runs and the windows see to that."""
    if samples < minimum:
        return Standing.UNKNOWN
    is_over = harmful * 100 > limits.harmful_pct * samples or in_a_row > limits.streak
    return Standing.BAD if is_over else Standing.GOOD


def _estimates(boots: Iterable[BootFacts]) -> tuple[Label, ...]:
    return tuple(label for boot in boots for label in boot.estimates)


def _shadow(evidence: Evidence, minimum: int) -> Standing:
    """Of simulated actions. Raises CaptureError."""
    return _together(
        _shadow_of(facts.boots, evidence.policies["m10"], minimum)
        for facts in evidence.facts.values()
    )


def _shadow_of(boots: Sequence[BootFacts], policy: Policy, minimum: int) -> Standing:
    labels = _estimates(boots)
    limits = limits_of([boot for boot in boots if boot.estimates], policy)
    return _within(len(labels), labels.count("harmful"), streak(labels), limits, minimum)


def _started_well(verdict: Status | None, captures: Iterable[CaptureFacts]) -> bool:
    """Startups were measured, and m9 did not fail them. A drift that cannot be judged yet, for want of runs to compare
    with, does not keep a young stratum in quarantine."""
    measured = (boot.prepare_us is not None for facts in captures for boot in facts.boots)
    return verdict in (Status.PASS, Status.INSUFFICIENT) and any(measured)


def _latency_window(evidence: Evidence, policy: Policy) -> bool:
    """Whether the runs before this one started well, and there are enough of them."""
    before = policy.integer("m9_stable_window") - 1
    started = [
        _started_well(record.verdicts.get("m9"), record.captures)
        for record in _last(evidence, before)
    ]
    return len(started) == before and all(started)


def _quality_window(evidence: Evidence, policy: Policy) -> bool:
    """Whether the runs before this one were good, and there are enough of them."""
    before = policy.integer("m10_stable_window") - 1
    were_good = [_was_good(record) for record in _last(evidence, before)]
    return len(were_good) == before and all(were_good)


def _last(evidence: Evidence, count: int) -> Iterable[RunRecord]:
    return islice(evidence.ledger.newest_first(), count)


def _was_good(record: RunRecord) -> bool:
    """A quarantined run has no effects to measure: what m11 made of its simulated ones stands for them. A canary's run
    that waits for effects is neither good nor bad: the next one's effects are taken together with its.
    """
    verdict = record.verdicts.get("m10")
    if NAME not in record.states or verdict == Status.FAIL:
        return verdict == Status.PASS
    left = _read(record.states[NAME])
    return left.standing == Standing.GOOD or left.action == Action.CANARY_WAIT


def _disobedient(evidence: Evidence, mode: Mode) -> tuple[tuple[str, str], ...]:
    """Boots that were not as free, or as bound, as the mode asks for: where, and what they did."""
    return tuple(
        (place, f"{place}: {problem}")
        for place, boot in _guests(evidence)
        if (problem := _disobedience(boot, mode))
    )


def _disobedience(boot: BootFacts, mode: Mode) -> str:
    if is_stopped(mode) and boot.applies:
        return f"expected no action to be applied in {mode}, found {len(boot.applies)}: boot it with the policy.cfg"
    if mode == Mode.CANARY and "POLICY_APPLIED" not in boot.reasons:
        return "expected the canary's policy.cfg to be in force, found none (no POLICY_APPLIED)"
    return ""


def _obeyed(evidence: Evidence, mode: Mode) -> Finding:
    problems = _disobedient(evidence, mode)
    fine = f"every boot was as {mode} asks for"
    return checked("mode_is_obeyed", len(_guests(evidence)), problems, fine=fine)


def _legal(evidence: Evidence, step: Transition) -> Finding:
    """The recorded steps of the window, and this one."""
    window = evidence.policies[NAME].integer("m10_stable_window") + 1
    records = [record for record in _last(evidence, window) if NAME in record.states]
    steps = [
        (f"run {newer.sequence}", Transition(_read(older.states[NAME]), _read(newer.states[NAME])))
        for newer, older in zip(records, records[1:])
    ]
    steps.append(("this run", step))
    problems = [
        (place, f"{place}: {each.after.mode} cannot follow {each.before.mode}")
        for place, each in steps
        if not each.is_legal
    ]
    fine = f"{step.before.mode} to {step.after.mode}"
    return checked("transitions_are_legal", len(steps), problems, fine=fine)


def _samples(before: State, found: Sequence[Quality]) -> int:
    if is_stopped(before.mode):
        return sum(each.simulated for each in found)
    return sum(each.samples for each in found)


def _self_healing(step: Transition, seen: Observation, samples: int, minimum: int) -> Finding:
    """A quarantine that goes on is no failure; a canary that was taken back is, and one that waits for a person."""
    after = step.after
    says = f"{step.before.mode} to {after.mode}, {after.action}: {after.reason}"
    return Finding("self_healing", _healing_status(step, seen), samples, minimum, says)


def _healing_status(step: Transition, seen: Observation) -> Status:
    after = step.after
    if after.action == Action.CANARY_ROLLBACK or after.mode == Mode.HELD:
        return Status.FAIL
    is_waiting = after.action == Action.CANARY_WAIT
    is_blind = is_waiting or after.standing == Standing.UNKNOWN or not seen.boots
    return Status.INSUFFICIENT if is_blind else Status.PASS
