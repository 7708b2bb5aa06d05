"""M19 as a guardrail: the pack of this run against what was promoted, and what is said when nothing can be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.guardrails.benchmark import judge as m19
from tools.guardrails.benchmark.corpus import SCENARIO, CorpusCase, load_corpus
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import BenchmarkError
from tools.guardrails.checkout import Checkout
from tools.guardrails.facts import capture_facts
from tools.guardrails.judges.testing import (
    Said,
    Scene,
    boot,
    capture,
    evidence,
    finding,
    metrics,
    said,
    scene,
)
from tools.guardrails.verdict import Judgement, Status

CASES = load_corpus().cases


def turn(case: CorpusCase) -> tuple[Said | str, ...]:
    end = said("gen_end", tokens=5, total=100.0, ids=0xCAFE, reason="eos")
    return (f"You (autorun): {case.prompt}", "AI: well.", end)


def pack(cycles: int = 1000, cases: int = len(CASES)) -> Scene:
    """A boot that answers so many cases, each of 4 decode steps of so many cycles."""
    generation = {"tokens": 5, "decode_calls": 4, "decode_cycles": 4 * cycles}
    generations = [{**generation, "prompt_tokens": 9, "prefill_cycles": 900}] * cases
    lines = [line for case in CASES[:cases] for line in turn(case)]
    files = {"LLMK_METRICS.LOG": metrics(generations)}
    return scene(SCENARIO, boot(*lines, "metrics_written", files=files))


@pytest.fixture
def baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = capture(pack(), tmp_path / "before")
    text = results_jsonl(made, capture_facts(made), load_corpus(), Checkout("b" * 40, dirty=False))
    path = tmp_path / "baseline.jsonl"
    path.write_text(text)
    monkeypatch.setattr(m19, "BASELINE", path)
    return path


def judged(folder: Path, made: Scene) -> Judgement:
    return m19.judge(evidence(folder / "now", made))


def test_a_pack_like_the_promoted_one_passes(tmp_path: Path, baseline: Path) -> None:
    assert judged(tmp_path, pack()).status == Status.PASS


def test_slower_cases_fail(tmp_path: Path, baseline: Path) -> None:
    slow = finding(judged(tmp_path, pack(cycles=1200)), "no_case_slower")
    assert slow.status == Status.FAIL and "decode +20.0%" in slow.says


def test_a_case_that_is_lost_fails(tmp_path: Path, baseline: Path) -> None:
    lost = finding(judged(tmp_path, pack(cases=len(CASES) - 1)), "cases_answered")
    assert lost.status == Status.FAIL and CASES[-1].id in lost.says


def test_without_a_baseline_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(m19, "BASELINE", tmp_path / "none.jsonl")
    found = finding(judged(tmp_path, pack()), "baseline")
    assert found.status == Status.INSUFFICIENT and "baseline promote" in found.says


def test_a_baseline_of_another_emulator_says_nothing(tmp_path: Path, baseline: Path) -> None:
    header, *cases = baseline.read_text().splitlines()
    other = json.dumps({**json.loads(header), "emulator": "another"})
    baseline.write_text("\n".join([other, *cases, ""]))
    found = finding(judged(tmp_path, pack()), "alike")
    assert found.status == Status.INSUFFICIENT and "emulator: another and" in found.says


def test_a_baseline_that_was_spoilt_is_no_evidence(tmp_path: Path, baseline: Path) -> None:
    baseline.write_text("{}\n")
    with pytest.raises(BenchmarkError, match="baseline.jsonl:1: header"):
        judged(tmp_path, pack())
