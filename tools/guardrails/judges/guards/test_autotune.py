"""M18: each rule of autotune, broken once in a log that keeps them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.guardrails.judges.guards import autotune
from tools.guardrails.judges.guards.autotune_steps import relaxed, tightened
from tools.guardrails.judges.guards.knobs import KNOBS, OFF, Knobs, thousandths
from tools.guardrails.judges.guards.testing_guards import (
    ALONE,
    BESIDE_AUTOTUNE,
    OPERATOR,
    TIGHTENED,
    chat,
    move,
    slow_machine,
    turn,
)
from tools.guardrails.judges.testing import (
    Lines,
    behind,
    changed,
    evidence,
    finding,
    said,
    without,
)
from tools.guardrails.verdict import Finding, Judgement, Status

TWICE = (0.82, 0.92, 44, 10)
AT_ONCE = move("tighten", 12127680505, TWICE, "M18_TIGHTEN_SLOW")


def judged(
    folder: Path, beside: Lines = BESIDE_AUTOTUNE, alone: Lines = ALONE, **policy: int
) -> Judgement:
    set_values = [f"m18.{key}={value}" for key, value in policy.items()]
    scenes = slow_machine(alone, beside), chat()
    return autotune.judge(evidence(folder, *scenes, settings=set_values))


def broken(folder: Path, what: str, lines: Lines) -> Finding:
    return finding(judged(folder, lines), what)


def test_a_machine_that_becomes_slow_and_fast_again_passes(tmp_path: Path) -> None:
    judgement = judged(tmp_path)
    assert judgement.status == Status.PASS, judgement.line()
    assert judgement.state["moves"] == [
        {"place": "slow_machine/boot-2:17", "action": "tighten", "why": "M18_TIGHTEN_SLOW"},
        {"place": "slow_machine/boot-2:33", "action": "relax", "why": "M18_RELAX_FAST"},
    ]


Edit = Callable[[Lines], Lines]


def edit(marker: str, nth: int = 0, **fields: float | str | int) -> Edit:
    return lambda lines: changed(lines, marker, nth, **fields)


CASES: tuple[tuple[str, Edit, str], ...] = (
    (
        "reasons_fit_actions",
        edit("m18_autotune", reason_id="M18_RELAX_FAST"),
        "found M18_RELAX_FAST",
    ),
    ("reasons_fit_actions", edit("m18_autotune", 1, reason_id="M18_TIGHTEN_SLOW"), "M18_TIGHTEN"),
    ("reasons_fit_actions", edit("m18_autotune", 1, action="restore"), "M18_NO_GAIN"),
    ("reasons_fit_actions", edit("m18_autotune", 1, action="hold"), "expected no such line"),
    ("moves_beyond_thresholds", edit("m18_autotune", decode_cpt=3315175287), "above 3315175287"),
    ("moves_beyond_thresholds", edit("m18_autotune", 1, decode_cpt=2541634386), "below 2541634386"),
    (
        "moves_beyond_thresholds",
        lambda lines: without(lines, "m18_calibrated"),
        "expected a calibration before it",
    ),
    ("moves_are_one_step", edit("m18_autotune", top_k=51), "top_k=51"),
    ("moves_are_one_step", edit("m18_autotune", temp=0.85), "temp=0.85"),
    ("moves_are_one_step", edit("m18_autotune", top_p=0.93), "top_p=0.93"),
    ("moves_are_one_step", edit("m18_autotune", max_tokens=9), "max_tokens=9"),
    (
        "moves_are_one_step",
        edit("m18_autotune", 1, top_k=68),
        "expected temp=0.9 top_p=0.95 top_k=60",
    ),
    (
        "knobs_within_bounds",
        edit("knob", 0, value=1.0),
        "expected the operator's 0.900, found 1.000",
    ),
    ("knobs_within_bounds", edit("knob", 8, value=0.549), "expected at least 0.55"),
    ("calibrated_from_enough", edit("m18_calibrated", turns=1), "2 turns or more, found 1"),
    ("calibrated_from_enough", edit("m18_calibrated", tokens=15), "16 tokens or more, found 15"),
    ("calibrated_from_enough", edit("m18_calibrated", hi=3315175288), "expected hi=3315175287"),
    ("calibrated_from_enough", edit("m18_calibrated", lo=2541634385), "expected lo=2541634386"),
    ("moves_keep_their_distance", lambda lines: without(lines, "gen_end", 4), "expected 2 turns"),
    ("tightens_when_slow", lambda lines: without(lines, "m18_autotune", 0), "11781 ms a token"),
    ("gives_back_when_fast", lambda lines: without(lines, "m18_autotune", 1), "expected relax"),
)


@pytest.mark.parametrize(("what", "breaks", "says"), CASES)
def test_a_broken_rule_is_named(tmp_path: Path, what: str, breaks: Edit, says: str) -> None:
    found = broken(tmp_path, what, breaks(BESIDE_AUTOTUNE))
    assert found.status == Status.FAIL
    assert says in found.says
    assert found.places[0].startswith("slow_machine/boot-2:")


def test_a_move_where_autotune_is_off_is_named(tmp_path: Path) -> None:
    found = finding(
        judged(tmp_path, alone=behind(ALONE, "m181_hard_stop", AT_ONCE)), "off_moves_nothing"
    )
    assert found.status == Status.FAIL and "found tighten" in found.says
    assert found.places == ("slow_machine/boot-1:17",)


def slow_turns(costs: list[int]) -> Lines:
    """Turns with a step down every third, at these costs."""
    lines: Lines = without(without(BESIDE_AUTOTUNE, "m18_autotune", 1), "m18_autotune", 0)
    steps = [
        (0.86, 0.935, 52, 10),
        (0.82, 0.92, 44, 10),
        (0.78, 0.905, 36, 10),
        (0.74, 0.89, 28, 10),
    ]
    extra: list[Lines] = []
    for values, cost in zip(steps, costs):
        wait = (turn(10, 70, 90000.0), turn(10, 80, 90000.0), turn(10, 90, 90000.0))
        extra.append((*wait, move("tighten", cost, values, "M18_TIGHTEN_SLOW")))
    flat = tuple(line for part in extra for line in part)
    return behind(lines, "gen_end", *flat, nth=5)


def test_a_fourth_step_down_needs_a_gain(tmp_path: Path) -> None:
    high = 10_000_000_000
    gained = finding(
        judged(tmp_path / "a", slow_turns([high, high, high, high * 97 // 100])),
        "useless_moves_end",
    )
    useless = finding(
        judged(tmp_path / "b", slow_turns([high, high, high, high * 97 // 100 + 1])),
        "useless_moves_end",
    )
    assert gained.status == Status.PASS
    assert useless.status == Status.FAIL
    assert "after 3 that did not make tokens cheaper by 30 thousandths" in useless.says


def test_three_steps_down_are_a_trial(tmp_path: Path) -> None:
    lines = slow_turns([10_000_000_000] * 3)
    assert finding(judged(tmp_path, lines), "useless_moves_end").status == Status.PASS


def test_values_that_come_back_without_a_gain_pass(tmp_path: Path) -> None:
    lines = behind(
        slow_turns([10_000_000_000] * 3),
        "m18_autotune",
        *(turn(10, 95, 90000.0) for _ in range(3)),
        move("restore", 10_000_000_000, OPERATOR, "M18_NO_GAIN"),
        nth=2,
    )
    judgement = judged(tmp_path, lines)
    for what in (
        "reasons_fit_actions",
        "moves_beyond_thresholds",
        "moves_are_one_step",
        "useless_moves_end",
    ):
        assert finding(judgement, what).status == Status.PASS, finding(judgement, what).says


def test_a_reset_lets_autotune_move_at_once(tmp_path: Path) -> None:
    again = (
        said("sentinel_reset", reason_id="SENTINEL_RESET"),
        turn(10, 13, 90000.0),
        move("tighten", 12127680505, TIGHTENED, "M18_TIGHTEN_SLOW"),
    )
    lines = behind(BESIDE_AUTOTUNE, "m18_autotune", *again, nth=1)
    judgement = judged(tmp_path, lines)
    for what in ("moves_keep_their_distance", "moves_are_one_step"):
        assert finding(judgement, what).status == Status.PASS, finding(judgement, what).says


def test_the_values_in_force_in_a_safe_mode_are_its_caps(tmp_path: Path) -> None:
    """A second step down within the safe mode shows what is in force: the caps."""
    caps = (0.7, 0.88, 40, 5)
    again = (turn(5, 44, 58906.73), move("tighten", 12127680505, caps, "M18_TIGHTEN_SLOW"))
    found = broken(
        tmp_path, "moves_are_one_step", behind(BESIDE_AUTOTUNE, "gen_end", *again, nth=4)
    )
    assert (
        "relax" in found.says
    )  # the one behind it: from two steps down, one up is not the operator's value
    assert len(found.places) == 1


def test_a_knob_at_its_minimum_is_within_the_bounds(tmp_path: Path) -> None:
    lines = changed(BESIDE_AUTOTUNE, "knob", 8, value=0.55)
    assert broken(tmp_path, "knobs_within_bounds", lines).status == Status.PASS


def test_the_status_tells_thresholds_where_nothing_was_calibrated(tmp_path: Path) -> None:
    shown = said("m18_status", hi=3315175287, lo=2541634386)
    lines = behind(without(BESIDE_AUTOTUNE, "m18_calibrated"), "m18_autotune", shown, nth=1)
    assert broken(tmp_path, "moves_beyond_thresholds", lines).status == Status.PASS


def test_thresholds_that_are_configured_are_taken_as_they_are(tmp_path: Path) -> None:
    lines = changed(BESIDE_AUTOTUNE, "m18_calibrated", hi=4000000000, lo=2541634386)
    scenes = slow_machine(beside_autotune=lines)
    config = [*scenes.boots[1].given["config"], "autotune_decode_cpt_hi=4000000000"]  # type: ignore[misc]
    scenes.boots[1].given["config"] = config  # type: ignore[index]
    judgement = autotune.judge(evidence(tmp_path, scenes))
    assert finding(judgement, "calibrated_from_enough").status == Status.PASS


def test_a_log_that_does_not_show_the_operators_values_is_no_evidence_for_steps(
    tmp_path: Path,
) -> None:
    lines = tuple(
        line for line in BESIDE_AUTOTUNE if isinstance(line, str) or line.marker != "knob"
    )
    found = broken(tmp_path, "moves_are_one_step", lines)
    assert found.status == Status.INSUFFICIENT and found.samples == 0


@pytest.mark.parametrize(
    "turn_fields",
    [{"tokens": 4}, {"pos": 301}, {"decode": 5 * 3292.0}],
    ids=["too_few_tokens", "far_into_the_conversation", "not_slow_for_certain"],
)
def test_a_turn_that_leaves_doubt_asks_for_no_step_down(
    tmp_path: Path, turn_fields: dict[str, float]
) -> None:
    """The usual token takes 1997.6 ms: 3296 ms are beyond hi by a tenth."""
    lines = changed(without(BESIDE_AUTOTUNE, "m18_autotune", 0), "gen_end", 2, **turn_fields)
    found = broken(tmp_path, "tightens_when_slow", lines)
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


@pytest.mark.parametrize("turn_fields", [{"tokens": 5}, {"pos": 300}, {"decode": 5 * 3300.0}])
def test_a_turn_that_leaves_none_does(tmp_path: Path, turn_fields: dict[str, float]) -> None:
    lines = changed(without(BESIDE_AUTOTUNE, "m18_autotune", 0), "gen_end", 2, **turn_fields)
    assert broken(tmp_path, "tightens_when_slow", lines).status == Status.FAIL


def at_twice_a_second(lines: Lines) -> Lines:
    """Usual tokens of 2000 ms; hi is one and a half times what they cost, lo half of it."""
    for nth in (0, 1):
        lines = changed(lines, "gen_end", nth, decode=20_000.0)
    return changed(lines, "m18_calibrated", decode_cpt=2000, hi=3000, lo=1000)


@pytest.mark.parametrize(("decode", "samples"), [(5 * 3000.0, 0), (5 * 3000.001, 1)])
def test_a_turn_of_just_the_threshold_is_not_slow_for_certain(
    tmp_path: Path, decode: float, samples: int
) -> None:
    lines = changed(at_twice_a_second(BESIDE_AUTOTUNE), "gen_end", 2, decode=decode)
    found = finding(judged(tmp_path, lines, clear_milli=1000), "tightens_when_slow")
    assert found.samples == samples


@pytest.mark.parametrize(("decode", "samples"), [(10 * 1000.0, 0), (10 * 999.999, 1)])
def test_a_turn_of_just_the_threshold_is_not_fast_for_certain(
    tmp_path: Path, decode: float, samples: int
) -> None:
    lines = changed(at_twice_a_second(BESIDE_AUTOTUNE), "gen_end", 5, decode=decode)
    found = finding(judged(tmp_path, lines, clear_milli=1000), "gives_back_when_fast")
    assert found.samples == samples


def test_without_a_slow_machine_there_is_no_verdict(tmp_path: Path) -> None:
    judgement = autotune.judge(evidence(tmp_path, chat()))
    assert judgement.status == Status.INSUFFICIENT
    assert finding(judgement, "tightens_when_slow").samples == 0
    assert finding(judgement, "reasons_fit_actions").says == "expected at least 1 samples, found 0"


def test_more_moves_can_be_asked_for(tmp_path: Path) -> None:
    assert (
        finding(judged(tmp_path, least_moves=3), "reasons_fit_actions").status
        == Status.INSUFFICIENT
    )


FIELDS = {"temp": 2000, "top_p": 1000, "top_k": 200_000, "max_tokens": 4_000_000}
KNOB_VALUES = st.fixed_dictionaries({knob: st.integers(0, most) for knob, most in FIELDS.items()})
MINIMA: Knobs = {"temp": 550, "top_p": 800, "top_k": 24_000, "max_tokens": 64_000}
STEPS: Knobs = {"temp": 40, "top_p": 15, "top_k": 8_000, "max_tokens": 16_000}


@settings(deadline=None)
@given(KNOB_VALUES, st.lists(st.booleans(), max_size=40))
def test_no_order_of_steps_leaves_the_bounds(operator: Knobs, downs: list[bool]) -> None:
    now = operator
    for is_down in downs:
        now = tightened(now, MINIMA, STEPS) if is_down else relaxed(now, operator, STEPS)
        for knob in KNOBS:
            assert min(operator[knob], MINIMA[knob]) <= now[knob] <= operator[knob]
    for _ in range(300):
        now = relaxed(now, operator, STEPS)
    assert now == operator


def test_a_top_k_that_is_off_has_no_step_down() -> None:
    operator = {"temp": 900, "top_p": 950, "top_k": OFF, "max_tokens": 100_000}
    assert tightened(operator, MINIMA, STEPS)["top_k"] == OFF


def test_only_a_top_k_of_0_means_off() -> None:
    assert thousandths("top_k", 0) == OFF
    assert [thousandths(knob, 0) for knob in KNOBS if knob != "top_k"] == [0, 0, 0]
