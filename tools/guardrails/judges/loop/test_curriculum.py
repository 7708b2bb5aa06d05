"""M12: the threshold follows the boots, the workload and what came of actions; and boots must obey it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails import policy
from tools.guardrails.facts import BootFacts, CaptureFacts, Label, Stratum
from tools.guardrails.judges.loop.curriculum import (
    Feedback,
    Phase,
    Workload,
    feedback_of,
    judge,
    lesson,
    phase_of,
    workload_of,
)
from tools.guardrails.judges.loop.testing_loop import Loop, applied, failed, guest, outcomes, run
from tools.guardrails.judges.testing import Booted, boot, finding, said, scene
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Judgement, Status

M12 = policy.load_all()["m12"]
SILENCE = Feedback(0, 0, 0)


def _policy(*settings: str) -> Policy:
    return policy.load_all(settings=[f"m12.{each}" for each in settings])["m12"]


MISSION = _policy(
    "early_threshold=35", "warm_threshold=25", "steady_threshold=15", "min_threshold=0"
)
"""The mission's numbers, for its worked examples."""


def _facts(
    boot_count: int = 1, actions: tuple[str, ...] = (), labels: tuple[Label, ...] = ()
) -> CaptureFacts:
    made = BootFacts(
        ended_as_expected=True,
        memory_mib=2048,
        boot_count=boot_count,
        actions={name: 1 for name in actions},
        outcomes=labels,
    )
    stratum = Stratum(
        scenario="loop", scenario_sha256="0" * 64, model="none", kernels="", emulator=""
    )
    return CaptureFacts(identity="0" * 64, image_sha256="0" * 64, stratum=stratum, boots=(made,))


def _threshold(judgement: Judgement) -> object:
    return judgement.state["effective_threshold"]


def test_the_phase_is_that_of_the_guests_own_count() -> None:
    phases = [phase_of(count, M12) for count in (1, 2, 3, 6, 7, 1000)]
    assert phases == [
        Phase.EARLY,
        Phase.EARLY,
        Phase.WARM,
        Phase.WARM,
        Phase.STEADY,
        Phase.STEADY,
    ]
    assert phase_of(1, _policy("boot_phase=steady")) == Phase.STEADY


@pytest.mark.parametrize(
    ("actions", "workload"),
    [
        (("reduce_ctx", "reduce_seq"), Workload.LATENCY),
        (("increase_ctx",), Workload.CONTEXT),
        (("increase_ctx", "reduce_seq"), Workload.MIXED),
        ((), Workload.UNKNOWN),
        (("reboot", "stable", "change_model"), Workload.UNKNOWN),
        (("stable", "reduce_ctx"), Workload.LATENCY),
    ],
)
def test_the_workload_is_that_of_the_advised_actions(
    actions: tuple[str, ...], workload: Workload
) -> None:
    assert workload_of(actions, M12) == workload
    assert workload_of(actions, _policy("workload_class=mixed")) == Workload.MIXED


@pytest.mark.parametrize(
    ("boot_count", "actions", "helpful", "expected"),
    [
        (1, ("reduce_ctx", "increase_ctx"), 0, 38),
        (7, ("reduce_ctx", "increase_ctx"), 5, 3),
        (7, ("reduce_ctx",), 5, 0),
        (3, ("increase_ctx",), 0, 35),
        (3, (), 0, 25),
    ],
)
def test_worked_examples_of_the_formula(
    boot_count: int, actions: tuple[str, ...], helpful: int, expected: int
) -> None:
    found = lesson(_facts(boot_count, actions), Feedback(helpful, 0, 0), MISSION)
    assert found.threshold == expected


def test_the_policys_thresholds_lie_where_scores_lie() -> None:
    """Real scores are 65 to 100: an early guest is held back most."""
    thresholds = [lesson(_facts(count), SILENCE, M12).threshold for count in (1, 3, 7)]
    assert thresholds == [75, 65, 55]


@pytest.mark.parametrize(
    ("score", "delta"), [(0, 0), (1, -2), (5, -10), (10, -20), (30, -20), (-1, 2), (-30, 20)]
)
def test_help_lowers_the_threshold_and_harm_raises_it(score: int, delta: int) -> None:
    found = Feedback(max(score, 0), 4, max(-score, 0))
    assert found.delta(M12) == delta
    assert found.delta(_policy("outcome_adaptation=false")) == 0


