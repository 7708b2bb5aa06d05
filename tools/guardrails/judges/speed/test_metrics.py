"""M16: metrics that do not fit together fail, and so do tokens that cost more than in like runs before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.guardrails.facts import CaptureFacts, Generation
from tools.guardrails.judges.speed.metrics import cycles_per_token, judge
from tools.guardrails.judges.testing import (
    Booted,
    Said,
    boot,
    evidence,
    finding,
    ledger_of,
    metrics,
    scene,
)
from tools.guardrails.ledger.store import NONE, Ledger
from tools.guardrails.verdict import Judgement, Status

PROMPTS = (4, 3, 60, 61, 22)
"""Tokens of the prompts: a token of a short one costs more."""
READ_BACK = {"read_back": ["LLMK_METRICS.LOG"]}

Answer = dict[str, int | str]


def _answer(
    prompt: int = 4, prefill: float = 1.3e9, decode: float = 2.2e9, changes: Answer | None = None
) -> Answer:
    """Ten tokens, for which the model ran nine times. `prefill` and `decode` are cycles a token."""
    cycles = {"prefill_cycles": round(prefill * prompt), "decode_cycles": round(decode * 9)}
    whole = sum(cycles.values())
    times = {**cycles, "loop_cycles": whole, "first_token_cycles": cycles["prefill_cycles"] + 10}
    counts = {"prompt_tokens": prompt, "tokens": 10, "decode_calls": 9, "overruns": 0}
    return {**counts, **times, "reason": "max_tokens", **(changes or {})}


def _totals(answers: list[Answer]) -> dict[str, int]:
    names = {
        "total_prefill_cycles": "prefill_cycles",
        "total_decode_cycles": "decode_cycles",
        "total_prefill_tokens": "prompt_tokens",
        "total_decode_tokens": "tokens",
        "total_decode_calls": "decode_calls",
    }
    sums = {name: sum(int(answer[of]) for answer in answers) for name, of in names.items()}
    counts = {"kv_cache_resets": 1, "sentinel_violations_total": 0}
    return {**sums, **counts, "generation_count": len(answers)}


def _spoken(answer: Answer, changes: Answer | None = None) -> Said:
    """What the console says of an answer, or says wrongly."""
    names = ("prompt_tokens", "tokens", "overruns", "reason")
    return Said("gen_end", {**{name: answer[name] for name in names}, **(changes or {})})


def _boot(*answers: Answer, **totals: object) -> Booted:
    """A boot whose console and metrics say the same, but for the totals given."""
    lines = [_spoken(answer) for answer in answers]
    text = metrics(answers, **{**_totals(list(answers)), **totals})
    return boot(*lines, "metrics_written", files={"LLMK_METRICS.LOG": text})


def _judged(folder: Path, *boots: Booted, ledger: Ledger = NONE, **given: object) -> Judgement:
    made = scene("chat", *boots, given={**READ_BACK, **given})
    return judge(evidence(folder / "now", made, ledger=ledger))


def _run(seed: int, *, prefill: float = 1.0, decode: float = 1.0, spread: float = 0.001) -> Booted:
    """A boot with an answer to each prompt; the factors are of the cycles a token."""
    noise = np.exp(spread * np.random.default_rng(seed).normal(size=(2, len(PROMPTS))))
    return _boot(
        *(
            _answer(
                prompt,
                prefill * (1e9 + 1.3e9 / prompt) * noise[0, at],
                decode * 2.2e9 * noise[1, at],
            )
            for at, prompt in enumerate(PROMPTS)
        )
    )


def _facts(folder: Path, made: Booted) -> CaptureFacts:
    return evidence(folder, scene("chat", made, given=READ_BACK)).facts["chat"]


def _history(folder: Path, runs: int) -> Ledger:
    """Earlier runs; each is another image, so that none is another's copy."""
    facts = [
        _facts(folder / str(seed), _run(seed)).model_copy(update={"identity": str(seed)})
        for seed in range(runs)
    ]
    return ledger_of(folder / "ledger", *([each] for each in facts))


def test_metrics_that_fit_together_pass(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _run(1), _run(2), ledger=NONE)
    whole = [each for each in judgement.findings if "drift" not in each.what]
    assert {each.status for each in whole} == {Status.PASS}
    assert {each.samples for each in whole} == {2, 10}


