"""M16, M16.2: cycles a token of each answer, whether they fit together, and whether they have drifted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts, Generation
from tools.guardrails.judges.speed import comparison, metrics_integrity
from tools.guardrails.judges.speed.comparison import Comparison
from tools.guardrails.policy import Policy
from tools.guardrails.statistics import quantile
from tools.guardrails.verdict import Judgement

PHASES = ("prefill", "decode")
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError."""
    policy = evidence.policies["m16"]
    compared = comparisons(evidence)
    rejects = policy.switch("reject_on_drift")
    findings = (
        *metrics_integrity.findings(evidence, tolerance=policy.number("sum_tolerance")),
        *(comparison.finding(each, rejects=rejects) for each in compared),
    )
    state = {
        "cycles_per_token": {name: _summary(facts) for name, facts in evidence.facts.items()},
        "totals": metrics_integrity.totals(evidence),
        "comparisons": [each.to_state() for each in compared],
    }
    return Judgement("m16", findings, state)


def cycles_per_token(answer: Generation, phase: str) -> float | None:
    """Of a prompt, by its tokens; of an answer, by the tokens that the model ran for: the first comes of the prompt.

    None where there are none, or where no time was measured.
    """
    if phase == "prefill":
        cycles, tokens = answer.prefill_cycles, answer.prompt_tokens
    else:
        cycles, tokens = answer.decode_cycles, answer.decode_calls
    return cycles / tokens if cycles and tokens else None


def comparisons(evidence: Evidence) -> tuple[Comparison, ...]:
    """Cycles a token of each scenario and phase, against like runs before. Raises CaptureError, LedgerError."""
    policy = evidence.policies["m16"]
    return tuple(
        compared
        for facts in evidence.facts.values()
        for compared in _compared(evidence, policy, facts)
    )


def _compared(evidence: Evidence, policy: Policy, facts: CaptureFacts) -> Iterator[Comparison]:
    runs = evidence.baseline(facts, policy.integer("window_runs"))
    for phase in PHASES:
        yield Comparison(
            guardrail="m16",
            quantity=phase,
            unit="cycles a token",
            scenario=facts.stratum.scenario,
            now=_costs(facts, phase),
            runs=tuple(_costs(run, phase) for run in runs),
            rule=comparison.rule(policy, policy.number("drift_threshold"), samples="min_samples"),
        )


def _answers(facts: CaptureFacts) -> Iterator[tuple[str, Generation]]:
    for number, boot in enumerate(facts.boots, start=1):
        for answer, generation in enumerate(boot.generations, start=1):
            yield f"boot-{number}/answer-{answer}", generation


def _costs(facts: CaptureFacts, phase: str) -> dict[str, float]:
    return {
        place: cost
        for place, generation in _answers(facts)
        if (cost := cycles_per_token(generation, phase))
    }


def _summary(facts: CaptureFacts) -> Mapping[str, object]:
    costs = {phase: list(_costs(facts, phase).values()) for phase in PHASES}
    return {phase: _of(values) for phase, values in costs.items() if values}


def _of(values: list[float]) -> dict[str, float]:
    quantiles = {name: quantile(values, share) for name, share in _QUANTILES.items()}
    mean = sum(values) / len(values)
    return {
        "samples": len(values),
        "mean": mean,
        **quantiles,
        "least": min(values),
        "most": max(values),
    }
