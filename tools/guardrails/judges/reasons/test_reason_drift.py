"""M15: reasons that moved are told from chance, what is new or gone is named, and little evidence says so."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.guardrails import report
from tools.guardrails.facts import BootFacts, CaptureFacts, capture_facts
from tools.guardrails.judges.reasons import reason_drift_simulation as simulation
from tools.guardrails.judges.reasons.reason_drift import Move, Rule, Shares, drift, judge
from tools.guardrails.judges.testing import (
    Scene,
    boot,
    capture,
    evidence,
    finding,
    ledger_of,
    said,
    scene,
)
from tools.guardrails.ledger.store import NONE, Ledger
from tools.guardrails.statistics import shift_p_values
from tools.guardrails.verdict import Finding, Judgement, Status

DRIFT, UNKNOWN = "reason_drift_of_organism", "unknown_reasons_of_organism"
ANOMALIES = "new_and_vanished_reasons_of_organism"
RULE = Rule(alpha=0.01, least_runs=3, least_decisions=5, least_boots=5, relative=0.5, points=0.05)
USUAL = ("OO_MODE_HEALTHY_ONCE", "OO_HEALTH_ANSWERED", "OO_APPLY_OK", "OO_CONSULT_DONE")
BLOCKED = ("OO_MODE_HEALTHY_ONCE", "OO_HEALTH_ANSWERED", "OO_BLOCK_CONFIDENCE", "OO_CONSULT_DONE")
BOOTS = 8

Boots = tuple[tuple[str, ...], ...]


def _scene(boots: Boots, number: int = 0) -> Scene:
    """Boots that give these reasons."""
    made = (boot(*(said("oo_boot", reason_id=reason) for reason in reasons)) for reasons in boots)
    return scene("organism", *made, image_sha256=f"{number:064x}")


def _ledger(folder: Path, *runs: Boots, said_then: Status = Status.PASS) -> Ledger:
    facts = [
        capture_facts(capture(_scene(boots, number), folder / f"run-{number}"))
        for number, boots in enumerate(runs, start=1)
    ]
    return ledger_of(folder / "ledger", *([each] for each in facts), said=said_then)


def _judged(folder: Path, now: Boots, ledger: Ledger = NONE, *settings: str) -> Judgement:
    return judge(evidence(folder, _scene(now), settings=settings, ledger=ledger))


def _after(folder: Path, now: Boots, runs: int = 5, usual: Boots = (USUAL,) * BOOTS) -> Judgement:
    """A run after some that were as usual."""
    return _judged(folder, now, _ledger(folder, *[usual] * runs))


# ---- verdicts ----


def test_a_run_like_those_before_it_passes(tmp_path: Path) -> None:
    judgement = _after(tmp_path, (USUAL,) * BOOTS)
    assert judgement.status == Status.PASS
    assert "32 decisions beside 5 runs: 0.0% differ" in finding(judgement, DRIFT).says
    assert "new: none; vanished: none" in finding(judgement, ANOMALIES).says


def test_actions_that_are_blocked_where_they_were_applied_are_a_drift(tmp_path: Path) -> None:
    judgement = _after(tmp_path, (BLOCKED,) * BOOTS)
    found = finding(judgement, DRIFT)
    assert found.status == Status.FAIL
    assert "OO_BLOCK_CONFIDENCE from 0.0% to 25.0%" in found.says
    assert "OO_APPLY_OK from 25.0% to 0.0%" in found.says
    assert "OO_CONSULT_DONE" not in found.says
    state = json.loads(report.state_json(judgement))["state"]["reasons"]["organism"]
    assert state["total_variation"] == 0.25
    assert [row["reason"] for row in state["moves"] if row["is_drift"]] == [
        "OO_APPLY_OK",
        "OO_BLOCK_CONFIDENCE",
    ]


def test_one_boot_that_went_otherwise_is_told_and_no_drift(tmp_path: Path) -> None:
    judgement = _after(tmp_path, (BLOCKED, *(USUAL,) * (BOOTS - 1)))
    assert judgement.status == Status.PASS
    assert (
        "new: OO_BLOCK_CONFIDENCE (1 times); vanished: none" in finding(judgement, ANOMALIES).says
    )


def test_reasons_that_vanished_are_named(tmp_path: Path) -> None:
    rare = (("OO_PLAN_HARD_STOP", *USUAL), *(USUAL,) * (BOOTS - 1))
    judgement = _after(tmp_path, (USUAL,) * BOOTS, usual=rare)
    assert "vanished: OO_PLAN_HARD_STOP" in finding(judgement, ANOMALIES).says


def test_a_reason_that_only_some_runs_gave_has_not_vanished(tmp_path: Path) -> None:
    usual = (USUAL,) * BOOTS
    rare = (("OO_PLAN_HARD_STOP", *USUAL), *usual[1:])
    judgement = _judged(tmp_path, usual, _ledger(tmp_path, rare, usual, usual))
    assert "vanished: none" in finding(judgement, ANOMALIES).says


def test_anomalies_fail_where_the_policy_asks_for_it(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, *[(USUAL,) * BOOTS] * 5)
    new = (BLOCKED, *(USUAL,) * (BOOTS - 1))
    strict = _judged(tmp_path, new, ledger, "m15.anomalies_fail=true")
    assert finding(strict, ANOMALIES).status == Status.FAIL
    same = _judged(tmp_path, (USUAL,) * BOOTS, ledger, "m15.anomalies_fail=true")
    assert finding(same, ANOMALIES).status == Status.PASS


def test_more_decisions_with_the_same_shares_are_no_drift(tmp_path: Path) -> None:
    assert _after(tmp_path, ((*USUAL, *USUAL),) * BOOTS).status == Status.PASS


# ---- too little evidence ----


def _drift_after(folder: Path, now: Boots, runs: int) -> Finding:
    return finding(_after(folder, now, runs), DRIFT)


@pytest.mark.parametrize("runs", [0, 2])
def test_reasons_are_learnt_until_there_are_runs_to_compare(tmp_path: Path, runs: int) -> None:
    found = _drift_after(tmp_path, (BLOCKED,) * BOOTS, runs)
    assert found.status == Status.INSUFFICIENT
    assert (found.samples, found.minimum) == (runs, 3)
    assert f"learning: {runs} of the 3 like runs" in found.says


def test_three_runs_are_enough(tmp_path: Path) -> None:
    assert _drift_after(tmp_path, (BLOCKED,) * BOOTS, 3).status == Status.FAIL


def test_runs_that_did_not_pass_are_no_baseline(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, *[(USUAL,) * BOOTS] * 5, said_then=Status.FAIL)
    found = finding(_judged(tmp_path, (BLOCKED,) * BOOTS, ledger), DRIFT)
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_a_drifted_run_is_never_its_own_baseline(tmp_path: Path) -> None:
    now = capture_facts(capture(_scene((BLOCKED,) * BOOTS), tmp_path / "now"))
    ledger = ledger_of(tmp_path / "ledger", *[[now]] * 5)
    assert finding(_judged(tmp_path, (BLOCKED,) * BOOTS, ledger), DRIFT).samples == 0


def test_the_window_is_that_of_the_policy(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, *[(USUAL,) * BOOTS] * 5)
    judgement = _judged(tmp_path, (USUAL,) * BOOTS, ledger, "m15.baseline_window=4")
    assert finding(judgement, DRIFT).samples == 4


def test_few_decisions_say_nothing(tmp_path: Path) -> None:
    few: Boots = ((), (), (), (), USUAL)
    judgement = _after(tmp_path, few, usual=few)
    assert judgement.status == Status.INSUFFICIENT
    assert "expected at least 5 decisions, found 4" in finding(judgement, DRIFT).says
    assert finding(judgement, UNKNOWN).status == Status.INSUFFICIENT


@pytest.mark.parametrize("boots", [4, 5])
def test_few_boots_are_not_compared(tmp_path: Path, boots: int) -> None:
    judgement = _after(tmp_path, (BLOCKED,) * boots, usual=(USUAL,) * boots)
    expected = Status.FAIL if boots == 5 else Status.INSUFFICIENT
    assert finding(judgement, DRIFT).status == expected


def test_boots_that_decide_nothing_are_no_evidence(tmp_path: Path) -> None:
    now, usual = (USUAL, BLOCKED, (), (), ()), (USUAL, USUAL, (), (), ())
    found = finding(_after(tmp_path, now, usual=usual), DRIFT)
    assert found.status == Status.INSUFFICIENT
    assert "no move could be told from chance at p<0.01 (least p 0.0278)" in found.says


def test_a_least_p_at_the_level_is_no_evidence() -> None:
    now, usual = Counter({"A": 3}), Counter({"B": 3})
    rule = replace(RULE, least_boots=2)
    at_level = drift("x", Shares((now,) * 2, ((usual,) * 2,) * 9), rule)
    assert at_level.status == Status.INSUFFICIENT
    below = drift("x", Shares((now,) * 2, ((usual,) * 2,) * 12), rule)
    assert below.status == Status.FAIL


# ---- unknown reasons ----


def _with_unknown(folder: Path, unknown: int, *settings: str) -> Finding:
    lines = ["OK: OO health=healthy reason_id=WHY level=info seq=1 t_us=1"] * unknown
    known = [said("oo_health", reason_id="OO_HEALTH_ANSWERED")] * (10 - unknown)
    judgement = judge(evidence(folder, scene("organism", boot(*lines, *known)), settings=settings))
    return finding(judgement, UNKNOWN)


def test_an_unknown_reason_fails(tmp_path: Path) -> None:
    found = _with_unknown(tmp_path, 1)
    assert found.status == Status.FAIL
    assert "1 of 10 decisions have no known reason, 10.0 % of at most 0 %" in found.says
    assert "'WHY'" in found.says


def test_the_least_decisions_are_enough(tmp_path: Path) -> None:
    five: Boots = ((*USUAL, "OO_PLAN_ACTIVE"),)
    assert finding(_judged(tmp_path, five), UNKNOWN).status == Status.PASS


def test_so_many_unknown_reasons_as_the_policy_allows_pass(tmp_path: Path) -> None:
    limit = "m15.max_unknown_share_pct=30"
    assert _with_unknown(tmp_path, 3, limit).status == Status.PASS
    assert _with_unknown(tmp_path, 4, limit).status == Status.FAIL


# ---- limits ----


@pytest.mark.parametrize(
    ("now", "before", "p", "is_drift"),
    [
        (0.40, 0.20, 0.001, True),
        (0.05, 0.20, 0.001, True),
        (0.40, 0.20, 0.01, False),
        (0.30, 0.20, 0.001, False),
        (0.08, 0.04, 0.001, False),
        (0.10, 0.00, 0.001, True),
        (0.04, 0.00, 0.001, False),
    ],
)
def test_a_drift_is_unlikely_and_large(now: float, before: float, p: float, is_drift: bool) -> None:
    assert Move("R", now, before, p).is_drift(RULE) is is_drift


def test_the_limits_are_those_of_the_policy(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, *[(USUAL,) * BOOTS] * 5)

    def status(*settings: str) -> Status:
        return finding(_judged(tmp_path, (BLOCKED,) * BOOTS, ledger, *settings), DRIFT).status

    assert status() == Status.FAIL
    assert status("m15.min_share_change_points=25") == Status.PASS
    assert status("m15.min_share_change_points=24") == Status.FAIL
    assert status("m15.min_samples_for_drift=33") == Status.INSUFFICIENT
    assert status("m15.min_samples_for_drift=32") == Status.FAIL
    assert status("m15.min_baseline_runs=6") == Status.INSUFFICIENT


def test_the_level_is_that_of_the_policy(tmp_path: Path) -> None:
    """Two boots that went otherwise: chance has that in one of 36 runs."""
    ledger = _ledger(tmp_path, *[(USUAL,) * BOOTS] * 5)
    now = (BLOCKED, BLOCKED, *(USUAL,) * (BOOTS - 2))
    assert finding(_judged(tmp_path, now, ledger), DRIFT).status == Status.PASS
    lax = finding(_judged(tmp_path, now, ledger, "m15.drift_alpha=0.05"), DRIFT)
    assert lax.status == Status.FAIL
    assert "OO_BLOCK_CONFIDENCE from 0.0% to 6.2%" in lax.says


def test_a_share_may_move_as_far_as_the_policy_says(tmp_path: Path) -> None:
    half = Counter({"A": 2, "B": 2})
    more = Counter({"A": 3, "B": 1})
    shares = Shares((more,) * BOOTS, ((half,) * BOOTS,) * 5)
    assert drift("x", shares, RULE).status == Status.PASS
    assert drift("x", shares, replace(RULE, relative=0.49)).status == Status.FAIL


# ---- the test itself ----

_counts = st.integers(2, 3).flatmap(
    lambda runs: st.lists(
        st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=runs, max_size=runs),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=60, deadline=None)
@given(_counts)
def test_p_is_near_that_of_counting_all_arrangements(
    counts: list[list[tuple[int, int, int]]],
) -> None:
    """At each place, any run's boot might as well have been that of the run which is judged."""
    found = shift_p_values(counts, resamples=4000, seed=1)
    for category, p in enumerate(found):
        assert p == pytest.approx(_exact(counts, category), abs=0.04)


