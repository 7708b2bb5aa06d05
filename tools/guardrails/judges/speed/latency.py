"""M9, M9.1: startups within their budgets, and no slower than those of like runs before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts, CaptureFacts
from tools.guardrails.judges.speed import comparison
from tools.guardrails.judges.speed.comparison import Comparison
from tools.guardrails.policy import Policy
from tools.guardrails.statistics import median
from tools.guardrails.verdict import Finding, Judgement, Status, checked


@dataclass(frozen=True)
class Phase:
    """One of the two latencies, and the rows of the policy that are about it."""

    name: str
    budget: str
    drift: str

    def of(self, boot: BootFacts) -> float | None:
        """Milliseconds."""
        microseconds = boot.select_us if self.name == "select" else boot.prepare_us
        return None if microseconds is None else microseconds / 1000


PHASES = (
    Phase("select", "max_model_select_ms", "max_select_drift_pct"),
    Phase("prepare", "max_model_prepare_ms", "max_prepare_drift_pct"),
)


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError."""
    policy = evidence.policies["m9"]
    findings = [_within_budget(evidence, policy, phase) for phase in PHASES]
    if policy.switch("drift_check"):
        findings += _drifts(evidence)
    state = {name: _summary(facts) for name, facts in evidence.facts.items()}
    return Judgement("m9", tuple(findings), {"startups": state})


def comparisons(evidence: Evidence) -> tuple[Comparison, ...]:
    """Startups of each scenario that boots often enough, against like runs before. Raises CaptureError, LedgerError."""
    policy = evidence.policies["m9"]
    return tuple(
        compared
        for facts in evidence.facts.values()
        if len(facts.boots) >= policy.integer("min_boots")
        for compared in _compared(evidence, policy, facts)
    )


def _compared(evidence: Evidence, policy: Policy, facts: CaptureFacts) -> Iterator[Comparison]:
    runs = evidence.baseline(facts, policy.integer("drift_window"))
    for phase in PHASES:
        yield Comparison(
            guardrail="m9",
            quantity=phase.name,
            unit="ms",
            scenario=facts.stratum.scenario,
            now=_startups(facts, phase),
            runs=tuple(_startups(run, phase) for run in runs),
            rule=comparison.rule(policy, policy.integer(phase.drift) / 100, samples="min_boots"),
        )


def _startups(facts: CaptureFacts, phase: Phase) -> dict[str, float]:
    """By boot. A startup of no time is a clock that stood still, and no measurement."""
    return {
        f"boot-{number}": time
        for number, boot in enumerate(facts.boots, start=1)
        if (time := phase.of(boot))
    }


def _drifts(evidence: Evidence) -> list[Finding]:
    found = [comparison.finding(each, rejects=True) for each in comparisons(evidence)]
    if found:
        return found
    boots = evidence.policies["m9"].integer("min_boots")
    most = max((len(facts.boots) for facts in evidence.facts.values()), default=0)
    says = f"expected a scenario of at least {boots} boots to compare, found one of {most}"
    return [Finding("drift", Status.INSUFFICIENT, most, boots, says)]


def _summary(facts: CaptureFacts) -> dict[str, object]:
    startups = {phase.name: list(_startups(facts, phase).values()) for phase in PHASES}
    return {
        f"{name}_ms": {"samples": len(values), "median": median(values), "most": max(values)}
        for name, values in startups.items()
        if values
    }


def _within_budget(evidence: Evidence, policy: Policy, phase: Phase) -> Finding:
    budget = policy.integer(phase.budget)
    timed = list(_timed(evidence, phase))
    slow = [
        (place, f"{place}: expected {phase.name} within {budget} ms, found {time} ms")
        for place, time in timed
        if time > budget
    ]
    most = max((time for _, time in timed), default=0.0)
    return checked(
        f"{phase.name}_within_budget", len(timed), slow, fine=f"at most {most} ms of {budget} ms"
    )


def _timed(evidence: Evidence, phase: Phase) -> Iterator[tuple[str, float]]:
    for name, facts in evidence.facts.items():
        for number, boot in enumerate(facts.boots, start=1):
            if (time := phase.of(boot)) is not None:
                yield f"{name}/boot-{number}", time
