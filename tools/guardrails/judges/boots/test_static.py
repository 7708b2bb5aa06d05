"""M8, static: a marker that no boot says is named, and so is a line that is none of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.guardrails.judges.boots import static
from tools.guardrails.judges.boots.static import PROMISES, Promise
from tools.guardrails.judges.testing import (
    Booted,
    Lines,
    Said,
    boot,
    evidence,
    finding,
    said,
    scene,
    table,
)
from tools.guardrails.verdict import Judgement, Status


def spoken(promise: Promise) -> Said:
    return Said(promise.marker, {promise.field: promise.value} if promise.field else {})


ALL: Lines = (said("version", build=0xEDBCD049), *map(spoken, PROMISES))


def judged(folder: Path, *boots: Booted, settings: tuple[str, ...] = ()) -> Judgement:
    scenes = (scene(f"scene_{n}", each) for n, each in enumerate(boots))
    return static.judge(evidence(folder, *scenes, settings=settings))


def test_boots_that_say_everything_pass(tmp_path: Path) -> None:
    judgement = judged(tmp_path, boot(*ALL))
    assert judgement.status == Status.PASS, judgement.line()
    lines = judgement.state["lines"]
    assert isinstance(lines, dict) and lines["obs_startup"] == 1 and lines["cfg_none"] == 0


def test_every_row_of_the_mission_is_there() -> None:
    rows = {"A1", "A2", "A3", "B1", "B2", "B3", "M18", "M18.1"}
    assert {promise.row for promise in PROMISES} == rows
    assert len({promise.what for promise in PROMISES}) == len(PROMISES)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.what)
def test_a_marker_that_no_boot_says_is_named(tmp_path: Path, promise: Promise) -> None:
    """All others are there: only this one fails."""
    rest = (said("version"), *(spoken(each) for each in PROMISES if each != promise))
    judgement = judged(tmp_path, boot(*rest))
    failed = [each for each in judgement.findings if each.status == Status.FAIL]
    assert [each.what for each in failed] == [promise.what]
    assert failed[0].says.startswith(f"{promise.row}: {promise.line} shows")
    assert "found 0 in 1 boots" in failed[0].says


def test_markers_may_come_from_different_boots(tmp_path: Path) -> None:
    judgement = judged(
        tmp_path, boot(*ALL[:6]), boot("version", *ALL[6:]), settings=("m8.skip_build=1",)
    )
    assert judgement.status == Status.PASS, judgement.line()


def test_as_many_lines_as_the_policy_asks_for(tmp_path: Path) -> None:
    found = finding(judged(tmp_path, boot(*ALL), settings=("m8.min_lines=2",)), "b3_oo_plan")
    assert (found.status, found.samples, found.minimum) == (Status.FAIL, 1, 2)


def test_without_boots_there_is_no_verdict(tmp_path: Path) -> None:
    judgement = static.judge(evidence(tmp_path))
    assert judgement.status == Status.INSUFFICIENT
    assert {each.status for each in judgement.findings} == {Status.INSUFFICIENT}


def test_boots_whose_power_is_cut_are_no_evidence(tmp_path: Path) -> None:
    judgement = judged(
        tmp_path, boot(*ALL, "[obs] gen_e", given={"power_cut": {"after_writes": 1}})
    )
    assert judgement.status == Status.INSUFFICIENT


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[obs] gen_end tokens=3", "begins like a marker and has no level="),
        ("[obs] gen_end tokens=x level=info seq=99 t_us=1", "malformed gen_end line"),
        ("[new] thing=1 level=info seq=99 t_us=1", "no row of the marker table"),
    ],
)
def test_a_line_that_only_looks_like_a_marker_is_named(
    tmp_path: Path, line: str, says: str
) -> None:
    found = finding(judged(tmp_path, boot(*ALL, line)), "every_marker_is_read")
    assert found.status == Status.FAIL and says in found.says
    assert found.places == (f"scene_0/boot-1:{len(ALL) + 1}",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[power] off level=warn seq=1 t_us=1", "power: expected level info, found warn"),
        ("[power] off event=3 level=info seq=1 t_us=1", "power: expected no event"),
    ],
)
def test_a_line_that_is_not_as_its_row_says_is_named(tmp_path: Path, line: str, says: str) -> None:
    found = finding(judged(tmp_path, boot(line)), "levels_and_events")
    assert found.status == Status.FAIL and says in found.says


def test_captures_of_two_builds_are_named(tmp_path: Path) -> None:
    boots = boot(*ALL), boot(said("version", build=0xBAD))
    found = finding(judged(tmp_path / "a", *boots), "one_build")
    assert found.status == Status.FAIL and "expected build edbcd049" in found.says
    assert "found 00000bad: capture them again" in found.says
    told = judged(tmp_path / "b", *boots, settings=("m8.skip_build=true",))
    assert "one_build" not in {each.what for each in told.findings}


def test_every_promise_is_a_row_of_the_table() -> None:
    fields = {marker.id: {row.name for row in marker.fields} for marker in table().marker}
    for promise in PROMISES:
        assert promise.marker in fields
        assert not promise.field or promise.field in fields[promise.marker]
