"""M12, M12.1: how sure advice must be, by boot phase, workload, and what came of actions before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from types import MappingProxyType

from pydantic import JsonValue

from tools.guardrails.captures import Boot
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts
from tools.guardrails.judges.loop import quality
from tools.guardrails.judges.loop.history import last_state, recorded_before, runs_like
from tools.guardrails.judges.loop.quality import effects_of, has_organism
from tools.guardrails.policy import Policy
from tools.guardrails.policy_file import threshold_in_force
from tools.guardrails.verdict import Finding, Judgement, Status, checked

NAME = "m12"


class Phase(StrEnum):
    """By the boots of the volume, as the guest counts them."""

    EARLY = "early"
    WARM = "warm"
    STEADY = "steady"


class Workload(StrEnum):
    """By the actions that were advised."""

    LATENCY = "latency_optimization"
    CONTEXT = "context_expansion"
    MIXED = "mixed"
    UNKNOWN = "unknown"


CELLS: Mapping[Workload, str] = MappingProxyType(
    {
        Workload.LATENCY: "adj_latency_optimization",
        Workload.CONTEXT: "adj_context_expansion",
        Workload.MIXED: "adj_mixed",
        Workload.UNKNOWN: "adj_unknown",
    }
)
"""The row of the policy that is a workload's addition to the threshold."""


@dataclass(frozen=True)
class Feedback:
    """What came of actions in the runs of the window that had any measured."""

    helpful: int
    neutral: int
    harmful: int

    @property
    def runs(self) -> int:
        return self.helpful + self.neutral + self.harmful

    @property
    def score(self) -> int:
        return self.helpful - self.harmful

    def delta(self, policy: Policy) -> int:
        """Added to a phase's threshold: more after harm, less after help."""
        if not policy.switch("outcome_adaptation"):
            return 0
        most = policy.integer("outcome_max_delta")
        size = min(most, abs(self.score) * policy.integer("outcome_adapt_step"))
        return -size if self.score > 0 else size


@dataclass(frozen=True)
class Lesson:
    """The threshold that one scenario's guest has earned."""

    scenario: str
    boot_count: int
    phase: Phase
    workload: Workload
    feedback: Feedback
    base: int
    adjustment: int
    delta: int
    threshold: int


def phase_of(boot_count: int, policy: Policy) -> Phase:
    forced = policy.word("boot_phase")
    if forced != "auto":
        return Phase(forced)
    if boot_count <= policy.integer("early_max_boots"):
        return Phase.EARLY
    return Phase.WARM if boot_count <= policy.integer("warm_max_boots") else Phase.STEADY


def workload_of(actions: Iterable[str], policy: Policy) -> Workload:
    forced = policy.word("workload_class")
    if forced != "auto":
        return Workload(forced)
    kinds = {action.partition("_")[0] for action in actions} & {"reduce", "increase"}
    if len(kinds) == 2:
        return Workload.MIXED
    return {"reduce": Workload.LATENCY, "increase": Workload.CONTEXT}.get(
        "".join(kinds), Workload.UNKNOWN
    )


def feedback_of(runs: Iterable[tuple[CaptureFacts, Status | None]], policy: Policy) -> Feedback:
    """Of runs with what m10 said of them; those without a measured effect say nothing."""
    said = [_label(facts, verdict, policy) for facts, verdict in runs if effects_of(facts)]
    return Feedback(said.count("helpful"), said.count("neutral"), said.count("harmful"))


def _label(facts: CaptureFacts, verdict: Status | None, policy: Policy) -> str:
    labels = effects_of(facts)
    harmful_pct = 100 * labels.count("harmful") / len(labels)
    if verdict == Status.FAIL or harmful_pct >= policy.integer("outcome_harmful_from_pct"):
        return "harmful"
    is_clean = harmful_pct <= policy.integer("outcome_helpful_up_to_pct")
    return "helpful" if is_clean and "helpful" in labels else "neutral"


def lesson(facts: CaptureFacts, feedback: Feedback, policy: Policy) -> Lesson:
    """The threshold of a capture in which the organism was on."""
    boot_count = max(boot.boot_count or 0 for boot in facts.boots)
    phase = phase_of(boot_count, policy)
    workload = workload_of((name for boot in facts.boots for name in boot.actions), policy)
    base, cell = policy.integer(f"{phase}_threshold"), policy.integer(CELLS[workload])
    delta = feedback.delta(policy)
    adjustment = cell + round(delta / 2)
    threshold = _within_bounds(_within_bounds(base + delta, policy) + adjustment, policy)
    scenario = facts.stratum.scenario
    return Lesson(
        scenario, boot_count, phase, workload, feedback, base, adjustment, delta, threshold
    )


