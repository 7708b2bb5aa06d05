"""M17: the page says NO_BASELINE, PASS, WARN or FAIL for what it has seen, the same text everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tools.guardrails.errors import PolicyError
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.speed.ci_report import (
    Report,
    Row,
    State,
    judge,
    report,
)
from tools.guardrails.judges.testing import (
    boot,
    evidence,
    finding,
    ledger_of,
    metrics,
    said,
    scene,
)
from tools.guardrails.report import state_json
from tools.guardrails.verdict import Status

ROW = Row(
    "m16", "decode", "chat", "cycles a token", State.PASS, 3, 5, 3, 2.2e9, 0.01, 0.5, "steady"
)


def _run(folder: Path, factor: float, **more: object) -> Evidence:
    """Six boots that start and answer, `factor` times as slow as those of another run."""
    answer = {
        "prompt_tokens": 4,
        "tokens": 10,
        "decode_calls": 9,
        "prefill_cycles": round(4e9 * factor),
        "decode_cycles": round(18e9 * factor),
        "loop_cycles": round(22e9 * factor),
        "first_token_cycles": round(4.1e9 * factor),
    }
    start = said(
        "obs_startup", model_select=round(150 * factor, 3), model_prepare=round(3000 * factor, 3)
    )
    spoken = said("gen_end", prompt_tokens=4, tokens=10, reason="eos")
    made = boot(start, spoken, "metrics_written", files={"LLMK_METRICS.LOG": metrics([answer])})
    return evidence(folder, scene("organism", *[made] * 6), **more)  # type: ignore[arg-type] # of evidence()


def _compared(folder: Path, factor: float, *settings: str, runs: int = 5) -> Evidence:
    facts = [
        _run(folder / str(at), 1 + at / 1000)
        .facts["organism"]
        .model_copy(update={"identity": str(at)})
        for at in range(runs)
    ]
    ledger = ledger_of(folder / "ledger", *([each] for each in facts))
    return _run(folder / "now", factor, ledger=ledger, settings=settings)


@pytest.mark.parametrize(
    ("factor", "state", "status"),
    [
        (1.0, State.PASS, Status.PASS),
        (1.12, State.PASS, Status.PASS),
        (1.2, State.WARN, Status.PASS),
        (1.29, State.WARN, Status.PASS),
        (1.35, State.FAIL, Status.FAIL),
        (0.5, State.PASS, Status.PASS),
    ],
)
def test_thresholds_make_the_state(
    tmp_path: Path, factor: float, state: State, status: Status
) -> None:
    given = _compared(tmp_path, factor)
    assert {row.state for row in report(given).rows} == {state}
    judgement = judge(given)
    assert judgement.state["state"] == state
    assert judgement.status == status


def test_startups_and_cycles_are_on_the_page(tmp_path: Path) -> None:
    rows = report(_compared(tmp_path, 1.0)).rows
    assert [(row.guardrail, row.quantity) for row in rows] == [
        ("m9", "select"),
        ("m9", "prepare"),
        ("m16", "prefill"),
        ("m16", "decode"),
    ]


def test_a_speedup_is_told(tmp_path: Path) -> None:
    found = finding(judge(_compared(tmp_path, 0.5)), "m16_decode_of_organism")
    assert found.says == "PASS: -50.1% faster"


def test_without_a_baseline_nothing_passes(tmp_path: Path) -> None:
    judgement = judge(_compared(tmp_path, 5.0, runs=2))
    assert judgement.state["state"] == State.NO_BASELINE
    assert {each.status for each in judgement.findings} == {Status.INSUFFICIENT}
    assert {(each.samples, each.minimum) for each in judgement.findings} == {(2, 3)}


def test_the_gate_can_be_off_and_the_state_is_fail_all_the_same(tmp_path: Path) -> None:
    judgement = judge(_compared(tmp_path, 1.5, "m17.fail_on_drift=false"))
    assert judgement.status == Status.PASS
    assert judgement.state["state"] == State.FAIL
    assert finding(judgement, "m9_prepare_of_organism").says.startswith("FAIL: +")


def test_a_lost_measurement_fails(tmp_path: Path) -> None:
    given = _compared(tmp_path, 1.0)
    boots = given.captures["organism"]
    fewer = replace(boots, boots=boots.boots[:-1])
    judgement = judge(replace(given, captures={"organism": fewer}))
    found = finding(judgement, "m9_prepare_of_organism")
    assert found.status == Status.FAIL
    assert found.says.endswith("boot-6 is lost")


def test_thresholds_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    given = _compared(tmp_path, 1.0, "m17.warn_threshold=0.5")
    with pytest.raises(PolicyError, match="expected fail_threshold at or above warn_threshold 0.5"):
        judge(given)


def test_one_threshold_for_both_is_allowed(tmp_path: Path) -> None:
    given = _compared(tmp_path, 1.35, "m17.warn_threshold=0.30")
    assert judge(given).state["state"] == State.FAIL


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([], State.NO_BASELINE),
        ([State.PASS, State.PASS], State.PASS),
        ([State.NO_BASELINE, State.PASS], State.NO_BASELINE),
        ([State.WARN, State.NO_BASELINE], State.WARN),
        ([State.WARN, State.FAIL, State.PASS], State.FAIL),
    ],
)
def test_the_page_is_as_bad_as_its_worst_row(states: list[State], state: State) -> None:
    rows = tuple(replace(ROW, state=each) for each in states)
    assert Report(rows, 0.15, 0.3).state == state


def test_the_state_is_for_machines(tmp_path: Path) -> None:
    judgement = judge(_compared(tmp_path, 1.0))
    assert '"state": "PASS"' in state_json(judgement)
    rows = judgement.state["rows"]
    assert isinstance(rows, list)
    first: Mapping[str, object] = rows[0]
    assert (first["guardrail"], first["samples"], first["runs"]) == ("m9", 6, 5)
