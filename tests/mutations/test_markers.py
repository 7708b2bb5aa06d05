"""Boots that say something else than they said: some guardrail fails, for every marker that a capture holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations import unjudged
from tests.mutations.markers import Captures, gone, held, renamed, spoiled
from tests.mutations.noticing import FailsAnywayError, Noticed, notice_all
from tools.guardrails.captures import find_captures
from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.judges.testing import boot, capture, said, scene, table
from tools.markers.table import Marker

FOLDER = Path("firmware.scenarios")
SCENARIOS = {name for guardrail in GUARDRAILS.values() for name in guardrail.scenarios}


@pytest.fixture(scope="module")
def found() -> tuple[Noticed, ...]:
    """What comes of every mutation of the captures there are."""
    captures = find_captures(FOLDER, table())
    assert SCENARIOS <= set(captures)
    return notice_all(captures, table())


def test_a_marker_that_is_gone_renamed_or_spoiled_is_noticed(found: tuple[Noticed, ...]) -> None:
    unnoticed = {(each.marker, each.mutation) for each in found if each.by is None}
    assert unnoticed == {(row.marker, row.mutation) for row in unjudged.load()}


def test_most_markers_are_held(found: tuple[Noticed, ...]) -> None:
    """What no capture holds cannot be shown to be judged."""
    assert len({each.marker for each in found}) >= 40
    assert len(found) >= 200


# ---- on a small capture ----


def marker(name: str) -> Marker:
    return next(each for each in table().marker if each.id == name)


@pytest.fixture
def captures(tmp_path: Path) -> Captures:
    lines = (
        "version",
        said("obs_phase", phase="select", time=1.5),
        said("obs_phase", phase="read", time=2),
        "OK, but this is no marker",
        said("power", action="off"),
    )
    return {"chat": capture(scene("chat", boot(*lines), boot("version")), tmp_path)}


def serial(captures: Captures, number: int = 1) -> str:
    return captures["chat"].boots[number - 1].serial


def test_a_marker_that_is_gone_leaves_no_gap(captures: Captures) -> None:
    boot = gone(captures, marker("obs_phase"))["chat"].boots[0]
    assert [(each.id, each.seq, each.t_us) for each in boot.log.records] == [
        ("version", 1, 1000),
        ("power", 2, 4000),
    ]
    assert boot.log.problems == () and "no marker" in boot.serial


def test_a_marker_that_is_renamed_still_looks_like_one(captures: Captures) -> None:
    boot = renamed(captures, marker("obs_phase"))["chat"].boots[0]
    assert "[xobs][phase] select ms=1.500 level=info seq=2 t_us=2000\n" in boot.serial
    assert [problem.line for problem in boot.log.problems[:2]] == [2, 3]
    assert not boot.of("obs_phase")


def test_one_field_of_one_line_is_spoiled(captures: Captures) -> None:
    changed = spoiled(captures, marker("obs_phase"), "time")
    assert serial(changed) == serial(captures).replace("ms=2.000", "ms=?")
    assert serial(changed, 2) == serial(captures, 2)


def test_what_is_not_said_is_not_held(captures: Captures) -> None:
    assert [each.id for each in held(captures, table())] == ["version", "obs_phase", "power"]


def test_captures_that_fail_anyway_show_nothing(tmp_path: Path) -> None:
    made = boot("version", "metrics_written", files={"LLMK_METRICS.LOG": b'{"schema": 0}'})
    broken = capture(scene("organism", made), tmp_path)
    with pytest.raises(FailsAnywayError, match="^m10 fails on unchanged captures: organism/boot-1"):
        notice_all({"organism": broken}, table())
