"""M11: the way from harm back to trust, over recorded runs; and what of it fails a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.guardrails.errors import LedgerError
from tools.guardrails.judges.loop.release_state import Action, Mode
from tools.guardrails.judges.loop.selfheal import judge
from tools.guardrails.judges.loop.testing_loop import (
    MEDIUM,
    Loop,
    applied,
    failed,
    guest,
    outcomes,
    run,
    simulated,
)
from tools.guardrails.judges.testing import Booted, finding
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.ledger.store import append
from tools.guardrails.policy_file import policy_file
from tools.guardrails.verdict import Judgement, Status

HARMFUL = guest(*outcomes(*["harmful"] * 8))
HELPFUL = guest(*outcomes("helpful", "helpful", "neutral", "helpful"))
SHADOW = guest(*simulated("helpful", "neutral"), policy=True)
CANARY = (
    guest(applied(), policy=True),
    guest(*outcomes("helpful", "neutral"), count=2, policy=True),
)
TO_CANARY = 5
"""Quarantined runs until a canary: two that share a window with the harm, then a streak of three."""


def _modes(loop: Loop, *runs: tuple[Booted, ...]) -> list[object]:
    return [loop.fresh(*boots)["m11"].state["mode"] for boots in runs]


def _in_canary(folder: Path, *settings: str) -> Loop:
    loop = Loop(folder, settings)
    modes = _modes(loop, (HELPFUL,), (HARMFUL,), *[(SHADOW,)] * TO_CANARY)
    assert modes[-2:] == [Mode.QUARANTINED, Mode.CANARY]
    return loop


def _healing(judgements: Mapping[str, Judgement]) -> tuple[Status, str]:
    found = finding(judgements["m11"], "self_healing")
    return found.status, found.says


def test_the_first_run_ever_is_normal(tmp_path: Path) -> None:
    judgement = Loop(tmp_path).fresh(HELPFUL)["m11"]
    assert judgement.status == Status.PASS
    assert judgement.state["mode"] == Mode.NORMAL


def test_harm_ends_in_full_release_by_way_of_a_canary(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path)
    status, says = _healing(loop.fresh(*CANARY))
    assert status == Status.PASS
    assert "CANARY to NORMAL, full_release" in says
    assert _modes(loop, (HELPFUL,)) == [Mode.NORMAL]


def test_the_policy_file_follows_the_state(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    files = []
    for boots in ((HELPFUL,), (HARMFUL,), *[(SHADOW,)] * TO_CANARY, CANARY):
        judgements = loop.fresh(*boots)
        files.append(policy_file({name: each.state for name, each in judgements.items()}).decode())
    free, bound, canary, released = files[0], files[1], files[-2], files[-1]
    assert "quarantine" not in free and "canary" not in free
    assert all("quarantine.oo_auto_apply=0\n" in text for text in files[1 : TO_CANARY + 1])
    assert bound != canary
    assert "canary.oo_auto_apply=1\n" in canary and "canary.oo_conf_gate=1\n" in canary
    assert "quarantine" not in released and "canary" not in released


def test_a_quarantine_is_no_failure_of_the_runs_in_it(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,), (HARMFUL,))
    judgement = loop.fresh(SHADOW)["m11"]
    assert judgement.status == Status.PASS
    assert judgement.state["action"] == Action.KEEP_QUARANTINE


def test_a_quarantined_run_without_any_evidence_is_no_pass(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,), (HARMFUL,))
    status, says = _healing(loop.fresh(guest(policy=True)))
    assert status == Status.INSUFFICIENT
    assert "the run's evidence is unknown" in says


def test_estimates_of_harm_keep_the_quarantine(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    worse = guest(*simulated("harmful", "harmful"), policy=True)
    assert _modes(loop, (HELPFUL,), (HARMFUL,), *[(worse,)] * 8)[-1] == Mode.QUARANTINED


def test_estimates_at_the_limits_themselves_are_good(tmp_path: Path) -> None:
    """A medium model: at most 40 % harmful, and two in a row."""
    labels = ("harmful", "harmful", "helpful", "neutral", "helpful")
    edge = guest(*simulated(*labels), policy=True, parameters=MEDIUM)
    loop = Loop(tmp_path)
    assert _modes(loop, (HELPFUL,), (HARMFUL,), *[(edge,)] * TO_CANARY)[-1] == Mode.CANARY
    over = guest(*simulated(*labels[:4]), policy=True, parameters=MEDIUM)
    other = Loop(tmp_path / "other")
    assert _modes(other, (HELPFUL,), (HARMFUL,), *[(over,)] * 8)[-1] == Mode.QUARANTINED


def test_one_simulated_action_is_too_few(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    lone = guest(*simulated("helpful"), policy=True)
    assert _modes(loop, (HELPFUL,), (HARMFUL,), *[(lone,)] * 8)[-1] == Mode.QUARANTINED


def test_a_canary_that_harms_fails_the_run_and_is_quarantined_again(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path)
    bad = guest(*outcomes("harmful", "harmful"), policy=True)
    status, says = _healing(loop.fresh(bad))
    assert status == Status.FAIL
    assert "CANARY to QUARANTINED, canary_rollback: actions did harm" in says


def test_a_canary_that_starts_too_slowly_fails_the_run(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path)
    slow = guest(*outcomes("helpful", "helpful"), policy=True, prepare=12001.0)
    status, says = _healing(loop.fresh(slow))
    assert status == Status.FAIL
    assert "startups (m9) failed" in says


def test_a_slow_start_in_the_window_keeps_the_quarantine(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    slow = guest(*simulated("helpful", "helpful"), policy=True, prepare=12001.0)
    modes = _modes(loop, (HELPFUL,), (HARMFUL,), *[(SHADOW,)] * 4, (slow,), *[(SHADOW,)] * 4)
    assert set(modes[1:]) == {Mode.QUARANTINED}
    assert _modes(loop, (SHADOW,)) == [Mode.CANARY]


def test_harm_in_the_window_keeps_the_quarantine(tmp_path: Path) -> None:
    loop = Loop(tmp_path, ("m11.stable_streak_needed=1",))
    modes = _modes(loop, (HELPFUL,), (HARMFUL,), (SHADOW,), (SHADOW,), (SHADOW,))
    assert modes[1:] == [Mode.QUARANTINED] * 3 + [Mode.CANARY]
    other = Loop(tmp_path / "other", ("m11.stable_streak_needed=1", "m11.m10_stable_window=1"))
    assert _modes(other, (HELPFUL,), (HARMFUL,), (SHADOW,))[-1] == Mode.CANARY


def test_a_canary_without_effects_is_no_pass_yet(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path)
    judgements = loop.fresh(guest(applied(), policy=True))
    assert _healing(judgements)[0] == Status.INSUFFICIENT
    assert judgements["m11"].state["action"] == Action.CANARY_WAIT


def test_effects_of_a_canarys_runs_are_taken_together(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path)
    one = guest(*outcomes("helpful"), policy=True)
    assert _modes(loop, (one,), (one,), (one,)) == [Mode.CANARY, Mode.CANARY, Mode.NORMAL]


def test_a_guest_that_fails_again_and_again_is_held_for_a_person(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path, "m11.max_release_retries=1")
    _modes(loop, (guest(failed(), *outcomes("harmful"), policy=True),))
    status, says = _healing(loop.fresh(SHADOW))
    assert status == Status.FAIL
    assert "HELD" in says and "a person decides" in says
    assert _healing(loop.fresh(SHADOW))[0] == Status.FAIL
    with loop.under("m11.let_go=true"):
        assert _modes(loop, (SHADOW,)) == [Mode.QUARANTINED]
    assert _modes(loop, (SHADOW,)) == [Mode.QUARANTINED]


def test_the_same_run_again_is_no_new_evidence(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,), (HARMFUL,))
    same = run(SHADOW, number=99)
    states = [loop.record(same)["m11"].state for _ in range(10)]
    assert {state["mode"] for state in states} == {Mode.QUARANTINED}
    assert states[-1]["action"] == Action.SAME_EVIDENCE
    with loop.under("m11.count_repeated_runs=true"):
        modes = [loop.record(same)["m11"].state["mode"] for _ in range(3)]
    assert modes[-1] == Mode.CANARY


def test_judging_a_recorded_run_once_more_does_not_hold_its_successors_rules_against_it(
    tmp_path: Path,
) -> None:
    """The harm was done before there was a quarantine to obey."""
    loop = Loop(tmp_path)
    acting = run(guest(applied(), *outcomes(*["harmful"] * 8)), number=7)
    loop.fresh(HELPFUL)
    assert loop.record(acting)["m11"].state["mode"] == Mode.QUARANTINED
    again = judge(loop.look(acting))
    assert "mode_is_obeyed" not in {each.what for each in again.findings}


def test_the_first_run_of_all_answers_to_nothing_when_it_is_judged_again(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    acting = run(guest(applied(), *outcomes(*["harmful"] * 8)), number=7)
    assert loop.record(acting)["m11"].state["mode"] == Mode.QUARANTINED
    assert "mode_is_obeyed" not in {each.what for each in judge(loop.look(acting)).findings}


def test_an_action_in_quarantine_still_fails_when_it_is_judged_again(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,), (HARMFUL,))
    acting = run(SHADOW, guest(applied()), number=7)
    loop.record(acting)
    assert finding(judge(loop.look(acting)), "mode_is_obeyed").status == Status.FAIL


def test_an_action_in_quarantine_fails_the_run(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,), (HARMFUL,))
    judgement = loop.fresh(SHADOW, guest(applied()))["m11"]
    found = finding(judgement, "mode_is_obeyed")
    assert found.status == Status.FAIL
    assert found.places == ("loop/boot-2",)
    assert "policy.cfg" in found.says


def test_a_canary_without_its_policy_file_fails_the_run_and_is_no_canary(tmp_path: Path) -> None:
    loop = _in_canary(tmp_path)
    judgement = loop.fresh(guest(*outcomes("helpful", "helpful")))["m11"]
    assert finding(judgement, "mode_is_obeyed").status == Status.FAIL
    assert judgement.state["canary_boots_left"] == 2


def test_without_the_organism_there_is_nothing_to_heal(tmp_path: Path) -> None:
    judgement = Loop(tmp_path).fresh(guest(count=None))["m11"]
    assert judgement.status == Status.INSUFFICIENT
    assert judgement.state["mode"] == Mode.NORMAL


def _forge(loop: Loop, **changes: object) -> None:
    """Appends the newest run once more, with another state of m11."""
    newest = _newest(loop)
    _append(loop, newest, {**newest.states, "m11": {**newest.states["m11"], **changes}})


def _newest(loop: Loop) -> RunRecord:
    return next(iter(loop.look(run(HELPFUL)).ledger.newest_first()))


def _append(loop: Loop, record: RunRecord, states: Mapping[str, object]) -> None:
    def follow(head: Head) -> RunRecord:
        changes = {"previous": head.sha256, "sequence": head.lines + 1, "states": states}
        return record.model_copy(update=changes)

    append(loop.folder / "ledger", follow)


def test_a_run_that_m11_did_not_judge_is_as_good_as_m10_says(tmp_path: Path) -> None:
    loop = Loop(tmp_path, ("m11.stable_streak_needed=1",))
    _modes(loop, (HELPFUL,))
    good = _newest(loop)
    _modes(loop, (HARMFUL,))
    for _ in range(2):
        _append(loop, good, {})
    assert _modes(loop, (SHADOW,)) == [Mode.CANARY]
    other = Loop(tmp_path / "other", loop.settings)
    _modes(other, (HELPFUL,), (HARMFUL,), (SHADOW,))
    silent = _newest(other)
    for _ in range(2):
        _append(other, silent, {})
    assert _modes(other, (SHADOW,)) == [Mode.QUARANTINED]


def test_a_recorded_step_that_the_machine_cannot_take_fails(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,))
    _forge(loop, mode="CANARY")
    found = finding(loop.fresh(HELPFUL)["m11"], "transitions_are_legal")
    assert found.status == Status.FAIL
    assert found.says == "run 2: CANARY cannot follow NORMAL"
    assert finding(loop.fresh(HELPFUL)["m11"], "transitions_are_legal").status == Status.FAIL
    assert finding(loop.fresh(HELPFUL)["m11"], "transitions_are_legal").status == Status.FAIL
    later = finding(loop.fresh(HELPFUL)["m11"], "transitions_are_legal")
    assert (later.status, later.samples) == (Status.PASS, 4)


@pytest.mark.parametrize("changes", [{"mode": "FREE"}, {"streak": -1}, {"extra": 1}])
def test_a_state_of_another_version_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    loop = Loop(tmp_path)
    _modes(loop, (HELPFUL,))
    _forge(loop, **changes)
    with pytest.raises(LedgerError, match=f"states.m11.{next(iter(changes))}"):
        judge(loop.look(run(HELPFUL, number=9)))