def _exact(counts: list[list[tuple[int, int, int]]], category: int) -> float:
    means = [[sum(row) / len(cluster) for row in zip(*cluster)] for cluster in counts]
    off = [
        [[n - m for n, m in zip(run, mean)] for run in cluster]
        for cluster, mean in zip(counts, means)
    ]
    spread = [
        sum(sum(run[k] ** 2 for run in cluster) / len(cluster) for cluster in off) ** 0.5
        for k in range(3)
    ]

    def shifts(chosen: tuple[list[float], ...]) -> list[float]:
        return [abs(sum(run[k] for run in chosen)) / (spread[k] or 1) for k in range(3)]

    seen = shifts(tuple(cluster[0] for cluster in off))[category]
    largest = [max(shifts(chosen)) for chosen in itertools.product(*off)]
    return sum(each >= seen - 1e-9 for each in largest) / len(largest)


def test_p_values_repeat_and_do_not_depend_on_the_order_of_reasons() -> None:
    counts = [[[3, 0, 1], [1, 1, 1], [1, 2, 1]]] * 4
    turned = [[run[::-1] for run in cluster] for cluster in counts]
    once = shift_p_values(counts, resamples=1000, seed=7)
    assert shift_p_values(counts, resamples=1000, seed=7) == once
    assert shift_p_values(turned, resamples=1000, seed=7) == once[::-1]
    assert once[2] == 1.0