BAD_ANSWERS: dict[str, Answer] = {
    "phases_sum_up": {"loop_cycles": 40_000_000_000},
    "counts_fit": {"decode_calls": 3},
    "overruns_have_a_reason": {"overruns": 2},
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_an_answer_that_does_not_fit_fails_alone_and_is_named(tmp_path: Path, what: str) -> None:
    judgement = _judged(tmp_path, _boot(_answer(), _answer(changes=BAD_ANSWERS[what]), _answer()))
    failed = [each for each in judgement.findings if each.status == Status.FAIL]
    assert [each.what for each in failed] == [what]
    assert failed[0].places == ("chat/boot-1/answer-2",)
    assert failed[0].samples == 3


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"prefill_cycles": 0, "loop_cycles": 19_800_000_000}, "phases_sum_up"),
        ({"loop_cycles": 0}, "phases_sum_up"),
        ({"first_token_cycles": 1}, "phases_sum_up"),
        ({"first_token_cycles": 90_000_000_000}, "phases_sum_up"),
        ({"prompt_tokens": 0}, "counts_fit"),
        ({"decode_calls": 11}, "counts_fit"),
        ({"decode_cycles": 0, "loop_cycles": 5_200_000_000}, "counts_fit"),
        ({"reason": "budget_guard"}, "overruns_have_a_reason"),
    ],
)
def test_impossible_measurements_fail(tmp_path: Path, changes: Answer, what: str) -> None:
    found = finding(_judged(tmp_path, _boot(_answer(changes=changes))), what)
    assert found.status == Status.FAIL


@pytest.mark.parametrize(("off_by", "status"), [(0.0099, Status.PASS), (0.0101, Status.FAIL)])
def test_the_sum_may_be_off_by_a_hundredth(tmp_path: Path, off_by: float, status: Status) -> None:
    answer = _answer()
    loop = round(int(answer["loop_cycles"]) / (1 - off_by))
    judgement = _judged(tmp_path, _boot({**answer, "loop_cycles": loop}))
    assert finding(judgement, "phases_sum_up").status == status


def test_the_sum_may_be_off_by_just_a_hundredth(tmp_path: Path) -> None:
    changes: Answer = {"prefill_cycles": 40, "decode_cycles": 59, "loop_cycles": 100}
    judgement = _judged(tmp_path, _boot(_answer(changes={**changes, "first_token_cycles": 41})))
    assert finding(judgement, "phases_sum_up").status == Status.PASS


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": 0, "decode_calls": 0, "first_token_cycles": 0, "decode_cycles": 9},
        {"tokens": 1, "decode_calls": 0},
        {"tokens": 10, "decode_calls": 10, "reason": "eos"},
    ],
)
def test_answers_of_one_token_or_none_fit(tmp_path: Path, changes: Answer) -> None:
    judgement = _judged(tmp_path, _boot(_answer(changes=changes)))
    assert finding(judgement, "counts_fit").status == Status.PASS


@pytest.mark.parametrize(
    ("config", "status"),
    [
        (["guardrails=1"], Status.PASS),
        (["strict_budget=on"], Status.PASS),
        (["guardrails=0"], Status.FAIL),
        (["guardrails=1", "guardrails=off"], Status.FAIL),
        ([], Status.FAIL),
    ],
)
def test_overruns_need_a_deadline(tmp_path: Path, config: list[str], status: Status) -> None:
    late = _answer(changes={"overruns": 9, "reason": "budget_guard"})
    judgement = _judged(tmp_path, _boot(late), config=config)
    assert finding(judgement, "overruns_have_a_reason").status == status


def test_more_overruns_than_tokens_fail_also_with_a_deadline(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _boot(_answer(changes={"overruns": 10})), config=["guardrails=1"])
    assert finding(judgement, "overruns_have_a_reason").status == Status.FAIL


@pytest.mark.parametrize("name", ["prompt_tokens", "tokens", "overruns", "reason"])
def test_metrics_and_console_must_say_the_same(tmp_path: Path, name: str) -> None:
    answer = _answer()
    other = "eos" if name == "reason" else 7
    made = _boot(answer)
    spoken = boot(_spoken(answer, {name: other}), "metrics_written", files=made.files)
    found = finding(_judged(tmp_path, spoken), "metrics_match_console")
    assert found.status == Status.FAIL
    assert name in found.says


def test_metrics_that_an_earlier_boot_left_are_not_this_one_s(tmp_path: Path) -> None:
    left = _boot(_answer(), _answer())
    silent = boot(_spoken(_answer()), _spoken(_answer()), files=left.files)
    judgement = _judged(tmp_path, left, silent)
    assert finding(judgement, "metrics_match_console").samples == 2
    found = finding(judgement, "metrics_exported")
    assert found.status == Status.FAIL
    assert found.places == ("chat/boot-2",)


