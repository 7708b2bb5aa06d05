"""M19 as a guardrail: this run's benchmark pack against the promoted one."""

from __future__ import annotations

from tools.guardrails.benchmark.compare import compare
from tools.guardrails.benchmark.corpus import SCENARIO, Corpus, load_corpus
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import (
    BenchmarkError,
    Failed,
    Results,
    check_alike,
    read_results,
)
from tools.guardrails.checkout import Checkout
from tools.guardrails.evidence import Evidence
from tools.guardrails.ledger.promotion import RESULTS
from tools.guardrails.verdict import Finding, Judgement, Status, checked

_UNNAMED = Checkout("0" * 40, dirty=False)
"""A verdict is made of captures, which name no commit."""


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, BenchmarkError: promoted results or a corpus that cannot be read.

    Packs that are not alike are no error here: with a new emulator or corpus there is nothing to compare with yet.
    """
    corpus = load_corpus()
    try:
        now = _results(evidence, corpus)
    except BenchmarkError as error:
        return Judgement("m19", (_lacking(str(error)),))
    if evidence.promoted is None:
        return _alone(now, "expected promoted results, found none: reliability baseline promote")
    baseline = read_results(evidence.promoted.results, RESULTS)
    try:
        check_alike(baseline.header, now.header)
    except BenchmarkError as error:
        return _alone(now, f"{error}. Promote results of this kind: reliability baseline promote")
    return compare(baseline, now, evidence.policies["m19"]).judgement


def _results(evidence: Evidence, corpus: Corpus) -> Results:
    """Raises BenchmarkError: the capture is of another number of boots than one."""
    capture, facts = evidence.captures[SCENARIO], evidence.facts[SCENARIO]
    return read_results(results_jsonl(capture, facts, corpus, _UNNAMED).encode(), SCENARIO)


def _alone(now: Results, lacking: str) -> Judgement:
    """What can be said without a baseline: whether every case has an answer."""
    failed = [(each.case_id, each.why) for each in now.cases.values() if isinstance(each, Failed)]
    total = len(now.header.cases)
    answered = checked("cases_answered", total, failed, fine=f"all of {total} cases")
    return Judgement("m19", (answered, _lacking(lacking)))


def _lacking(says: str) -> Finding:
    return Finding("compared", Status.INSUFFICIENT, 0, 1, says)