def _within_bounds(threshold: int, policy: Policy) -> int:
    return max(policy.integer("min_threshold"), min(policy.integer("max_threshold"), threshold))


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError."""
    policy = evidence.policies[NAME]
    lessons = [_learn(evidence, facts) for facts in evidence.facts.values() if has_organism(facts)]
    findings = [_phase_known(lessons)]
    if policy.switch("outcome_adaptation"):
        findings.append(_feedback_known(lessons, policy))
    if used := _used(evidence):
        findings.append(_obeyed(used, _asked_for(evidence)))
    return Judgement(NAME, tuple(findings), _state(evidence, lessons))


def _learn(evidence: Evidence, facts: CaptureFacts) -> Lesson:
    policy = evidence.policies[NAME]
    reach = evidence.policies["m10"].integer("harm_reach")
    before = (
        (capture, record.verdicts.get("m10"))
        for record, capture in runs_like(evidence, facts, reach)
        if effects_of(capture)
    )
    now = [(facts, quality.judge(evidence).status)] if effects_of(facts) else []
    runs = chain(now, islice(before, policy.integer("outcome_adapt_window") - len(now)))
    return lesson(facts, feedback_of(runs, policy), policy)


def _state(evidence: Evidence, lessons: Sequence[Lesson]) -> Mapping[str, object]:
    """Of several guests the most careful one's threshold; without any, what was learnt before stays."""
    if not lessons:
        return last_state(evidence, NAME) or {}
    policy = evidence.policies[NAME]
    strictest = max(lessons, key=lambda each: each.threshold)
    return {
        "effective_threshold": strictest.threshold,
        "gate": policy.switch("turn_gate_on"),
        "of": strictest.scenario,
        "lessons": {each.scenario: _summary(each, policy) for each in lessons},
    }


def _summary(each: Lesson, policy: Policy) -> dict[str, JsonValue]:
    row = f"{each.phase}_threshold"
    return {
        "boot_count": each.boot_count,
        "phase": each.phase.value,
        "workload_class": each.workload.value,
        "base_threshold": each.base,
        "base_origin": f"{NAME}.{row} ({policy.origins[row]})",
        "workload_adjustment": each.adjustment,
        "outcome_delta": each.delta,
        "outcome_runs": each.feedback.runs,
        "outcome_helpful": each.feedback.helpful,
        "outcome_neutral": each.feedback.neutral,
        "outcome_harmful": each.feedback.harmful,
        "threshold": each.threshold,
    }


def _phase_known(lessons: Sequence[Lesson]) -> Finding:
    what = "boot_phase_is_known"
    if not lessons:
        says = "no boot had the organism on (oo_enable=1): what was learnt before stays"
        return Finding(what, Status.INSUFFICIENT, 0, 1, says)
    says = "; ".join(
        f"{each.scenario}: boot {each.boot_count} is {each.phase}, {each.workload}: {each.threshold}"
        for each in lessons
    )
    return Finding(what, Status.PASS, len(lessons), 1, says)


def _feedback_known(lessons: Sequence[Lesson], policy: Policy) -> Finding:
    what, minimum = "outcomes_are_known", policy.integer("outcome_min_runs")
    runs = sum(each.feedback.runs for each in lessons)
    if runs < minimum:
        says = f"expected at least {minimum} runs with measured effects, found {runs}: nothing is adapted"
        return Finding(what, Status.INSUFFICIENT, runs, minimum, says)
    says = "; ".join(_feedback_says(each) for each in lessons)
    return Finding(what, Status.PASS, runs, minimum, says)


def _feedback_says(each: Lesson) -> str:
    found = each.feedback
    counts = f"{found.helpful} helpful, {found.neutral} neutral, {found.harmful} harmful"
    return f"{each.scenario}: {counts} runs move the threshold by {each.delta:+d}"


def _used(evidence: Evidence) -> tuple[tuple[str, int, bool], ...]:
    """The threshold of each advice in boots under a whole policy file, where it is, and whether it could block."""
    return tuple(
        (boot.at(record), int(str(record["threshold"])), record["gate"] == "enforced")
        for boot in evidence.boots
        if _has_policy(boot)
        for record in boot.of("oo_confidence")
    )


def _has_policy(boot: Boot) -> bool:
    return any(record["reason_id"] == "POLICY_APPLIED" for record in boot.of("policy"))


def _asked_for(evidence: Evidence) -> int | None:
    """The threshold that the run before asked for; None when it left that to the operator."""
    record = recorded_before(evidence, evidence.policies["m10"].integer("harm_reach"))
    return threshold_in_force(record.states) if record else None


def _obeyed(used: Sequence[tuple[str, int, bool]], asked: int | None) -> Finding:
    """Did advice meet the threshold that the runs before asked for?"""
    what = "threshold_is_obeyed"
    if asked is None:
        says = "a policy file was in force, and no recorded run asked for a threshold: record runs to compare"
        return Finding(what, Status.INSUFFICIENT, 0, 1, says)
    problems = [
        (place, f"{place}: expected the gate at {asked}, found {_gate(threshold, is_enforced)}")
        for place, threshold, is_enforced in used
        if threshold != asked or not is_enforced
    ]
    return checked(what, len(used), problems, fine=f"every advice was measured against {asked}")


def _gate(threshold: int, is_enforced: bool) -> str:
    return f"it at {threshold}" if is_enforced else "it off"