def test_a_boot_that_owes_its_metrics_fails(tmp_path: Path) -> None:
    silent = boot(_spoken(_answer()))
    found = finding(_judged(tmp_path, _boot(_answer()), silent), "metrics_exported")
    assert found.status == Status.FAIL
    assert found.places == ("chat/boot-2",)


def test_metrics_that_were_not_asked_for_are_missing_evidence(tmp_path: Path) -> None:
    silent = boot(_spoken(_answer()))
    judgement = _judged(tmp_path, silent, read_back=[])
    assert {each.status for each in judgement.findings} == {Status.INSUFFICIENT}


def test_without_answers_nothing_passes(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, boot("version"))
    assert {each.status for each in judgement.findings} == {Status.INSUFFICIENT}
    assert finding(judgement, "metrics_exported").says == "no boot answered"


@pytest.mark.parametrize("name", _totals([]))
def test_totals_are_those_of_the_answers(tmp_path: Path, name: str) -> None:
    wrong = _boot(_answer(), _answer(), **{name: 12345})
    is_free = name in ("kv_cache_resets", "sentinel_violations_total")
    found = finding(_judged(tmp_path, wrong), "totals_are_sums")
    assert found.status == (Status.PASS if is_free else Status.FAIL)


def test_metrics_without_totals_fail(tmp_path: Path) -> None:
    made = boot(
        _spoken(_answer()),
        "metrics_written",
        files={"LLMK_METRICS.LOG": metrics([_answer()])},
    )
    found = finding(_judged(tmp_path, made), "totals_are_sums")
    assert found.status == Status.FAIL
    assert "total_prefill_cycles" in found.says


def test_of_a_long_session_the_last_answers_are_kept(tmp_path: Path) -> None:
    answers = [_answer(prompt=3 + at) for at in range(70)]
    lines = [_spoken(answer) for answer in answers]
    text = metrics(answers[-64:], **_totals(answers))
    made = boot(*lines, "metrics_written", files={"LLMK_METRICS.LOG": text})
    judgement = _judged(tmp_path, made)
    assert finding(judgement, "metrics_match_console").status == Status.PASS
    assert finding(judgement, "totals_are_sums").status == Status.PASS


def test_a_session_of_as_many_answers_as_are_kept_is_whole(tmp_path: Path) -> None:
    made = _boot(*[_answer()] * 64, total_decode_tokens=641)
    found = finding(_judged(tmp_path, made), "totals_are_sums")
    assert found.status == Status.FAIL
    assert found.says.endswith("total_decode_tokens is 641, its answers have 640")


def test_the_first_token_is_the_prompts() -> None:
    answer = Generation.model_validate(_answer(prompt=4, prefill=100, decode=50))
    assert cycles_per_token(answer, "prefill") == 100
    assert cycles_per_token(answer, "decode") == 50
    alone = Generation.model_validate(_answer(changes={"tokens": 1, "decode_calls": 0}))
    assert cycles_per_token(alone, "decode") is None


def test_costs_as_before_pass(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _run(99), ledger=_history(tmp_path, 5))
    assert judgement.status == Status.PASS
    found = finding(judgement, "decode_drift_of_chat")
    assert (found.samples, found.minimum) == (5, 3)


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_a_slower_phase_fails_and_the_other_one_passes(tmp_path: Path, phase: str) -> None:
    """Prompts differ by 40 % a token; a slowdown of 25 % is seen all the same."""
    slower = _run(99, prefill=1.25) if phase == "prefill" else _run(99, decode=1.25)
    judgement = _judged(tmp_path, slower, ledger=_history(tmp_path, 5))
    failed = [each.what for each in judgement.findings if each.status == Status.FAIL]
    assert failed == [f"{phase}_drift_of_chat"]
    assert "+25" in finding(judgement, failed[0]).says


def test_a_slowdown_within_the_limit_passes(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _run(99, decode=1.15), ledger=_history(tmp_path, 5))
    assert finding(judgement, "decode_drift_of_chat").status == Status.PASS


def test_a_speedup_passes_and_is_told(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _run(99, decode=0.7), ledger=_history(tmp_path, 5))
    found = finding(judgement, "decode_drift_of_chat")
    assert found.status == Status.PASS
    assert found.says.startswith("faster: the median moved by -30.0%")


