"""M15.1: objectives are met, missed or unknown by what was counted; weeks are those of ISO 8601."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts
from tools.guardrails.judges.speed.slo import Level, Service, State, Tally, judge, measure
from tools.guardrails.judges.speed.slo_weeks import Week, week_of
from tools.guardrails.judges.speed.testing_slo import (
    SCENARIOS,
    Recorded,
    answer,
    at,
    booted,
    captured,
    ledger,
    recorded_only,
)
from tools.guardrails.judges.testing import boot, evidence, finding, said, scene
from tools.guardrails.report import state_json
from tools.guardrails.verdict import Status

PASS, FAIL, INSUFFICIENT = Status


def _service(folder: Path, *runs: Recorded, settings: tuple[str, ...] = ()) -> Service:
    return measure(recorded_only(ledger(folder / "ledger", *runs), *settings), SCENARIOS)


def _level(service: Service, name: str) -> Level:
    return next(level for level in service.levels if level.objective.name == name)


def _run(name: str, *boots: BootFacts, **more: object) -> Recorded:
    return Recorded([captured(name, *boots)], **more)  # type: ignore[arg-type] # of Recorded


def _ended(good: int, bad: int) -> list[BootFacts]:
    return [booted()] * good + [booted(ended_as_expected=False)] * bad


def _now(folder: Path, *boots: object, **more: object) -> Evidence:
    """Evidence of a run whose boots start, and end as expected if they are not told otherwise."""
    started = said("obs_startup", model_select=150, model_prepare=3000)
    made = [boot(started, exit_code=1 if bad else 0) for bad in boots]
    return evidence(folder / "now", scene("organism", *made), **more)  # type: ignore[arg-type] # of evidence()


def test_no_data_is_no_good_news(tmp_path: Path) -> None:
    silent = _service(tmp_path)
    assert {level.state for level in silent.levels} == {State.NO_DATA}
    for level in silent.levels:
        assert level.share is None and level.budget_left is None and level.burn_rate is None
        assert level.says().startswith("no data")
    assert silent.alerts == ("no_m15_history", "no_recent_reason_events")


def test_the_state_says_null_where_there_is_no_data(tmp_path: Path) -> None:
    judgement = judge(evidence(tmp_path, scene("chat", boot("version"))))
    assert judgement.status == INSUFFICIENT
    assert finding(judgement, "drift_free_runs").samples == 0
    assert judgement.state["drift_pass_rate_pct"] is None
    assert judgement.state["current_week"] is None and judgement.state["top_current_week"] == []
    assert '"share_pct": null' in state_json(judgement)


def test_only_verdicts_that_say_something_count(tmp_path: Path) -> None:
    said_of_runs = [PASS, PASS, FAIL, INSUFFICIENT, INSUFFICIENT]
    runs = [_run(str(n), verdicts={"m15": each}) for n, each in enumerate(said_of_runs)]
    level = _level(_service(tmp_path, *runs), "drift_free_runs")
    assert (level.window.good, level.window.bad, level.runs) == (2, 1, 3)


def test_only_verdicts_of_m15_are_its_history(tmp_path: Path) -> None:
    judged = _service(tmp_path / "judged", _run("a", verdicts={"m15": PASS}))
    booted_only = _service(tmp_path / "booted", _run("a", booted()))
    assert "no_m15_history" not in judged.alerts
    assert "no_m15_history" in booted_only.alerts


@pytest.mark.parametrize(
    ("good", "bad", "state", "budget", "left"),
    [
        (20, 0, State.MET, 1.0, 1.0),
        (19, 1, State.MET, 1.0, 0.0),
        (18, 2, State.UNCLEAR, 1.0, -1.0),
        (14, 6, State.MISSED, 1.0, -5.0),
        (10, 1, State.UNCLEAR, 0.55, 1 - 1 / 0.55),
        (10, 0, State.MET, 0.5, 1.0),
        (9, 0, State.TOO_FEW, 0.45, 1.0),
        (1, 8, State.MISSED, 0.45, 1 - 8 / 0.45),
        (0, 0, State.NO_DATA, 0.0, None),
    ],
)
def test_a_state_follows_from_the_counts(
    tmp_path: Path, good: int, bad: int, state: State, budget: float, left: float | None
) -> None:
    service = _service(
        tmp_path, _run("a", *_ended(good, bad)), settings=("m15_dashboard.boots_ended_pct=95",)
    )
    level = _level(service, "boots_ended")
    assert (level.state, level.budget, level.samples) == (state, budget, good + bad)
    assert level.budget_left == (None if left is None else pytest.approx(left))


@pytest.mark.parametrize("target", [0.6, 0.95, 0.99])
def test_chance_alone_is_rarely_taken_for_a_miss(tmp_path: Path, target: float) -> None:
    """Counted, not drawn: each number of bad samples, by how likely it is at a share of just the budget."""
    level = _level(_service(tmp_path, _run("a", booted())), "boots_ended")
    objective = replace(level.objective, target=target)
    ((run, _),) = level.tallies
    for samples in (1, 5, 11, 33, 220):
        found = [
            replace(level, objective=objective, tallies=((run, Tally(samples - bad, bad)),)).state
            for bad in range(samples + 1)
        ]
        likely = stats.binom.pmf(range(samples + 1), samples, 1 - target)
        alarms = sum(p for p, state in zip(likely, found) if state == State.MISSED)
        assert alarms <= level.alpha
        assert found[-1] == State.MISSED or samples == 1


def test_the_burn_rate_is_of_the_newest_runs_in_budgets(tmp_path: Path) -> None:
    runs = [_run("old", *_ended(0, 20)), *(_run(str(n), *_ended(9, 1)) for n in range(5))]
    level = _level(
        _service(tmp_path, *runs, settings=("m15_dashboard.boots_ended_pct=95",)), "boots_ended"
    )
    assert (level.recent.bad, level.recent.total) == (5, 50)
    assert level.burn_rate == pytest.approx(2.0)
    assert "burn rate 2.00 (5 of 50 in the newest 5 runs)" in level.says()


def test_the_window_leaves_older_runs_out(tmp_path: Path) -> None:
    runs = [_run("old", *_ended(0, 30)), *(_run(str(n), *_ended(3, 0)) for n in range(5))]
    short = _service(tmp_path / "short", *runs, settings=("m15_dashboard.window_runs=5",))
    assert _level(short, "boots_ended").state == State.MET
    assert _level(short, "boots_ended").samples == 15


def test_a_missed_objective_fails_the_run_that_still_burns(tmp_path: Path) -> None:
    history = ledger(tmp_path / "ledger", *(_run(str(n), *_ended(5, 5)) for n in range(3)))
    burning = finding(judge(_now(tmp_path, False, ledger=history)), "boots_ended")
    assert burning.status == FAIL
    assert burning.places == ("run 3", "run 2", "run 1")


def test_good_runs_bring_a_missed_objective_back(tmp_path: Path) -> None:
    bad = [_run("bad", *_ended(0, 20))]
    good = [_run(str(n), *_ended(10, 0)) for n in range(5)]
    history = ledger(tmp_path / "ledger", *bad, *good)
    level = _level(measure(recorded_only(history), SCENARIOS), "boots_ended")
    assert level.state == State.RECOVERING
    found = finding(judge(_now(tmp_path, False, ledger=history)), "boots_ended")
    assert found.status == INSUFFICIENT and found.says.startswith("recovering")


def test_a_budget_that_lasts_just_as_long_as_the_window_burns_no_more(tmp_path: Path) -> None:
    newest = [_run("new", *_ended(3, 1)), *(_run(str(n), *_ended(4, 0)) for n in range(4))]
    runs, settings = [_run("old", *_ended(0, 20)), *newest], ("m15_dashboard.boots_ended_pct=95",)
    level = _level(_service(tmp_path, *runs, settings=settings), "boots_ended")
    assert (level.burn_rate, level.state) == (1.0, State.RECOVERING)


def test_a_missed_objective_can_be_told_only(tmp_path: Path) -> None:
    now = _now(tmp_path, *[True] * 12, settings=["m15_dashboard.missed_fails=false"])
    judgement = judge(now)
    found = finding(judgement, "boots_ended")
    assert found.status == PASS and found.says.startswith("missed")
    assert "missed_boots_ended" in str(judgement.state["alerts"])


def test_the_run_that_is_judged_is_the_newest(tmp_path: Path) -> None:
    history = ledger(tmp_path / "ledger", _run("a", *_ended(4, 0)))
    service = measure(_now(tmp_path, False, True, ledger=history), ["organism"])
    assert [run.label for run in service.runs] == ["this run", "run 1"]
    assert _level(service, "boots_ended").samples == 6
    assert service.runs[0].recorded_at is None


def test_a_run_that_is_recorded_already_counts_once(tmp_path: Path) -> None:
    facts = list(_now(tmp_path, False, True).facts.values())
    history = ledger(
        tmp_path / "ledger",
        Recorded(facts, verdicts={"m15": PASS}),
        _run("other", *_ended(1, 0)),
    )
    service = measure(_now(tmp_path / "again", False, True, ledger=history), ["organism"])
    assert [run.label for run in service.runs] == ["run 1", "run 2"]
    assert _level(service, "boots_ended").samples == 3
    assert _level(service, "drift_free_runs").samples == 1


def test_a_run_recorded_twice_counts_once(tmp_path: Path) -> None:
    service = _service(tmp_path, _run("a", *_ended(3, 0)), _run("a", *_ended(3, 0)))
    assert [run.label for run in service.runs] == ["run 2"]


def test_a_run_has_its_captures_by_scenario(tmp_path: Path) -> None:
    both = [captured("a", booted(), scenario="chat"), captured("b", booted())]
    (run,) = _service(tmp_path, Recorded(both)).runs
    assert (run.of("chat"), run.of("organism"), run.of("nomodel")) == (*both, None)


def test_captures_of_other_scenarios_do_not_count(tmp_path: Path) -> None:
    other = captured("x", *_ended(0, 9), scenario="slower_clock")
    service = _service(tmp_path, Recorded([captured("a", booted()), other]))
    assert _level(service, "boots_ended").window.bad == 0


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({"select_us": 2_000_000, "prepare_us": 12_000_000}, True),
        ({"select_us": 2_000_001}, False),
        ({"prepare_us": 12_000_001}, False),
        ({"prepare_us": None}, False),
    ],
)
def test_startups_have_the_budgets_of_m9(
    tmp_path: Path, changes: dict[str, int | None], is_good: bool
) -> None:
    level = _level(_service(tmp_path, _run("a", booted(**changes))), "startups_in_budget")
    assert (level.window.good, level.window.bad) == ((1, 0) if is_good else (0, 1))


def test_a_boot_without_a_model_is_no_startup(tmp_path: Path) -> None:
    bare = booted(select_us=None, prepare_us=None)
    assert _level(_service(tmp_path, _run("a", bare)), "startups_in_budget").samples == 0


def test_a_write_that_failed_is_a_harmful_effect(tmp_path: Path) -> None:
    outcomes = ("helpful", "neutral", "neutral", "harmful")
    effects = booted(outcomes=outcomes, applies=(True, False))
    level = _level(_service(tmp_path, _run("a", effects)), "harmless_effects")
    assert (level.window.good, level.window.bad) == (3, 2)


def test_late_answers_are_bad_and_those_of_one_token_say_nothing(tmp_path: Path) -> None:
    answers = (answer(9), answer(3000), answer(3000.1), answer(9, tokens=1))
    level = _level(_service(tmp_path, _run("a", booted(generations=answers))), "answers_in_time")
    assert (level.window.good, level.window.bad) == (2, 1)


# ---- weeks ----


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2025-12-28", "2025-W52"),
        ("2025-12-29", "2026-W01"),
        ("2026-12-31", "2026-W53"),
        ("2027-01-01", "2026-W53"),
        ("2027-01-03", "2026-W53"),
        ("2027-01-04", "2027-W01"),
        ("2024-12-30", "2025-W01"),
        ("0001-01-01", "0001-W01"),
        ("9999-12-31", "9999-W52"),
    ],
)
def test_weeks_are_those_of_iso_8601(day: str, week: str) -> None:
    assert str(week_of(date.fromisoformat(day))) == week


@given(st.dates(min_value=date(1, 1, 8)))
def test_the_week_before_is_that_of_seven_days_before(day: date) -> None:
    assert week_of(day).previous == week_of(day - timedelta(days=7))
    assert week_of(day) > week_of(day - timedelta(days=7))


def test_before_the_first_week_there_is_none() -> None:
    assert Week(1, 1).previous is None


def _decided(name: str, when: str, **reasons: int) -> Recorded:
    return _run(name, booted(reasons=reasons), at=at(when))


def test_a_year_ends_between_two_weeks(tmp_path: Path) -> None:
    service = _service(
        tmp_path,
        _decided("a", "2026-12-31 12:00", KEPT=3, GONE=1),
        _decided("b", "2027-01-03 23:59", KEPT=4),
        _decided("c", "2027-01-04 00:00", KEPT=1, NEW=1),
    )
    reasons = service.reasons
    assert reasons.current and reasons.previous
    assert [str(week.week) for week in reasons.weeks] == ["2027-W01", "2026-W53"]
    assert [(move.reason, round(move.points, 1)) for move in reasons.moves] == [
        ("NEW", 50.0),
        ("KEPT", -37.5),
        ("GONE", -12.5),
    ]


def test_weeks_are_of_utc(tmp_path: Path) -> None:
    east = at("2027-01-04 01:00").replace(tzinfo=timezone(timedelta(hours=2)))
    run = _run("a", booted(reasons={"R": 1}), at=east)
    assert str(_service(tmp_path, run).reasons.weeks[0].week) == "2026-W53"


def test_the_window_of_weeks_ends_with_the_latest_recording(tmp_path: Path) -> None:
    """Long ago, so that a clock would find nothing; and the latest is not the last line."""
    runs = [
        _decided("a", "2001-01-31", OLD=1),
        _decided("b", "2001-02-01", IN=1),
        _decided("c", "2001-02-28", NEW=1),
        _decided("d", "2001-02-20", LATE=1),
    ]
    weeks = _service(tmp_path, *runs).reasons.weeks
    assert [tuple(week.counts) for week in weeks] == [("NEW",), ("LATE",), ("IN",)]


def test_a_week_without_runs_is_not_compared_with(tmp_path: Path) -> None:
    runs = [_decided("a", "2026-11-02", R=1), _decided("b", "2026-11-25", R=1)]
    reasons = _service(tmp_path, *runs).reasons
    assert len(reasons.weeks) == 2 and reasons.previous is None and reasons.moves == ()


def test_the_run_that_is_judged_is_of_no_week(tmp_path: Path) -> None:
    spoken = said("oo_health", reason_id="OO_HEALTH_ANSWERED")
    judgement = judge(evidence(tmp_path, scene("organism", boot(spoken))))
    assert judgement.state["recent_reason_event_count"] == 0
    service = measure(evidence(tmp_path / "again", scene("organism", boot(spoken))), ["organism"])
    assert service.reasons.weeks == () and service.reasons.this_run == {"OO_HEALTH_ANSWERED": 1}


def test_the_most_frequent_reasons_are_listed(tmp_path: Path) -> None:
    history = ledger(tmp_path / "ledger", _decided("a", "2026-11-25", B=2, A=2, C=5, D=1))
    now = _now(tmp_path, False, ledger=history, settings=["m15_dashboard.top_reason_ids=3"])
    state = judge(now).state
    assert state["top_current_week"] == [
        {"reason_id": "C", "count": 5, "share_pct": 50.0},
        {"reason_id": "A", "count": 2, "share_pct": 20.0},
        {"reason_id": "B", "count": 2, "share_pct": 20.0},
    ]
    assert state["weekly_snapshots"] == [
        {
            "week": "2026-W48",
            "runs": 1,
            "event_count": 10,
            "top_reason_ids": state["top_current_week"],
        }
    ]
