"""Results of a pack: each case that the boot answered, and each that it did not, with why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.guardrails.benchmark.corpus import Corpus, CorpusCase, Sampling
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import (
    Answered,
    BenchmarkError,
    Failed,
    Results,
    read_results,
)
from tools.guardrails.checkout import Checkout
from tools.guardrails.facts import capture_facts
from tools.guardrails.judges.testing import Booted, Said, boot, capture, metrics, said, scene

CASES = tuple(
    CorpusCase(id=name, category="any", prompt=f"Say {name}.", max_new_tokens=8)
    for name in ("one", "two")
)
CORPUS = Corpus("c" * 64, Sampling(seed=42, temperature=0, top_p=1, top_k=0), CASES)  # type: ignore[arg-type]
OF = Checkout("a" * 40, dirty=False)
ONE = {
    "tokens": 5,
    "decode_calls": 4,
    "prompt_tokens": 9,
    "prefill_cycles": 90,
    "decode_cycles": 80,
}
TWO = {**ONE, "tokens": 6, "decode_calls": 5}


def turn(case: CorpusCase, tokens: int) -> tuple[Said | str, ...]:
    end = said("gen_end", tokens=tokens, total=12.5, ids=0xCAFE, reason="eos")
    return (f"You (autorun): {case.prompt}", "AI: well.", end)


def results(folder: Path, *boots: Booted) -> Results:
    made = capture(scene("benchmark", *boots), folder)
    return read_results(results_jsonl(made, capture_facts(made), CORPUS, OF).encode())


def whole(*lines: Said | str, generations: list[dict[str, int]]) -> Booted:
    return boot(*lines, "metrics_written", files={"LLMK_METRICS.LOG": metrics(generations)})


def test_each_answer_is_a_case(tmp_path: Path) -> None:
    made = whole(*turn(CASES[0], 5), *turn(CASES[1], 6), generations=[ONE, TWO])
    found = results(tmp_path, made)
    assert found.header.cases == ("one", "two") and found.header.commit == "a" * 40
    one, two = found.cases["one"], found.cases["two"]
    assert isinstance(one, Answered) and isinstance(two, Answered)
    assert (one.latency_ms, one.ids) == (12.5, "0000cafe")
    assert (one.prefill_tokens, one.prefill_cycles) == (9, 90)
    assert (one.decode_tokens, two.decode_tokens) == (4, 5)


def test_a_case_without_an_answer_failed_and_the_next_keeps_its_own(tmp_path: Path) -> None:
    made = whole(f"You (autorun): {CASES[0].prompt}", *turn(CASES[1], 6), generations=[TWO])
    found = results(tmp_path, made)
    one, two = found.cases["one"], found.cases["two"]
    assert isinstance(one, Failed) and "no answer ends after its prompt" in one.why
    assert isinstance(two, Answered) and two.decode_tokens == 5


def test_a_boot_that_ended_early_says_how(tmp_path: Path) -> None:
    hung = boot(*turn(CASES[0], 5), outcome="time_limit", exit_code=None)
    found = results(tmp_path, hung)
    assert found.header.model == "none"
    two = found.cases["two"]
    assert isinstance(two, Failed) and two.why.endswith("ended by time_limit")
    one = found.cases["one"]
    assert isinstance(one, Failed) and "no generation of 5 tokens" in one.why


def test_metrics_of_another_answer_are_not_taken(tmp_path: Path) -> None:
    made = whole(*turn(CASES[0], 5), *turn(CASES[1], 6), generations=[TWO, TWO])
    found = results(tmp_path, made)
    assert isinstance(found.cases["one"], Failed) and isinstance(found.cases["two"], Answered)


def test_a_prompt_within_an_answer_is_no_prompt(tmp_path: Path) -> None:
    made = whole(f"AI: You (autorun): {CASES[0].prompt}", *turn(CASES[1], 6), generations=[TWO])
    assert isinstance(results(tmp_path, made).cases["one"], Failed)


def test_a_pack_is_one_boot(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="expected a capture of one boot, found 2"):
        results(tmp_path, boot("version"), boot("version"))
