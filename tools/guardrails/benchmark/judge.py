"""M19 as a guardrail: this run's benchmark pack against the promoted one."""

from __future__ import annotations

from pathlib import Path

from tools.guardrails.benchmark.compare import compare
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import BenchmarkError, Results, read_results
from tools.guardrails.checkout import Checkout
from tools.guardrails.evidence import Evidence
from tools.guardrails.verdict import Finding, Judgement, Status

BASELINE = Path("tools/guardrails/benchmark/baseline.jsonl")
"""The promoted results.jsonl, which `reliability baseline promote` writes."""

_UNNAMED = Checkout("0" * 40, dirty=False)
"""A verdict is made of captures, which name no commit."""


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, BenchmarkError: the baseline is there, and no results."""
    if not BASELINE.exists():
        says = "expected promoted results, found none: reliability baseline promote makes them"
        return Judgement("m19", (Finding("baseline", Status.INSUFFICIENT, 0, 1, says),), {})
    baseline = read_results(BASELINE.read_bytes(), str(BASELINE))
    try:
        return compare(baseline, _results(evidence), evidence.policies["m19"]).judgement
    except BenchmarkError as error:
        says = f"{error}. Promote results of this kind to compare with"
        return Judgement("m19", (Finding("alike", Status.INSUFFICIENT, 0, 1, says),), {})


def _results(evidence: Evidence) -> Results:
    capture, facts = evidence.captures[SCENARIO], evidence.facts[SCENARIO]
    return read_results(results_jsonl(capture, facts, load_corpus(), _UNNAMED).encode())
