"""M13: every decision has its reason, its numbers have sources, and what is applied is kept, measured or undone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools.guardrails import report
from tools.guardrails.errors import GuardrailError
from tools.guardrails.judges.reasons.explainability import judge
from tools.guardrails.judges.reasons.explanation import explain, pack
from tools.guardrails.judges.reasons.testing_organism import CONFIG, FIRST, SECOND, story
from tools.guardrails.judges.testing import (
    GivenValue,
    Lines,
    Said,
    Scene,
    behind,
    boot,
    capture,
    changed,
    evidence,
    finding,
    line,
    said,
    scene,
    serial,
    without,
)
from tools.guardrails.policy_file import seal
from tools.guardrails.verdict import Finding, Judgement, Status

READABLE = "every_line_can_be_read"
REASON = "every_decision_has_one_known_reason"
EVENT = "every_logged_decision_has_an_event"
RISING = "events_are_unique_and_rising"
CONSULT = "every_consult_is_accounted_for"
SCORE = "every_score_is_the_sum_of_its_parts"
SOURCE = "every_threshold_has_a_source"
CHECKPOINT = "every_applied_action_has_a_checkpoint"
FOLLOW_UP = "every_applied_action_is_followed_up"


def _judged(folder: Path, made: Scene, *settings: str) -> Judgement:
    return judge(evidence(folder, made, settings=settings))


def _found(folder: Path, what: str, first: Lines = FIRST, second: Lines = SECOND) -> Finding:
    return finding(_judged(folder, story(first, second)), what)


def _failed(folder: Path, what: str, first: Lines = FIRST, second: Lines = SECOND) -> str:
    """What the finding that fails says."""
    found = _found(folder, what, first, second)
    assert found.status == Status.FAIL
    return found.says


def _renumbered(lines: Lines, marker: str, event: int | None) -> Lines:
    """With another event id."""
    return tuple(
        replace(each, event=event) if isinstance(each, Said) and each.marker == marker else each
        for each in lines
    )


def test_an_organism_at_work_is_explained(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, story())
    assert {each.what: each.status for each in judgement.findings} == dict.fromkeys(
        (READABLE, REASON, EVENT, RISING, CONSULT, SCORE, SOURCE, CHECKPOINT, FOLLOW_UP),
        Status.PASS,
    )
    assert finding(judgement, REASON).samples == 12
    assert finding(judgement, SOURCE).says == "numbers by source: default 1, operator 6"


def test_nothing_decided_is_no_explanation(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, scene("chat", boot("version")))
    assert judgement.status == Status.INSUFFICIENT
    found = {each.what for each in judgement.findings if each.status == Status.PASS}
    assert found == {READABLE}


def test_the_least_decisions_are_those_of_the_policy(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, story(), "m13.min_decisions=13")
    assert finding(judgement, REASON).status == Status.INSUFFICIENT
    assert finding(_judged(tmp_path, story(), "m13.min_decisions=12"), REASON).status == Status.PASS


# ---- decisions ----


def _spoilt(lines: Lines, marker: str, old: str, new: str) -> Scene:
    """The story with the text of one line of its first boot replaced."""
    log = serial(lines)
    spoken = next(each for each in log.split("\n") if _starts(each, marker))
    assert old in spoken
    return _first_of(log.replace(spoken, spoken.replace(old, new, 1)).encode())


def _starts(text: str, marker: str) -> bool:
    return text.startswith(line(said(marker), 1, 1).split("{")[0].split("=")[0].split(" reason")[0])


def _first_of(log: bytes) -> Scene:
    made = story()
    return replace(made, boots=(replace(made.boots[0], serial=log), made.boots[1]))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("OO_HEALTH_ANSWERED", "OO_HEALTH_GUESSED", "found 'OO_HEALTH_GUESSED'"),
        (" reason_id=OO_HEALTH_ANSWERED", "", "expected a reason id, found none"),
        (
            "reason_id=OO_",
            "reason_id=OO_MODE_INIT reason_id=OO_",
            "expected one reason id, found 2",
        ),
        ("OO_HEALTH_ANSWERED", "", "expected a reason id of the marker table, found ''"),
        ("health=healthy", "health=well", "malformed oo_health line"),
    ],
)
def test_a_reason_that_is_unknown_missing_or_doubled_fails(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    found = finding(_judged(tmp_path, _spoilt(FIRST, "oo_health", old, new)), REASON)
    assert found.status == Status.FAIL
    assert says in found.says and found.places[0].startswith("organism/boot-1:")


def test_a_line_that_is_missing_is_noticed(tmp_path: Path) -> None:
    log = serial(FIRST).split("\n")
    less = "\n".join(each for each in log if "oo_plan" not in each and "OO plan: " not in each)
    judgement = _judged(tmp_path, _first_of(less.encode()))
    assert finding(judgement, READABLE).status == Status.FAIL
    assert "lines are missing" in finding(judgement, READABLE).says


def test_hostile_bytes_are_said_and_reported(tmp_path: Path) -> None:
    log = serial(FIRST).encode() + b"OK: OO health=\xff\x00<script>|reason_id=X\x1b[2J\n"
    judgement = _judged(tmp_path, _first_of(log))
    assert finding(judgement, REASON).status == Status.FAIL
    report.write(judgement, "M13", tmp_path / "report")


def test_a_decision_without_an_event_id_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, EVENT, _renumbered(FIRST, "oo_plan", None))
    assert "organism/boot-1:7: expected an event id, found none: oo_plan is to be kept" in says


def test_events_that_are_all_missing_are_noticed_where_a_journal_is_kept(tmp_path: Path) -> None:
    bare = [
        tuple(replace(each, event=None) if isinstance(each, Said) else each for each in lines)
        for lines in (FIRST, SECOND)
    ]
    assert "oo_boot is to be kept" in _failed(tmp_path, EVENT, *bare)
    guarded = scene(
        "guards",
        boot(said("m18_calibrated", reason_id="M18_CALIBRATED")),
        given={"config": ["guardrails=1"]},
    )
    assert finding(_judged(tmp_path, guarded), EVENT).status == Status.FAIL


def test_a_policy_can_ask_for_a_journal(tmp_path: Path) -> None:
    lines = (
        said("policy", owners="canary", reason_id="POLICY_APPLIED"),
        said("m18_calibrated", reason_id="M18_CALIBRATED"),
    )
    files = {"policy.cfg": seal("curriculum.autotune=1\n")}
    asked = scene("guards", boot(*lines, files=files))
    assert finding(_judged(tmp_path, asked), EVENT).status == Status.FAIL


def test_without_a_journal_no_event_id_is_expected(tmp_path: Path) -> None:
    tripped = said("sentinel_tripped", violations=1, reason_id="SENTINEL_TEST")
    found = finding(_judged(tmp_path, scene("chat", boot(tripped))), EVENT)
    assert found.status == Status.INSUFFICIENT


def test_a_log_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    lines = _renumbered(FIRST, "oo_consulted", None)
    failed = behind(lines, "oo_blocked", said("oo_log_failed", error="disk full"))
    assert _found(tmp_path, EVENT, failed).status == Status.PASS
    late = behind(lines, "oo_consulted", said("oo_log_failed", error="disk full"))
    assert _found(tmp_path, EVENT, late).status == Status.FAIL


@pytest.mark.parametrize("event", [2, 1])
def test_an_event_id_that_does_not_rise_fails(tmp_path: Path, event: int) -> None:
    says = _failed(tmp_path, RISING, _renumbered(FIRST, "oo_confidence", event))
    assert f"expected an event above 2, found {event}" in says


def test_an_event_id_of_an_earlier_boot_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, RISING, second=_renumbered(SECOND, "oo_boot", 8))
    assert "organism/boot-2:2: expected an event above 8, found 8" in says


# ---- consults ----


@pytest.mark.parametrize("field", ["applied", "simulated", "blocked"])
def test_a_consult_that_counts_other_actions_fails(tmp_path: Path, field: str) -> None:
    said_of_it = changed(FIRST, "oo_consulted", **{field: 2})
    found = {"applied": 1, "simulated": 0, "blocked": 1}[field]
    assert f"ends with {field}=2, and {found} are said" in _failed(tmp_path, CONSULT, said_of_it)


def test_a_failed_action_counts_as_blocked(tmp_path: Path) -> None:
    failed = said(
        "oo_apply_failed", event=6, action="reduce_ctx", reason_id="OO_APPLY_VERIFY_FAILED"
    )
    lines = behind(without(FIRST, "oo_applied"), "oo_checkpoint", failed)
    assert _found(
        tmp_path, CONSULT, changed(lines, "oo_consulted", applied=0, blocked=2)
    ).status == (Status.PASS)


def test_a_consult_without_an_end_fails_unless_power_did(tmp_path: Path) -> None:
    lines = without(FIRST, "oo_consulted")
    assert "the consult has no end" in _failed(tmp_path, CONSULT, lines)
    made = story(lines)
    cut = replace(made, boots=(replace(made.boots[0], outcome="power_cut"), made.boots[1]))
    assert finding(_judged(tmp_path, cut), CONSULT).status == Status.PASS


def test_an_action_outside_of_a_consult_fails(tmp_path: Path) -> None:
    stray = said("oo_applied", event=9, action="reduce_seq", reason_id="OO_APPLY_OK")
    lines = behind(FIRST, "oo_consulted", stray)
    assert "expected oo_applied within a consult" in _failed(tmp_path, CONSULT, lines)


def test_a_consult_without_a_decision_fails(tmp_path: Path) -> None:
    lines = without(without(FIRST, "oo_applied"), "oo_blocked")
    lines = changed(lines, "oo_consulted", applied=0, blocked=0)
    assert "ends without a decision" in _failed(tmp_path, CONSULT, lines)
    stable = said("oo_decided", event=6, decision="system_stable", reason_id="OO_STABLE_OK")
    kept = behind(lines, "oo_checkpoint", stable)
    assert _found(tmp_path, CONSULT, kept).status == Status.PASS


@pytest.mark.parametrize("marker", ["oo_blocked", "oo_consulted"])
@pytest.mark.parametrize("field", ["score", "threshold"])
def test_another_score_or_threshold_in_a_consult_fails(
    tmp_path: Path, marker: str, field: str
) -> None:
    says = _failed(tmp_path, CONSULT, changed(FIRST, marker, **{field: 49}))
    assert f"{marker} says {field}=49, the confidence " in says


def test_a_consult_without_confidence_fails(tmp_path: Path) -> None:
    assert "no confidence" in _failed(tmp_path, CONSULT, without(FIRST, "oo_confidence"))


def test_a_score_that_is_not_the_sum_of_its_parts_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, SCORE, changed(FIRST, "oo_confidence", feedback=-4))
    assert "expected a score of 64, the sum of its parts, found 68" in says


@pytest.mark.parametrize(("base", "score", "passes"), [(150, 100, True), (-90, 0, False)])
def test_a_score_is_held_to_0_to_100(tmp_path: Path, base: int, score: int, passes: bool) -> None:
    reason = "OO_CONF_GATE_PASS" if passes else "OO_CONF_GATE_FAIL"
    fields: dict[str, GivenValue] = {
        "base": base,
        "score": score,
        "pass": passes,
        "reason_id": reason,
    }
    assert (
        _found(tmp_path, SCORE, changed(FIRST, "oo_confidence", 0, **fields)).status == Status.PASS
    )


@pytest.mark.parametrize(
    ("threshold", "fields"),
    [
        (69, {"pass": True}),
        (68, {"pass": False}),
        (50, {"reason_id": "OO_CONF_LOG_ONLY"}),
        (50, {"gate": "log_only"}),
    ],
)
def test_a_score_whose_reason_does_not_follow_from_it_fails(
    tmp_path: Path, threshold: int, fields: dict[str, GivenValue]
) -> None:
    lines = changed(FIRST, "oo_confidence", 0, **{"threshold": threshold, **fields})
    assert "of a score of 68 at" in _failed(tmp_path, SCORE, lines)


def test_a_score_at_its_threshold_passes(tmp_path: Path) -> None:
    lines = changed(FIRST, "oo_confidence", threshold=68)
    assert _found(tmp_path, SCORE, lines).status == Status.PASS


# ---- changes ----


def test_an_action_without_a_checkpoint_before_it_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, CHECKPOINT, without(FIRST, "oo_checkpoint"))
    assert "expected a checkpoint before reduce_ctx, found none" in says
    late = behind(without(FIRST, "oo_checkpoint"), "oo_applied", said("oo_checkpoint", event=6))
    assert _found(tmp_path, CHECKPOINT, late).status == Status.FAIL


def _forgetful() -> Lines:
    return without(without(SECOND, "oo_trial"), "oo_outcome")


def test_an_action_that_no_later_boot_speaks_of_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, FOLLOW_UP, second=_forgetful())
    assert "expected an outcome, a confirmation or a rollback of reduce_ctx" in says


@pytest.mark.parametrize("marker", ["oo_trial", "oo_outcome"])
def test_a_confirmation_or_an_outcome_is_enough(tmp_path: Path, marker: str) -> None:
    assert _found(tmp_path, FOLLOW_UP, second=without(SECOND, marker)).status == Status.PASS


@pytest.mark.parametrize(
    "fields", [{"action": "reduce_seq"}, {"applied_boot": 2}, {"applied_event": 7}]
)
def test_the_outcome_of_another_action_is_none(
    tmp_path: Path, fields: dict[str, GivenValue]
) -> None:
    other = changed(without(SECOND, "oo_trial"), "oo_outcome", 0, **fields)
    assert _found(tmp_path, FOLLOW_UP, second=other).status == Status.FAIL


def test_an_outcome_whose_event_was_lost_counts(tmp_path: Path) -> None:
    lost = changed(without(SECOND, "oo_trial"), "oo_outcome", applied_event=0)
    assert _found(tmp_path, FOLLOW_UP, second=lost).status == Status.PASS


def test_the_confirmation_of_another_key_is_none(tmp_path: Path) -> None:
    other = changed(without(SECOND, "oo_outcome"), "oo_trial", key="seq_len")
    assert _found(tmp_path, FOLLOW_UP, second=other).status == Status.FAIL


def test_a_boot_that_was_asked_nothing_says_nothing_yet(tmp_path: Path) -> None:
    found = _found(tmp_path, FOLLOW_UP, second=without(_forgetful(), "oo_health"))
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_a_last_boot_has_nothing_behind_it(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, scene("organism", boot(*FIRST), given={"config": CONFIG}))
    assert finding(judgement, FOLLOW_UP).status == Status.INSUFFICIENT
    assert finding(judgement, CHECKPOINT).status == Status.PASS


def test_a_change_whose_boot_failed_must_be_rolled_back(tmp_path: Path) -> None:
    idle = without(_forgetful(), "oo_health")
    reason = "OO_MODE_AT_BOTTOM"
    third = (said("oo_boot", event=13, boot_count=3, previous="unhealthy", reason_id=reason),)
    undone = said("oo_rollback", event=14, key="ctx_len", reason_id="OO_ROLLBACK_UNHEALTHY")
    boots = (boot(*FIRST), boot(*idle))
    bad = scene("organism", *boots, boot(*third), given={"config": CONFIG})
    good = scene("organism", *boots, boot(*third, undone), given={"config": CONFIG})
    assert finding(_judged(tmp_path, bad), FOLLOW_UP).status == Status.FAIL
    assert finding(_judged(tmp_path, good), FOLLOW_UP).status == Status.PASS


# ---- the pack ----


def test_the_pack_has_every_decision_and_is_plain_json(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, story(), "m13.min_applied=1")
    state = json.loads(report.state_json(judgement))["state"]
    assert [row["event"] for row in state["decisions"]] == list(range(1, 13))
    applied = state["decisions"][5]
    assert applied["action"] == "reduce_ctx"
    assert (applied["score"], applied["threshold"], applied["confidence_event"]) == (68, 50, 3)
    assert applied["followed_by"] == ["organism/boot-2:5", "organism/boot-2:4"]
    health = state["reasons"]["OO_HEALTH_ANSWERED"]
    assert health == {"count": 2, "meaning": "the model answered, and nothing had failed"}
    assert state["policies"]["m13"]["min_applied"] == {"value": 1, "origin": "--set"}
    assert state["policies"]["m13"]["min_consults"]["origin"] == "default"
    assert state["policies"]["m13"]["min_decisions"]["origin"] == "policy"


def test_the_same_captures_give_the_same_bytes(tmp_path: Path) -> None:
    first = report.state_json(_judged(tmp_path / "a", story()))
    assert report.state_json(_judged(tmp_path / "b", story())) == first


def test_a_decision_is_explained_to_a_person(tmp_path: Path) -> None:
    of = pack(capture(story(), tmp_path))
    text = explain(of, 6)
    assert text.splitlines()[0] == "oo_applied, event 6, boot 1 (organism/boot-1:9)"
    assert "reason     OO_APPLY_OK: written, read back, and the same" in text
    assert 'advice     "reduce ctx and increase ctx", of the mock' in text
    assert "score      68, threshold 50" in text
    assert "boot 2: oo_outcome helpful OO_OUTCOME_BETTER" in text
    blocked = explain(of, 7)
    assert "threshold=50, operator: repl.cfg: oo_conf_threshold=50" in blocked
    assert explain(of).startswith("oo_outcome, event 12")


def test_an_event_that_is_not_there_is_an_error_that_says_which_are(tmp_path: Path) -> None:
    with pytest.raises(GuardrailError, match="no decision has event 99; there are 1 to 12"):
        explain(pack(capture(story(), tmp_path)), 99)
    with pytest.raises(GuardrailError, match="no decision in any of its boots"):
        explain(pack(capture(scene("chat", boot("version")), tmp_path)))
