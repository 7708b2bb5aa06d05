"""M19 as a guardrail: the pack of this run against what was promoted, and what is said when nothing can be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools.guardrails.benchmark import judge as m19
from tools.guardrails.benchmark.corpus import SCENARIO, CorpusCase, load_corpus
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import BenchmarkError
from tools.guardrails.checkout import Checkout
from tools.guardrails.facts import capture_facts
from tools.guardrails.judges.testing import (
    SHA256,
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
from tools.guardrails.ledger.promotion import Promoted, Promotion
from tools.guardrails.verdict import Judgement, Status

CASES = load_corpus().cases
OF = Checkout("b" * 40, dirty=False)


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


def promoted(folder: Path, made: Scene = pack()) -> Promoted:
    """The results of a boot, promoted."""
    booted = capture(made, folder / "before")
    text = results_jsonl(booted, capture_facts(booted), load_corpus(), OF)
    promotion = Promotion(
        run=1, line_sha256=SHA256, commit=OF.commit, why="any", results_sha256=SHA256
    )
    return Promoted(promotion, text.encode())


def judged(folder: Path, made: Scene, baseline: Promoted | None) -> Judgement:
    return m19.judge(replace(evidence(folder / "now", made), promoted=baseline))


def test_a_pack_like_the_promoted_one_passes(tmp_path: Path) -> None:
    assert judged(tmp_path, pack(), promoted(tmp_path)).status == Status.PASS


def test_slower_cases_fail(tmp_path: Path) -> None:
    slow = finding(judged(tmp_path, pack(cycles=1200), promoted(tmp_path)), "no_case_slower")
    assert slow.status == Status.FAIL and "decode +20.0%" in slow.says


def test_a_case_that_is_lost_fails(tmp_path: Path) -> None:
    found = judged(tmp_path, pack(cases=len(CASES) - 1), promoted(tmp_path))
    lost = finding(found, "cases_answered")
    assert lost.status == Status.FAIL and CASES[-1].id in lost.says


def test_without_a_baseline_speed_is_not_judged(tmp_path: Path) -> None:
    judgement = judged(tmp_path, pack(), None)
    found = finding(judgement, "compared")
    assert found.status == Status.INSUFFICIENT and "baseline promote" in found.says
    assert finding(judgement, "cases_answered").status == Status.PASS
    assert judgement.status == Status.INSUFFICIENT


def test_without_a_baseline_a_case_that_is_lost_fails(tmp_path: Path) -> None:
    lost = finding(judged(tmp_path, pack(cases=len(CASES) - 2), None), "cases_answered")
    assert (lost.status, lost.places) == (Status.FAIL, (CASES[-2].id, CASES[-1].id))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"emulator": "another"}, "emulator: another and"),
        ({"seed": 7}, "seed: 7 and 42"),
        ({"corpus_sha256": "c" * 64}, "corpus_sha256: cccc"),
        ({"model": "dddddddd/9"}, "model: dddddddd/9 and"),
    ],
)
def test_a_baseline_of_another_kind_says_nothing(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    header, *cases = promoted(tmp_path).results.splitlines(keepends=True)
    other = json.dumps({**json.loads(header), **change}).encode() + b"\n"
    baseline = replace(promoted(tmp_path), results=b"".join([other, *cases]))
    judgement = judged(tmp_path, pack(), baseline)
    found = finding(judgement, "compared")
    assert found.status == Status.INSUFFICIENT and says in found.says
    assert judgement.status == Status.INSUFFICIENT


def test_a_baseline_that_was_spoilt_is_no_evidence(tmp_path: Path) -> None:
    spoilt = replace(promoted(tmp_path), results=b"{}\n")
    with pytest.raises(BenchmarkError, match="baseline-results.jsonl:1: header"):
        judged(tmp_path, pack(), spoilt)


def test_a_capture_that_is_no_pack_says_nothing(tmp_path: Path) -> None:
    twice = scene(SCENARIO, boot("version"), boot("version"))
    found = finding(judged(tmp_path, twice, promoted(tmp_path)), "compared")
    assert found.status == Status.INSUFFICIENT
    assert found.says == "expected a capture of one boot, found 2"
