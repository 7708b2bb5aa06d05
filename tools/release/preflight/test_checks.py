"""The table, and what a report makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.release.errors import Exit, ReleaseError
from tools.release.preflight.checks import Asked, Check, checks, checks_md
from tools.release.preflight.outcome import Outcome, State, Task
from tools.release.preflight.packages import read_packages
from tools.release.preflight.report import as_json, run


def _check(state: State, *, needed: bool = True, task: Task = Task.BOOT) -> Check:
    outcome = Outcome(state, f"found {state}")
    return Check(f"{state}", frozenset({task}), "it", "mend it", lambda asked: outcome, needed)


OK, MISSING, UNKNOWN = map(_check, State)


@pytest.mark.parametrize(
    ("given", "exit"),
    [
        ([OK], Exit.DONE),
        ([OK, MISSING], Exit.REFUSED),
        ([OK, UNKNOWN], Exit.COULD_NOT_RUN),
        ([MISSING, UNKNOWN], Exit.REFUSED),
        ([OK, _check(State.MISSING, needed=False)], Exit.DONE),
        ([OK, _check(State.UNKNOWN, needed=False)], Exit.DONE),
        ([_check(State.OK, needed=False)], Exit.COULD_NOT_RUN),
        ([], Exit.COULD_NOT_RUN),
        ([_check(State.OK, task=Task.SIGN)], Exit.COULD_NOT_RUN),
    ],
)
def test_ready_is_only_what_was_looked_at_and_is_there(given: list[Check], exit: Exit) -> None:
    report = run(given, [Task.BOOT], Asked())
    assert report.exit == exit
    assert report.is_ready(Task.BOOT) == (exit == Exit.DONE)
    assert as_json(report)["ready"] == (exit == Exit.DONE)


def test_one_task_that_is_not_ready_is_enough() -> None:
    report = run([OK, _check(State.MISSING, task=Task.SIGN)], [Task.BOOT, Task.SIGN], Asked())
    assert report.is_ready(Task.BOOT)
    assert report.exit == Exit.REFUSED


@pytest.mark.parametrize("task", Task)
def test_every_task_has_something_to_look_at(task: Task) -> None:
    assert [check for check in checks() if task in check.tasks and check.needed]


def test_names_are_unique_and_every_row_has_a_remedy() -> None:
    rows = checks()
    assert len({check.id for check in rows}) == len(rows)
    assert all(check.remedy and check.tasks for check in rows)


def test_the_page_has_the_table() -> None:
    """Else: python -m tools.release.preflight.checks"""
    assert checks_md() in Path("docs/preflight.md").read_text()


@pytest.mark.parametrize("line", ["mtools test mdir", "mtools tset mdir judges", "mtools"])
def test_a_line_of_the_package_table_that_is_not_whole_is_named(tmp_path: Path, line: str) -> None:
    table = tmp_path / "packages.txt"
    table.write_text(f"# a comment\n\n{line}\n")
    with pytest.raises(ReleaseError, match="packages.txt:3: expected name"):
        read_packages(table)