def test_boots_that_hang_together_are_one_piece_of_evidence() -> None:
    """Forty decisions of one cause in one boot of five runs say no more than one decision does."""
    counts = [[[40, 0]] + [[0, 40]] * 4]
    assert min(shift_p_values(counts, resamples=5000, seed=1)) == pytest.approx(0.2, abs=0.03)


SMALL = 400


@pytest.mark.parametrize("setting", simulation.SETTINGS, ids=str)
def test_false_alarms_are_as_rare_as_the_level_says(setting: simulation.Setting) -> None:
    alarms = simulation.found(setting, 0.0, trials=SMALL, seed=4)
    assert alarms <= simulation.rule().alpha * 1.2


@pytest.mark.parametrize("setting", simulation.SETTINGS, ids=str)
def test_the_declared_drift_is_found(setting: simulation.Setting) -> None:
    assert simulation.found(setting, simulation.DECLARED, trials=100, seed=5) >= 0.8


def test_the_table_of_the_simulation_has_a_row_for_each_setting() -> None:
    text = simulation.markdown(simulation.SETTINGS[:1], trials=2)
    assert text.splitlines()[2].startswith("| organism | 10 | 45 | 5 | 0.02 | 0 | 1.00% | ")


# ---- ledgers of another form ----


def test_runs_with_another_number_of_boots_are_not_compared(tmp_path: Path) -> None:
    usual = (USUAL,) * BOOTS
    ledger = _ledger(tmp_path, *[usual] * 3, usual[:-1])
    assert finding(_judged(tmp_path, usual, ledger), DRIFT).samples == 3


def _facts(like: CaptureFacts, reasons: Mapping[str, int]) -> CaptureFacts:
    boots = tuple(each.model_copy(update={"reasons": dict(reasons)}) for each in like.boots)
    return like.model_copy(update={"boots": boots, "identity": "other"})


def test_reasons_that_this_version_no_longer_has_are_still_compared(tmp_path: Path) -> None:
    like = capture_facts(capture(_scene((USUAL,) * BOOTS), tmp_path / "like"))
    assert isinstance(like.boots[0], BootFacts)
    runs = [
        [_facts(like, {"OLD_REASON": 4}).model_copy(update={"identity": str(number)})]
        for number in range(5)
    ]
    ledger = ledger_of(tmp_path / "ledger", *runs)
    found = finding(_judged(tmp_path, (USUAL,) * BOOTS, ledger), DRIFT)
    assert found.status == Status.FAIL
    assert "OLD_REASON from 100.0% to 0.0%" in found.says
