"""M18.1: each rule of the token deadline, broken once in logs that keep them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.guardrails.judges.guards import realtime
from tools.guardrails.judges.guards.testing_guards import (
    ALONE,
    BESIDE_AUTOTUNE,
    CALIBRATED,
    CAPS,
    END,
    FIXED,
    GUARD,
    OFF,
    OPERATOR,
    SAFE_ON,
    START,
    STEADY,
    STEADY_TURNS,
    STOPPED,
    chat,
    deadline,
    knobs,
    safe_off,
    slow_machine,
    slower_clock,
    turn,
)
from tools.guardrails.judges.testing import (
    Lines,
    behind,
    boot,
    changed,
    evidence,
    finding,
    said,
    scene,
    without,
)
from tools.guardrails.verdict import Finding, Judgement, Status


def judged(
    folder: Path,
    alone: Lines = ALONE,
    beside: Lines = BESIDE_AUTOTUNE,
    steady: Lines = STEADY,
    off: Lines = OFF,
) -> Judgement:
    scenes = slow_machine(alone, beside), slower_clock(steady), chat(off)
    return realtime.judge(evidence(folder, *scenes))


def test_a_guard_that_does_as_it_is_told_passes(tmp_path: Path) -> None:
    judgement = judged(tmp_path)
    assert judgement.status == Status.PASS, judgement.line()
    places = [trip["place"] for trip in judgement.state["trips"]]  # type: ignore[attr-defined]
    assert places == ["slow_machine/boot-1:16", "slow_machine/boot-2:16"]


Edit = Callable[[Lines], Lines]


def edit(marker: str, nth: int = 0, **fields: float | str | int) -> Edit:
    return lambda lines: changed(lines, marker, nth, **fields)


def drop(marker: str, nth: int = 0) -> Edit:
    return lambda lines: without(lines, marker, nth)


def add(marker: str, *more: object, nth: int = 0) -> Edit:
    return lambda lines: behind(lines, marker, *more, nth=nth)  # type: ignore[arg-type]


CASES: tuple[tuple[str, Edit, str], ...] = (
    ("trips_when_told", edit("m181_hard_stop", overruns=3), "expected a hard stop at 4 overruns"),
    ("trips_when_told", edit("m181_hard_stop", overruns=5), "found one at 5 of 4"),
    ("trips_when_told", edit("m181_hard_stop", threshold=5), "found one at 4 of 5"),
    ("trips_when_told", edit("m181_hard_stop", cycles=8917712470), "expected a token beyond"),
    ("trips_when_told", edit("gen_end", 3, overruns=4), "overruns, found 4 and none"),
    ("tripped_turns_end", edit("gen_end", 2, reason="max_tokens"), "1 behind max_tokens"),
    ("tripped_turns_end", drop("m181_hard_stop"), "found 0 behind budget_guard"),
    ("tripped_turns_end", edit("gen_end", 2, overruns=3), "expected overruns=4"),
    ("tripped_turns_end", edit("gen_end", 2, step=3), "expected step=4"),
    ("tripped_turns_end", add("repl_ready", STOPPED[1]), "expected a turn before a hard stop"),
    ("caps_apply", edit("m181_safe_mode", top_k=41), "found temp=0.7 top_p=0.88 top_k=41"),
    ("caps_apply", edit("m181_safe_mode", top_k=39), "top_k=40 max_tokens=5, found"),
    ("caps_apply", edit("m181_safe_mode", temp=0.701), "temp=0.701"),
    ("caps_apply", edit("gen_end", 3, tokens=6), "at most 5 tokens in a safe mode, found 6"),
    ("caps_apply", edit("knob", 4, value=0.701), "temp: expected at most 0.7, found 0.701"),
    ("caps_last_as_told", edit("m181_safe_mode", turns_left=3), "expected turns_left=2"),
    ("caps_last_as_told", drop("m181_safe_mode"), "expected m181_safe_mode behind this turn"),
    ("caps_last_as_told", drop("m181_safe_mode_off"), "expected m181_safe_mode_off"),
    ("caps_last_as_told", drop("gen_end", 3), "expected no change of the safe mode"),
    (
        "caps_last_as_told",
        add("gen_end", turn(5, 44, 8918.8), nth=3),
        "expected m181_safe_mode_off",
    ),
    ("caps_last_as_told", add("gen_end", SAFE_ON, nth=5), "found m181_safe_mode"),
    ("operators_values_come_back", edit("m181_safe_mode_off", temp=0.7), "found temp=0.7"),
    ("operators_values_come_back", edit("m181_safe_mode_off", max_tokens=5), "max_tokens=10 again"),
    (
        "operators_values_come_back",
        edit("knob", 9, owner="safety"),
        "expected no safe mode any more",
    ),
    (
        "deadline_is_fixed",
        edit("m181_deadline", cycles=8840467433),
        "4 calibrated costs, 8840467432",
    ),
    (
        "deadline_is_fixed",
        add("m181_safe_mode_off", FIXED),
        "expected one deadline for the session",
    ),
    ("deadline_is_fixed", drop("m181_deadline"), "expected a deadline before an overrun"),
    ("deadline_is_fixed", drop("m18_calibrated"), "expected a calibration before the deadline"),
    ("deadline_is_fixed", edit("m181_hard_stop", deadline=8840467431), "by less"),
    (
        "deadline_is_fixed",
        edit("m181_deadline", reason_id="M181_DEADLINE_KEY"),
        "expected the deadline of budget_decode=auto",
    ),
    (
        "conversation_kept_as_told",
        add("m181_safe_mode", said("m181_kv_reset", reason_id="M181_KV_RESET")),
        "not asked for: found it",
    ),
    ("status_is_true", edit("m181_status", 1, active=1), "expected active=2, found 1"),
    ("status_is_true", edit("m181_status", 1, trips=0), "expected trips=1, found 0"),
    ("status_is_true", edit("m181_status", 1, deadline=1), "expected deadline=8840467432, found 1"),
    ("status_is_true", edit("m181_status", 0, hard_stop=6), "expected hard_stop=4, found 6"),
    ("status_is_true", edit("m181_status", 2, safe_turns=1), "expected safe_turns=2, found 1"),
    ("late_tokens_are_counted", edit("gen_end", 2, overruns=0), "11781 ms a token, found none"),
)


@pytest.mark.parametrize(("what", "breaks", "says"), CASES)
def test_a_broken_rule_is_named(tmp_path: Path, what: str, breaks: Edit, says: str) -> None:
    found = finding(judged(tmp_path, breaks(ALONE)), what)
    assert found.status == Status.FAIL
    assert says in found.says
    assert all(place.startswith("slow_machine/boot-1") for place in found.places)


@pytest.mark.parametrize(("decode", "samples"), [(5 * 1100.0, 0), (5 * 1100.001, 1)])
def test_a_turn_of_just_the_deadline_is_not_late_for_certain(
    tmp_path: Path, decode: float, samples: int
) -> None:
    """A tenth beyond the deadline is clear of it."""
    lines = (*START, deadline(1000, 1000.0, "M181_DEADLINE_KEY"), turn(5, 13, decode), *END)
    found = of(configured(tmp_path, lines, "guardrails=1"), "late_tokens_are_counted")
    assert found.samples == samples


def test_more_trips_can_be_asked_for(tmp_path: Path) -> None:
    """Of what only a trip shows; a line about caps speaks for itself."""
    made = evidence(tmp_path, slow_machine(), settings=["m18.least_trips=3"])
    judgement = realtime.judge(made)
    assert of(judgement, "trips_when_told").status == Status.INSUFFICIENT
    assert of(judgement, "caps_apply").status == Status.PASS


def test_a_hard_stop_at_an_empty_context_is_by_the_deadline_itself(tmp_path: Path) -> None:
    lines = changed(ALONE, "m181_hard_stop", deadline=8840467432)
    assert finding(judged(tmp_path, lines), "deadline_is_fixed").status == Status.PASS


def test_an_overrun_of_a_steadily_slow_machine_is_named(tmp_path: Path) -> None:
    found = finding(
        judged(tmp_path, steady=changed(STEADY, "gen_end", 2, overruns=1)),
        "steadily_slow_never_trips",
    )
    assert found.status == Status.FAIL and "did not change, found 1" in found.says


def test_a_machine_at_its_usual_speed_says_nothing_about_slow_ones(tmp_path: Path) -> None:
    scenes = slow_machine(), slower_clock(icount_shift=5)
    found = finding(realtime.judge(evidence(tmp_path, *scenes)), "steadily_slow_never_trips")
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_a_guard_that_is_off_and_acts_is_named(tmp_path: Path) -> None:
    lines = behind(OFF, "gen_end", said("m181_safe_mode_off"))
    found = finding(judged(tmp_path, off=lines), "off_does_nothing")
    assert found.status == Status.FAIL and found.places == ("chat/boot-1:6",)


def test_autotunes_values_come_back_where_it_holds_some(tmp_path: Path) -> None:
    lines = changed(BESIDE_AUTOTUNE, "m181_safe_mode_off", top_k=60)
    found = finding(judged(tmp_path, beside=lines), "operators_values_come_back")
    assert found.status == Status.FAIL and "top_k=52 max_tokens=10 again" in found.says


def test_a_log_that_does_not_show_the_operators_values_is_no_evidence(tmp_path: Path) -> None:
    bare = tuple(line for line in ALONE if isinstance(line, str) or line.marker != "knob")
    made = scene("slow_machine", boot(*bare), given={"config": list(GUARD)})
    found = finding(realtime.judge(evidence(tmp_path, made)), "operators_values_come_back")
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_without_a_trip_there_is_no_verdict(tmp_path: Path) -> None:
    judgement = realtime.judge(evidence(tmp_path, slower_clock(), chat()))
    assert judgement.status == Status.INSUFFICIENT
    for what in ("trips_when_told", "caps_apply", "operators_values_come_back", "status_is_true"):
        assert finding(judgement, what).status == Status.INSUFFICIENT


def configured(folder: Path, lines: Lines, *config: str) -> Judgement:
    return realtime.judge(
        evidence(folder, scene("guarded", boot(*lines), given={"config": config}))
    )


def of(judgement: Judgement, what: str) -> Finding:
    return finding(judgement, what)


def test_a_deadline_of_the_configuration_is_that(tmp_path: Path) -> None:
    lines = (*START, deadline(6000912000, 6000.0, "M181_DEADLINE_KEY"), *STEADY_TURNS, *END)
    for folder, key, status in (
        ("ms", "6000ms", Status.PASS),
        ("cycles", "6000912000", Status.PASS),
        ("other", "6001ms", Status.FAIL),
        ("auto", "auto", Status.FAIL),
    ):
        judgement = configured(tmp_path / folder, lines, "guardrails=1", f"budget_decode={key}")
        assert of(judgement, "deadline_is_fixed").status == status, key


def test_a_first_turn_can_be_stopped_by_a_configured_deadline(tmp_path: Path) -> None:
    slow = changed(STOPPED, "m181_hard_stop", deadline=6000912000)
    fixed = deadline(6000912000, 6000.0, "M181_DEADLINE_KEY")
    lines = (*START, fixed, *slow, SAFE_ON, *knobs(CAPS, "safety"), *END)
    judgement = configured(tmp_path, lines, *GUARD, "budget_decode=6000ms")
    assert {each.what for each in judgement.findings if each.status == Status.FAIL} == set()
    assert of(judgement, "tripped_turns_end").status == Status.PASS


def test_a_conversation_that_was_to_be_forgotten_and_is_not_is_named(tmp_path: Path) -> None:
    config = (*GUARD, "guardrails_reset_kv_on_trip=1")
    kept = of(configured(tmp_path / "a", ALONE, *config), "conversation_kept_as_told")
    reset = said("m181_kv_reset", reason_id="M181_KV_RESET")
    forgotten = behind(ALONE, "m181_safe_mode", reset)
    gone = of(configured(tmp_path / "b", forgotten, *config), "conversation_kept_as_told")
    assert kept.status == Status.FAIL and "asked for: found none" in kept.says
    assert gone.status == Status.PASS


def test_a_reset_ends_the_safe_mode_without_a_line(tmp_path: Path) -> None:
    lines = (
        *START,
        *STEADY_TURNS,
        CALIBRATED,
        FIXED,
        *STOPPED,
        SAFE_ON,
        *knobs(CAPS, "safety"),
        said("sentinel_reset", reason_id="SENTINEL_RESET"),
        *knobs(OPERATOR, "operator"),
        turn(10, 13, 20000.0),
        *END,
    )
    judgement = configured(tmp_path, lines, *GUARD)
    for what in ("caps_last_as_told", "caps_apply"):
        assert of(judgement, what).status == Status.PASS, of(judgement, what).says


def history(ends: list[str], safe_turns: int) -> Lines:
    """A session as the rules of docs/guards.md have it: some turns are stopped, some say nothing."""
    lines: Lines = (*START, *STEADY_TURNS, CALIBRATED, FIXED, "You: /test_delay 10000000")
    left = 0
    for end in ends:
        on = changed((SAFE_ON,), "m181_safe_mode", turns_left=safe_turns)
        if end == "stopped":
            lines += (*STOPPED, *(on if safe_turns else ()))
            lines += (safe_off(OPERATOR),) if left and not safe_turns else ()
            left = safe_turns
        else:
            said_something = end == "clean"
            lines += (turn(5 if said_something else 0, 40, 9000.0),)
            lines += (safe_off(OPERATOR),) if left == 1 and said_something else ()
            left = max(0, left - said_something)
    return (*lines, *knobs(CAPS if left else OPERATOR, "safety"), *END)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ends=st.lists(st.sampled_from(["clean", "stopped", "silent"]), max_size=12),
    safe_turns=st.integers(0, 3),
    data=st.data(),
)
def test_every_session_by_the_rules_passes_and_none_with_a_line_less(
    tmp_path: Path, ends: list[str], safe_turns: int, data: st.DataObject
) -> None:
    config = (*GUARD, f"guardrails_safe_turns={safe_turns}")
    lines = history(ends, safe_turns)
    judgement = configured(tmp_path, lines, *config)
    assert judgement.status != Status.FAIL, judgement.line()
    changes = ("m181_safe_mode", "m181_safe_mode_off")
    said_changes = [
        each.marker for each in lines if not isinstance(each, str) and each.marker in changes
    ]
    if said_changes:
        place = data.draw(st.integers(0, len(said_changes) - 1))
        nth = said_changes[:place].count(said_changes[place])
        less = configured(tmp_path, without(lines, said_changes[place], nth), *config)
        assert of(less, "caps_last_as_told").status == Status.FAIL
