"""M14: console and volume agree event by event; what is missing, changed, made up or torn is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.guardrails import report
from tools.guardrails.errors import CaptureError
from tools.guardrails.judges.reasons.coverage import judge
from tools.guardrails.judges.reasons.testing_organism import (
    CONFIG,
    FIRST,
    READ_BACK,
    SECOND,
    logged,
    story,
    story_with_logs,
    volume,
)
from tools.guardrails.judges.reasons.volume_logs import Reading
from tools.guardrails.judges.testing import (
    Lines,
    Said,
    Scene,
    behind,
    boot,
    capture,
    changed,
    evidence,
    finding,
    kept,
    said,
    scene,
    serial,
    without,
)
from tools.guardrails.verdict import Finding, Judgement, Status
from tools.oo.crc32c import crc32c
from tools.oo.records import TEXT_MAX, Line, RecordLog

REASON, READ = "every_decision_has_a_known_reason", "every_log_is_read_back"
JOURNAL, CONSULT, OUTCOME = (
    f"console_and_{log}_agree" for log in ("journal", "consult", "outcome")
)
VALID, LOST, TORN = "every_kept_line_is_valid", "nothing_kept_is_lost", "no_line_is_torn"
AFTER_FIRST, AFTER_SECOND = volume(FIRST), volume(FIRST, SECOND)


def _judged(folder: Path, made: Scene, *settings: str) -> Judgement:
    return judge(evidence(folder, made, settings=settings))


def _found(folder: Path, what: str, made: Scene) -> Finding:
    return finding(_judged(folder, made), what)


def _failed(folder: Path, what: str, made: Scene) -> str:
    found = _found(folder, what, made)
    assert found.status == Status.FAIL, found
    return found.says


def _kept(*first: Lines) -> Scene:
    """The story on whose volume other lines were kept than were shown: in the first boot, and in the second."""
    return logged(FIRST, SECOND, volume(first[0]), volume(*first))


def test_logs_that_say_what_the_console_said_pass(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, story_with_logs())
    assert judgement.status == Status.PASS
    samples = {each.what: each.samples for each in judgement.findings}
    assert samples == {
        REASON: 12,
        READ: 6,
        JOURNAL: 12,
        CONSULT: 1,
        OUTCOME: 1,
        VALID: 14,
        LOST: 9,
        TORN: 6,
    }


def test_no_events_are_no_parity(tmp_path: Path) -> None:
    empty = volume(())
    quiet = scene("quiet", boot("version", files=empty), given={"read_back": READ_BACK})
    judgement = _judged(tmp_path, quiet)
    passing = {each.what for each in judgement.findings if each.status == Status.PASS}
    assert judgement.status == Status.INSUFFICIENT
    assert passing == {READ, TORN}


@pytest.mark.parametrize("what", [REASON, JOURNAL, VALID])
def test_the_least_events_are_those_of_the_policy(tmp_path: Path, what: str) -> None:
    count = finding(_judged(tmp_path, story_with_logs()), what).samples
    few = _judged(tmp_path, story_with_logs(), f"m14.min_events={count + 1}")
    enough = _judged(tmp_path, story_with_logs(), f"m14.min_events={count}")
    assert finding(few, what).status == Status.INSUFFICIENT
    assert finding(enough, what).status == Status.PASS


# ---- coverage ----


def test_an_unknown_reason_on_the_console_fails(tmp_path: Path) -> None:
    made = story_with_logs()
    log = serial(FIRST).replace("reason_id=OO_PLAN_ACTIVE", "reason_id=OO_PLAN_MAYBE").encode()
    spoilt = replace(made, boots=(replace(made.boots[0], serial=log), made.boots[1]))
    assert "found 'OO_PLAN_MAYBE'" in _failed(tmp_path, REASON, spoilt)


# ---- M14.1 ----


def _without_journal() -> Scene:
    less = {name: content for name, content in AFTER_SECOND.items() if "JOUR" not in name}
    return logged(FIRST, SECOND, AFTER_FIRST, less)


def test_a_journal_that_was_not_read_back_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, READ, _without_journal())
    assert "organism/boot-2: expected OOJOUR.LOG to be read back, found none" in says


def test_a_journal_that_is_not_required_leaves_the_question_open(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _without_journal(), "m14.require_journal_parity=false")
    assert finding(judgement, READ).status == Status.INSUFFICIENT
    assert judgement.status == Status.INSUFFICIENT


def test_logs_that_are_skipped_are_no_pass(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, _kept((), ()), "m14.skip_journal_extract=true")
    assert judgement.status == Status.INSUFFICIENT
    assert [each.what for each in judgement.findings] == [REASON, READ]
    assert "skip_journal_extract" in finding(judgement, READ).says


def test_a_scenario_that_reads_nothing_back_says_nothing(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, story())
    assert finding(judgement, READ).status == Status.INSUFFICIENT
    assert finding(judgement, JOURNAL).status == Status.INSUFFICIENT


def test_only_the_logs_that_were_asked_for_are_compared(tmp_path: Path) -> None:
    made = replace(story_with_logs(), given={"config": CONFIG, "read_back": ["OOJOUR2.LOG"]})
    judgement = _judged(tmp_path, made)
    assert finding(judgement, READ).samples == 2
    assert finding(judgement, CONSULT).status == Status.INSUFFICIENT


def test_what_was_read_is_named_with_its_digest(tmp_path: Path) -> None:
    state = json.loads(report.state_json(_judged(tmp_path, story_with_logs())))["state"]
    assert [row["place"] for row in state["logs"]][:2] == [
        "organism/boot-1/files/OOJOUR.LOG",
        "organism/boot-2/files/OOJOUR.LOG",
    ]
    journal = state["logs"][1]
    assert (journal["lines"], journal["oldest"], journal["newest"], journal["shown"]) == (
        12,
        1,
        12,
        4,
    )
    assert journal["files"]["OOJOUR.LOG"]["bytes"] == 65536
    assert len(journal["files"]["OOJOUR.LOG"]["sha256"]) == 64
    assert "OO_MODE_INIT" in state["reasons_given"]
    assert "OO_MODE_RECOVERED" in state["reasons_not_given"]


# ---- parity ----


def test_an_event_that_the_journal_lacks_fails(tmp_path: Path) -> None:
    less = without(FIRST, "oo_plan")
    says = _failed(tmp_path, JOURNAL, _kept(less, SECOND))
    assert "organism/boot-1:7: the console shows event 4, which OOJOUR.LOG does not have" in says


def test_an_empty_journal_beside_a_console_with_events_fails(tmp_path: Path) -> None:
    found = _found(tmp_path, JOURNAL, _kept((), ()))
    assert found.status == Status.FAIL
    assert len(found.places) == 12


def test_an_event_that_the_journal_tells_otherwise_fails(tmp_path: Path) -> None:
    other = changed(FIRST, "oo_applied", new=64)
    says = _failed(tmp_path, JOURNAL, _kept(other, SECOND))
    assert "event 6: the console has 'boot=1 OK: OO auto-apply: reduce_ctx (old=256 new=128" in says
    assert "(old=256 new=64" in says


def test_an_event_of_another_boot_number_fails(tmp_path: Path) -> None:
    made = logged(FIRST, SECOND, AFTER_FIRST, volume(FIRST, (), SECOND))
    assert "OOJOUR.LOG has 'boot=3 OK: OO boot_count=2" in _failed(tmp_path, JOURNAL, made)


def test_an_event_that_the_console_does_not_show_fails(tmp_path: Path) -> None:
    more = behind(SECOND, "oo_outcome", said("oo_health", event=13, health="unhealthy"))
    says = _failed(tmp_path, JOURNAL, _kept(FIRST, more))
    assert "organism/boot-2/files/OOJOUR.LOG: OOJOUR.LOG has event 13" in says
    assert "which the console does not show" in says


def test_an_event_between_boots_that_nobody_showed_fails(tmp_path: Path) -> None:
    made = logged(without(FIRST, "oo_consulted"), SECOND, AFTER_FIRST, AFTER_SECOND)
    assert "has event 8, which the console does not show" in _failed(tmp_path, JOURNAL, made)


def _cut(shown: Lines) -> Scene:
    """Power fails in the first boot, when all of FIRST was kept and so much of it shown."""
    made = logged(shown, SECOND, AFTER_FIRST, AFTER_SECOND)
    return replace(made, boots=(replace(made.boots[0], outcome="power_cut"), made.boots[1]))


def test_power_may_fail_before_the_last_event_is_shown(tmp_path: Path) -> None:
    found = _found(tmp_path, JOURNAL, _cut(without(FIRST, "oo_consulted")))
    assert found.status == Status.PASS
    assert "power failed before 1 were shown" in found.says


def test_power_does_not_take_an_event_from_the_middle(tmp_path: Path) -> None:
    assert "event 4" in _failed(tmp_path, JOURNAL, _cut(without(FIRST, "oo_plan")))


@pytest.mark.parametrize(("what", "marker"), [(CONSULT, "oo_consulted"), (OUTCOME, "oo_outcome")])
def test_the_other_logs_are_compared_too(tmp_path: Path, what: str, marker: str) -> None:
    lines = (FIRST, SECOND)
    less = tuple(without(each, marker) if _has(each, marker) else each for each in lines)
    journal = {name: content for name, content in AFTER_SECOND.items() if "JOUR" in name}
    made = logged(*lines, AFTER_FIRST, {**volume(*less), **journal})
    first = {**volume(less[0]), **{name: AFTER_FIRST[name] for name in journal}}
    made = replace(made, boots=(replace(made.boots[0], files=first), made.boots[1]))
    assert f"shows event {8 if what == CONSULT else 12}" in _failed(tmp_path, what, made)
    assert _found(tmp_path, JOURNAL, made).status == Status.PASS


def _has(lines: Lines, marker: str) -> bool:
    return any(isinstance(each, Said) and each.marker == marker for each in lines)


def test_a_consult_log_that_is_turned_off_is_not_missed(tmp_path: Path) -> None:
    none = {name: b"\n" * 65536 for name in AFTER_FIRST if "CONSULT" in name}
    made = logged(FIRST, SECOND, {**AFTER_FIRST, **none}, {**AFTER_SECOND, **none})
    off = replace(made, given={**made.given, "config": (*CONFIG, "oo_consult_log=0")})
    assert _found(tmp_path, CONSULT, made).status == Status.FAIL
    assert _found(tmp_path, CONSULT, off).status == Status.INSUFFICIENT


def test_without_the_organism_boots_are_not_counted(tmp_path: Path) -> None:
    lines: Lines = tuple(
        said("m18_calibrated", event=number, reason_id="M18_CALIBRATED") for number in range(1, 11)
    )
    made = boot(*lines, files={"OOJOUR.LOG": kept(_said(lines), boot_count=0)})
    guards = scene("guards", made, given={"config": ["autotune=1"], "read_back": ["OOJOUR.LOG"]})
    assert _found(tmp_path, JOURNAL, guards).status == Status.PASS


def _said(lines: Lines) -> Iterator[Said]:
    return (each for each in lines if isinstance(each, Said))


# ---- rotation ----


def _long(count: int) -> tuple[Said, ...]:
    """A boot with more events than the journal holds."""
    start = said("oo_boot", event=1, boot_count=1, reason_id="OO_MODE_INIT")
    more = (
        said("oo_health", event=number, health="healthy", reason_id="OO_HEALTH_ANSWERED")
        for number in range(2, count + 1)
    )
    return (start, *more)


def _rotated(lines: Lines, oldest: int, until: int | None = None) -> Scene:
    """With a journal that has the events from `oldest` on."""
    rest = [each for each in _said(lines) if oldest <= (each.event or 0) <= (until or len(lines))]
    files = {"OOJOUR.LOG": kept(rest, size=0)}
    given = {"config": ["oo_enable=1"], "read_back": ["OOJOUR.LOG"]}
    return scene("long", boot(*lines, files=files), given=given)


def test_old_events_may_make_room_when_the_log_was_full(tmp_path: Path) -> None:
    made = _rotated(_long(1300), oldest=300)
    assert len(made.boots[0].files["OOJOUR.LOG"]) > 65536
    assert _found(tmp_path, JOURNAL, made).status == Status.PASS


@pytest.mark.parametrize(("free", "oldest"), [(TEXT_MAX + 42, 0), (TEXT_MAX + 41, 100)])
def test_a_log_is_full_when_the_longest_line_would_fill_it(
    tmp_path: Path, free: int, oldest: int
) -> None:
    """A line has up to 41 bytes beside its text: `event=`, 20 digits, a space, ` crc=` with its 8, and LF."""
    rest = 65536 - free - 63 * 1000
    sizes = (*[1000] * 63, rest // 2, rest - rest // 2)
    empty = len(Line(100, "").to_bytes())
    lines = tuple(Line(n, "x" * (size - empty)) for n, size in enumerate(sizes, start=100))
    nothing = RecordLog((), ())
    (guest,) = capture(scene("organism", boot()), tmp_path).boots
    reading = Reading(guest, "journal", RecordLog(lines, ()), nothing, 0, (), False)
    assert reading.oldest == oldest


def test_old_events_may_not_be_missing_while_there_is_room(tmp_path: Path) -> None:
    made = _rotated(_long(1300), oldest=700)
    assert len(made.boots[0].files["OOJOUR.LOG"]) < 64000
    assert "shows event 1, which OOJOUR.LOG does not have" in _failed(tmp_path, JOURNAL, made)


def test_the_oldest_that_is_left_is_compared(tmp_path: Path) -> None:
    lines = _long(1300)
    made = _rotated(lines, oldest=300)
    other = replace(lines[299], fields={"health": "idle", "reason_id": "OO_HEALTH_ANSWERED"})
    shown = replace(
        made, boots=(replace(made.boots[0], lines=(*lines[:299], other, *lines[300:])),)
    )
    assert "event 300: the console has" in _failed(tmp_path, JOURNAL, shown)


def test_the_oldest_that_is_left_must_be_as_it_was(tmp_path: Path) -> None:
    lines = _long(1300)
    other = replace(lines[299], fields={"health": "idle", "reason_id": "OO_HEALTH_ANSWERED"})
    before = _rotated((*lines[:299], other, *lines[300:]), oldest=300).boots[0]
    second = replace(_rotated(lines, oldest=300).boots[0], lines=())
    made = replace(_rotated(lines, oldest=300), boots=(before, second))
    assert "event 300 is no longer as the boot before left it" in _failed(tmp_path, LOST, made)


def test_the_newest_event_is_never_dropped(tmp_path: Path) -> None:
    made = _rotated(_long(1300), oldest=300, until=1299)
    assert "shows event 1300" in _failed(tmp_path, JOURNAL, made)


# ---- lines ----


def test_a_line_that_a_later_boot_rewrote_fails(tmp_path: Path) -> None:
    rewritten = volume(changed(FIRST, "oo_health", health="unhealthy"), SECOND)
    made = logged(FIRST, SECOND, AFTER_FIRST, rewritten)
    says = _failed(tmp_path, LOST, made)
    assert "event 2 is no longer as the boot before left it" in says
    assert _found(tmp_path, JOURNAL, made).status == Status.PASS


def test_a_line_that_a_later_boot_lost_fails(tmp_path: Path) -> None:
    made = logged(FIRST, SECOND, AFTER_FIRST, volume(without(FIRST, "oo_health"), SECOND))
    assert "event 2" in _failed(tmp_path, LOST, made)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("boot=2 OK: OO health=healthy reason_id=OO_HEALTH_GUESSED", "malformed oo_health line"),
        ("boot=2 OK: OO health=healthy", "malformed oo_health line"),
        ("boot=2 hello", "expected the text of a marker"),
        ("OK: OO health=healthy reason_id=OO_HEALTH_ANSWERED", "expected boot=N"),
        ("boot=2 " + "x" * 5000, "expected the text of a marker"),
        ("boot=2 OK: REPL ready (/help)", "repl_ready is not for this log"),
        ("boot=2 \udcff\udc80", "expected the text of a marker"),
    ],
)
def test_a_kept_line_that_is_no_decision_fails(tmp_path: Path, text: str, says: str) -> None:
    more = AFTER_SECOND["OOJOUR.LOG"].rstrip(b"\n") + b"\n" + _sealed(13, text)
    made = logged(FIRST, SECOND, AFTER_FIRST, {**AFTER_SECOND, "OOJOUR.LOG": more})
    assert f"event 13: {says}" in _failed(tmp_path, VALID, made)
    report.write(_judged(tmp_path, made), "M14", tmp_path / "report")


def _sealed(number: int, text: str) -> bytes:
    """A line of any length, as no firmware writes it."""
    sealed = b"event=%d %s" % (number, text.encode(errors="surrogateescape"))
    return b"%s crc=%08x\n" % (sealed, crc32c(sealed))


def _torn(pieces: int, first_outcome: str = "debug_exit") -> Scene:
    torn = AFTER_SECOND["OOJOUR.LOG"].rstrip(b"\n") + b"\n" + b"event=13 boot=2 OK\n" * pieces
    made = logged(FIRST, SECOND, AFTER_FIRST, {**AFTER_SECOND, "OOJOUR.LOG": torn})
    first = replace(made.boots[0], outcome=first_outcome)
    return replace(made, boots=(first, made.boots[1]))


def test_a_torn_line_is_reported_and_fails(tmp_path: Path) -> None:
    says = _failed(tmp_path, TORN, _torn(1))
    assert "organism/boot-2/files/OOJOUR.LOG@" in says and "b'event=13 boot=2 OK'" in says


def test_so_many_torn_lines_as_the_policy_allows_pass(tmp_path: Path) -> None:
    allowed = finding(_judged(tmp_path, _torn(2), "m14.max_torn_lines=2"), TORN)
    assert (allowed.status, "2 torn lines of at most 2" in allowed.says) == (Status.PASS, True)
    assert finding(_judged(tmp_path, _torn(2), "m14.max_torn_lines=1"), TORN).status == Status.FAIL


def test_what_a_power_cut_tore_is_counted_apart(tmp_path: Path) -> None:
    found = _found(tmp_path, TORN, _torn(1, first_outcome="power_cut"))
    assert found.status == Status.PASS
    assert "0 torn lines of at most 0, and 1 that a power cut tore" in found.says


def test_a_torn_line_is_counted_in_the_boot_that_left_it(tmp_path: Path) -> None:
    torn = b"event=9 bo\n"
    first = {**AFTER_FIRST, "OOJOUR2.LOG": torn}
    made = logged(FIRST, SECOND, first, {**AFTER_SECOND, "OOJOUR2.LOG": torn})
    found = _found(tmp_path, TORN, made)
    assert len(found.places) == 1 and "OOJOUR2.LOG@0" in found.places[0]


def test_a_log_that_contradicts_itself_cannot_be_judged(tmp_path: Path) -> None:
    other = Line(2, "boot=1 OK: OO health=idle reason_id=OO_HEALTH_ANSWERED").to_bytes()
    made = logged(FIRST, SECOND, {**AFTER_FIRST, "OOJOUR2.LOG": other}, AFTER_SECOND)
    with pytest.raises(CaptureError, match="event 2 is"):
        _judged(tmp_path, made)