def test_halves_of_the_workloads_part_go_to_the_even_number() -> None:
    by_five = _policy("outcome_adapt_step=5")
    assert lesson(_facts(3), Feedback(0, 0, 1), by_five).adjustment == 2
    assert lesson(_facts(3), Feedback(0, 0, 3), by_five).adjustment == 8


@given(
    boot_count=st.integers(1, 30),
    actions=st.sets(st.sampled_from(("reduce_ctx", "reduce_seq", "increase_ctx", "stable"))),
    helpful=st.integers(0, 50),
    harmful=st.integers(0, 50),
)
def test_thresholds_keep_their_bounds_and_harm_never_lowers_one(
    boot_count: int, actions: set[str], helpful: int, harmful: int
) -> None:
    facts = _facts(boot_count, tuple(actions))
    found = lesson(facts, Feedback(helpful, 0, harmful), M12).threshold
    assert M12.integer("min_threshold") <= found <= M12.integer("max_threshold")
    assert lesson(facts, Feedback(helpful, 0, harmful + 1), M12).threshold >= found
    older = _facts(boot_count + 1, tuple(actions))
    assert lesson(older, Feedback(helpful, 0, harmful), M12).threshold <= found


@pytest.mark.parametrize(
    ("labels", "verdict", "expected"),
    [
        (("helpful",), None, Feedback(1, 0, 0)),
        (("helpful", "helpful", "neutral", "neutral", "harmful"), None, Feedback(1, 0, 0)),
        (("helpful", "neutral", "neutral", "harmful"), None, Feedback(0, 1, 0)),
        (("neutral", "neutral"), None, Feedback(0, 1, 0)),
        (("harmful", "helpful"), None, Feedback(0, 1, 0)),
        (("harmful", "harmful", "harmful", "helpful", "helpful"), None, Feedback(0, 0, 1)),
        (("helpful",), Status.FAIL, Feedback(0, 0, 1)),
        ((), Status.PASS, Feedback(0, 0, 0)),
        ((), Status.FAIL, Feedback(0, 0, 0)),
    ],
)
def test_a_run_is_as_helpful_as_its_measured_effects(
    labels: tuple[Label, ...], verdict: Status | None, expected: Feedback
) -> None:
    assert feedback_of([(_facts(labels=labels), verdict)], M12) == expected


def test_the_last_boot_of_a_run_gives_the_phase(tmp_path: Path) -> None:
    judgement = Loop(tmp_path).fresh(guest(count=6), guest(*outcomes("neutral"), count=7))["m12"]
    assert judgement.status == Status.PASS
    assert "boot 7 is steady, unknown: 55" in finding(judgement, "boot_phase_is_known").says


