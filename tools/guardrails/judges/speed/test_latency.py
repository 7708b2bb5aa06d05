"""M9: startups over budget fail, and so do those slower than in like runs before; silence never passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.guardrails.facts import CaptureFacts
from tools.guardrails.judges.speed.latency import judge
from tools.guardrails.judges.testing import (
    Scene,
    boot,
    evidence,
    finding,
    ledger_of,
    said,
    scene,
)
from tools.guardrails.ledger.store import NONE, Ledger
from tools.guardrails.verdict import Judgement, Status

BOOTS = 10


def _startups(prepare: list[float], select: float = 150.0, name: str = "organism") -> Scene:
    boots = (
        boot(said("obs_startup", model_select=select, model_prepare=round(time, 3)))
        for time in prepare
    )
    return scene(name, *boots)


def _noisy(seed: int, factor: float = 1.0) -> list[float]:
    """Ten preparations as the organism scenario has them: 3.1 s, spread by 3 %."""
    generator = np.random.default_rng(seed)
    return [float(each) for each in 3100 * factor * np.exp(0.03 * generator.normal(size=BOOTS))]


def _history(folder: Path, runs: int, **changes: object) -> Ledger:
    made = [_facts(folder / str(seed), seed, **changes) for seed in range(100, 100 + runs)]
    return ledger_of(folder / "ledger", *([facts] for facts in made))


def _facts(folder: Path, seed: int, **changes: object) -> CaptureFacts:
    facts = evidence(folder, _startups(_noisy(seed))).facts["organism"]
    return facts.model_copy(update=changes)


def _judged(folder: Path, made: Scene, ledger: Ledger = NONE, *settings: str) -> Judgement:
    return judge(evidence(folder / "now", made, ledger=ledger, settings=settings))


@pytest.mark.parametrize(("select", "prepare"), [(2000.001, 3100), (150, 12000.001)])
def test_a_startup_over_its_budget_fails_and_is_named(
    tmp_path: Path, select: float, prepare: float
) -> None:
    made = scene(
        "organism",
        boot(said("obs_startup", model_select=150, model_prepare=3100)),
        boot(said("obs_startup", model_select=select, model_prepare=prepare)),
    )
    what = "select_within_budget" if select > 2000 else "prepare_within_budget"
    found = finding(_judged(tmp_path, made), what)
    assert found.status == Status.FAIL
    assert found.places == ("organism/boot-2",)


def test_a_startup_of_just_its_budget_passes(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups([12000.0], select=2000.0))
    assert finding(judgement, "select_within_budget").status == Status.PASS
    assert finding(judgement, "prepare_within_budget").status == Status.PASS


def test_without_startups_nothing_passes(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, scene("nomodel", boot("version")))
    assert {each.status for each in judgement.findings} == {Status.INSUFFICIENT}


def test_startups_as_before_pass(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups(_noisy(1)), _history(tmp_path, 5))
    assert judgement.status == Status.PASS
    assert "steady" in finding(judgement, "prepare_drift_of_organism").says


def test_slower_startups_fail_with_the_drift_and_the_limit(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups(_noisy(1, 1.25)), _history(tmp_path, 5))
    found = finding(judgement, "prepare_drift_of_organism")
    assert found.status == Status.FAIL
    assert found.says.startswith("slower: the median moved by +2")
    assert "limit of 15%" in found.says
    assert finding(judgement, "select_drift_of_organism").status == Status.PASS


def test_faster_startups_pass_and_are_told(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups(_noisy(1, 0.7)), _history(tmp_path, 5))
    found = finding(judgement, "prepare_drift_of_organism")
    assert found.status == Status.PASS
    assert found.says.startswith("faster: the median moved by -")


def test_few_runs_before_are_too_little(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups(_noisy(1, 2.0)), _history(tmp_path, 2))
    found = finding(judgement, "prepare_drift_of_organism")
    assert (found.status, found.samples, found.minimum) == (Status.INSUFFICIENT, 2, 3)


def test_the_judged_run_is_no_part_of_its_baseline(tmp_path: Path) -> None:
    made = _startups(_noisy(1, 2.0))
    itself = evidence(tmp_path / "same", made).facts["organism"]
    before = ledger_of(tmp_path / "ledger", *[[itself]] * 5)
    found = finding(_judged(tmp_path, made, before), "prepare_drift_of_organism")
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_runs_of_another_stratum_are_no_baseline(tmp_path: Path) -> None:
    made = _startups(_noisy(1, 2.0))
    stratum = evidence(tmp_path / "same", made).facts["organism"].stratum
    other = stratum.model_copy(update={"kernels": "scalar"})
    found = finding(
        _judged(tmp_path, made, _history(tmp_path, 5, stratum=other)), "prepare_drift_of_organism"
    )
    assert found.status == Status.INSUFFICIENT


def test_runs_that_failed_are_no_baseline(tmp_path: Path) -> None:
    runs = [[_facts(tmp_path / str(seed), seed)] for seed in range(5)]
    before = ledger_of(tmp_path / "ledger", *runs, said=Status.FAIL)
    judgement = _judged(tmp_path, _startups(_noisy(9)), before)
    assert finding(judgement, "prepare_drift_of_organism").status == Status.INSUFFICIENT


def test_only_the_window_is_compared_with(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups(_noisy(1)), _history(tmp_path, 7))
    assert finding(judgement, "prepare_drift_of_organism").samples == 5


def test_a_boot_that_no_longer_starts_is_not_faster(tmp_path: Path) -> None:
    made = _startups(_noisy(1))
    broken = scene("organism", *made.boots[:3], boot("version"), *made.boots[4:])
    found = finding(_judged(tmp_path, broken, _history(tmp_path, 5)), "prepare_drift_of_organism")
    assert found.status == Status.FAIL
    assert found.places == ("organism/boot-4",)


@pytest.mark.parametrize(("runs", "status"), [(2, Status.INSUFFICIENT), (3, Status.FAIL)])
def test_three_runs_know_what_is_lost(tmp_path: Path, runs: int, status: Status) -> None:
    made = _startups(_noisy(1)[:-1])
    judgement = _judged(tmp_path, made, _history(tmp_path, runs))
    assert finding(judgement, "select_drift_of_organism").status == status


def test_five_boots_are_compared(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups([3100.0] * 5))
    assert "limit" not in finding(judgement, "prepare_drift_of_organism").says


def test_a_clock_that_stands_still_is_no_speed(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups([0.0] * BOOTS, select=0.0), _history(tmp_path, 5))
    assert finding(judgement, "prepare_drift_of_organism").status == Status.FAIL


def test_a_run_without_a_scenario_of_enough_boots_says_so(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups([3100.0], name="chat"))
    found = finding(judgement, "drift")
    assert (found.status, found.samples, found.minimum) == (Status.INSUFFICIENT, 1, 5)


def test_without_the_drift_check_only_budgets_are_asked_about(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _startups([3100.0]), NONE, "m9.drift_check=false")
    assert judgement.status == Status.PASS
    assert len(judgement.findings) == 2
