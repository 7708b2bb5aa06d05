"""The harness, on a small module with tests that it can see through."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutations.testing import python

MODULE = """
def is_late(seconds):
    return seconds > 90

def last(numbers):
    at = 0
    while at < len(numbers) - 1:
        at += 1
    return numbers[at]

RULES = {"late": is_late}
"""
WHOLE = """
from planted.limits import RULES, last

def test_late(tmp_path):
    (tmp_path / "x").write_text("")
    assert RULES["late"](91) and not RULES["late"](90)

def test_last():
    assert last([1, 2]) == 2
"""
SCRIPT = """
from pathlib import Path
from tests.mutations import groups, harness, trials

trials.CPU_SECONDS = 1
planted = Path("planted")
group = groups.Group("planted", (planted / "limits.py",), (planted / "test_limits.py",))
report = harness.try_all(group, 2)
print(len(report.outcomes), *(f"{each.before} becomes {each.after}" for each in report.survivors), sep="; ")
"""


def tried(folder: Path, tests: str, module: str = MODULE) -> subprocess.CompletedProcess[str]:
    planted = folder / "planted"
    planted.mkdir()
    (planted / "__init__.py").write_text("")
    (planted / "limits.py").write_text(module)
    (planted / "test_limits.py").write_text(tests)
    return python("-c", SCRIPT, folder=folder)


def test_tests_of_both_sides_notice_every_mutant(tmp_path: Path) -> None:
    """Also where a function is held in a table that was made when its module was imported."""
    assert tried(tmp_path, WHOLE).stdout == "4\n"


def test_a_threshold_whose_own_value_is_not_tried_has_a_survivor(tmp_path: Path) -> None:
    tests = WHOLE.replace("(90)", "(89)")
    assert tried(tmp_path, tests).stdout == "4; seconds > 90 becomes seconds >= 90\n"


def test_a_function_that_no_test_calls_keeps_all_its_mutants(tmp_path: Path) -> None:
    tests = WHOLE.partition("def test_last")[0]
    survivors = ["at >= len(numbers) - 1", "at <= len(numbers) - 1"]
    done = tried(tmp_path, tests)
    assert done.stdout.split("; ")[1:] == [
        f"at < len(numbers) - 1 becomes {each}" for each in (survivors[0], f"{survivors[1]}\n")
    ]


def test_a_loop_without_an_end_is_noticed(tmp_path: Path) -> None:
    endless = MODULE.replace("at += 1", "at = min(at + 1, len(numbers) - 1)")
    assert tried(tmp_path, WHOLE, endless).stdout == "4\n"


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        (
            WHOLE.replace("== 2", "== 3"),
            "without a mutant, planted/test_limits.py::test_last fails",
        ),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("from planted import limits\n", "expected tests to run against mutants"),
    ],
)
def test_tests_that_say_nothing_are_no_success(tmp_path: Path, tests: str, says: str) -> None:
    done = tried(tmp_path, tests)
    assert done.returncode != 0 and done.stdout == ""
    assert says in done.stderr