def test_each_helpful_run_lowers_the_threshold_as_far_as_the_window_goes(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    helpful = guest(*outcomes("helpful", "helpful"), applied("reduce_ctx"), count=1)
    thresholds = [_threshold(loop.fresh(helpful)["m12"]) for _ in range(7)]
    assert thresholds == [67, 64, 61, 58, 55, 55, 55]


def test_harm_raises_it(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    judgement = loop.fresh(guest(failed("increase_ctx"), *outcomes("harmful"), count=7))["m12"]
    assert _threshold(judgement) == 55 + 2 + 10 + 1


def test_harm_that_m10_sees_only_over_several_runs_counts_as_harm_now(tmp_path: Path) -> None:
    """Half of the last run's effects harm, which alone would be neutral."""
    loop = Loop(tmp_path)
    loop.fresh(guest(*outcomes("helpful", "harmful", "harmful"), count=7))
    judgements = loop.fresh(guest(*outcomes("harmful", "harmful", "neutral", "neutral"), count=7))
    assert judgements["m10"].status == Status.FAIL
    found = finding(judgements["m12"], "outcomes_are_known")
    assert "0 helpful, 0 neutral, 2 harmful" in found.says


def test_runs_without_effects_are_no_feedback(tmp_path: Path) -> None:
    judgement = Loop(tmp_path).fresh(guest())["m12"]
    assert judgement.status == Status.INSUFFICIENT
    assert "found 0: nothing is adapted" in finding(judgement, "outcomes_are_known").says
    off = Loop(tmp_path / "off", ("m12.outcome_adaptation=false",)).fresh(guest())["m12"]
    assert off.status == Status.PASS


def test_without_the_organism_what_was_learnt_stays(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    assert loop.fresh(guest(count=None))["m12"].state == {}
    before = loop.fresh(guest(*outcomes("helpful")))["m12"]
    after = loop.fresh(guest(count=None))["m12"]
    assert after.status == Status.INSUFFICIENT
    assert after.state == before.state


def test_of_several_guests_the_most_careful_threshold_is_taken(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    seen = loop.look(scene("young", guest(count=1)))
    old = loop.look(scene("old", guest(count=9)))
    both = type(seen)(seen.table, {**seen.captures, **old.captures}, seen.policies, seen.ledger)
    state = judge(both).state
    assert (state["effective_threshold"], state["of"]) == (75, "young")


def test_every_number_says_where_it_is_from(tmp_path: Path) -> None:
    loop = Loop(tmp_path, ("m12.warm_threshold=61",))
    state = loop.fresh(guest(*outcomes("helpful"), count=3))["m12"].state
    learnt = state["lessons"]["loop"]  # type: ignore[index]
    assert learnt["base_origin"] == "m12.warm_threshold (--set)"
    assert (learnt["base_threshold"], learnt["outcome_delta"]) == (61, -2)
    assert (learnt["workload_adjustment"], learnt["threshold"]) == (-1, 58)


def _advised(threshold: int, gate: str = "enforced", under: bool = True) -> Booted:
    advice = said("oo_confidence", score=80, threshold=threshold, gate=gate)
    return guest(*outcomes("neutral"), advice, policy=under)


def test_boots_under_the_policy_file_meet_the_threshold_that_was_asked_for(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    asked = _threshold(loop.fresh(guest(*outcomes("neutral")))["m12"])
    assert asked == 75
    found = finding(loop.fresh(_advised(75))["m12"], "threshold_is_obeyed")
    assert (found.status, found.samples) == (Status.PASS, 1)


@pytest.mark.parametrize(
    ("threshold", "gate", "says"),
    [(60, "enforced", "expected the gate at 75, found it at 60"), (75, "log_only", "found it off")],
)
def test_a_boot_that_is_freer_or_tighter_than_asked_fails(
    tmp_path: Path, threshold: int, gate: str, says: str
) -> None:
    loop = Loop(tmp_path)
    loop.fresh(guest(*outcomes("neutral")))
    found = finding(loop.fresh(_advised(threshold, gate))["m12"], "threshold_is_obeyed")
    assert found.status == Status.FAIL
    assert says in found.says
    assert found.places[0].startswith("loop/boot-1:")


def test_boots_without_a_policy_file_owe_it_nothing(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    loop.fresh(guest(*outcomes("neutral")))
    judgement = loop.fresh(_advised(60, under=False))["m12"]
    assert "threshold_is_obeyed" not in {each.what for each in judgement.findings}


def test_a_policy_file_that_no_run_asked_for_is_no_pass(tmp_path: Path) -> None:
    judgement = Loop(tmp_path).fresh(_advised(75))["m12"]
    assert finding(judgement, "threshold_is_obeyed").status == Status.INSUFFICIENT


def test_a_file_that_is_not_whole_is_no_policy_file(tmp_path: Path) -> None:
    torn = boot(
        said("oo_boot", boot_count=1),
        said("policy", reason_id="POLICY_CORRUPT"),
        said("oo_confidence", threshold=60),
    )
    judgement = Loop(tmp_path).fresh(torn)["m12"]
    assert "threshold_is_obeyed" not in {each.what for each in judgement.findings}


def test_a_recorded_run_that_is_judged_again_answers_to_the_run_before_it(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    loop.fresh(guest(*outcomes("neutral"), count=3))
    same = run(
        guest(
            *outcomes("helpful"), said("oo_confidence", threshold=65, gate="enforced"), policy=True
        ),
        number=50,
    )
    asked_next = _threshold(loop.record(same)["m12"])
    assert asked_next != 65
    loop.fresh(guest(*outcomes("helpful")))
    found = finding(judge(loop.look(same)), "threshold_is_obeyed")
    assert found.status == Status.PASS