def test_a_drift_can_be_told_only(tmp_path: Path) -> None:
    made = scene("chat", _run(99, decode=1.5), given=READ_BACK)
    given = evidence(
        tmp_path / "now",
        made,
        ledger=_history(tmp_path, 5),
        settings=["m16.reject_on_drift=false"],
    )
    found = finding(judge(given), "decode_drift_of_chat")
    assert found.status == Status.PASS
    assert found.says.startswith("slower")


def test_a_lost_answer_is_not_faster(tmp_path: Path) -> None:
    answers = [_answer(prompt) for prompt in PROMPTS[:-1]]
    judgement = _judged(tmp_path, _boot(*answers), ledger=_history(tmp_path, 5))
    found = finding(judgement, "decode_drift_of_chat")
    assert found.status == Status.FAIL
    assert found.places == ("chat/boot-1/answer-5",)


@pytest.mark.parametrize(("alpha", "is_enough"), [("0.03125", False), ("0.0313", True)])
def test_the_least_p_must_be_below_the_level(tmp_path: Path, alpha: str, is_enough: bool) -> None:
    """Three answers, three runs: 2/64 is 0.03125."""
    made = _boot(*[_answer(prompt) for prompt in PROMPTS[:3]])
    facts = _facts(tmp_path / "facts", made)
    copies = [[facts.model_copy(update={"identity": str(at)})] for at in range(3)]
    given = evidence(
        tmp_path / "now",
        scene("chat", made, given=READ_BACK, image_sha256="1" * 64),
        ledger=ledger_of(tmp_path / "ledger", *copies),
        settings=[f"m16.drift_alpha={alpha}"],
    )
    status = finding(judge(given), "decode_drift_of_chat").status
    assert status == (Status.PASS if is_enough else Status.INSUFFICIENT)


@pytest.mark.parametrize("runs", [0, 2])
def test_few_runs_before_are_too_little(tmp_path: Path, runs: int) -> None:
    judgement = _judged(tmp_path, _run(99, decode=3.0), ledger=_history(tmp_path, runs))
    found = finding(judgement, "decode_drift_of_chat")
    assert (found.status, found.samples, found.minimum) == (Status.INSUFFICIENT, runs, 3)


def test_measurements_that_chance_could_always_explain_are_too_few(tmp_path: Path) -> None:
    """Three answers against three runs: each of 64 arrangements is as likely, so that p is at least 2/64."""
    answers = [_answer(prompt, decode=6e9) for prompt in PROMPTS[:3]]
    made = _boot(*[_answer(prompt) for prompt in PROMPTS[:3]])
    facts = _facts(tmp_path / "facts", made)
    copies = [[facts.model_copy(update={"identity": str(at)})] for at in range(3)]
    ledger = ledger_of(tmp_path / "ledger", *copies)
    found = finding(_judged(tmp_path, _boot(*answers), ledger=ledger), "decode_drift_of_chat")
    assert found.status == Status.INSUFFICIENT
    assert "cannot be told from chance" in found.says


def test_the_window_is_applied(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _run(99), ledger=_history(tmp_path, 12))
    assert finding(judgement, "decode_drift_of_chat").samples == 10


def test_the_state_has_quantiles_a_phase_and_scenario(tmp_path: Path) -> None:
    answers = [_answer(decode=cost) for cost in (1e9, 2e9, 3e9)]
    state = judge(evidence(tmp_path, scene("chat", _boot(*answers), given=READ_BACK))).state
    costs = state["cycles_per_token"]
    assert isinstance(costs, dict)
    decode = costs["chat"]["decode"]
    assert (decode["samples"], decode["p50"], decode["least"], decode["most"]) == (3, 2e9, 1e9, 3e9)
    assert decode["p95"] == pytest.approx(2.9e9)
    assert decode["p99"] == pytest.approx(2.98e9)


def test_the_state_has_the_totals_of_the_boots_that_left_metrics(tmp_path: Path) -> None:
    boots = (_boot(_answer(), _answer()), _boot(_answer()), boot("version"))
    state = judge(evidence(tmp_path, scene("chat", *boots, given=READ_BACK))).state
    counts = {"boots": 2, "generation_count": 3, "kv_cache_resets": 2, "sentinel_violations": 0}
    assert state["totals"] == {"chat": counts}


def test_the_first_token_may_come_right_at_the_end_of_the_prompt(tmp_path: Path) -> None:
    changes: Answer = {"prefill_cycles": 50, "decode_cycles": 50, "loop_cycles": 100}
    for first in (50, 100):
        answer = _answer(changes={**changes, "first_token_cycles": first})
        judgement = _judged(tmp_path / str(first), _boot(answer))
        assert finding(judgement, "phases_sum_up").status == Status.PASS
