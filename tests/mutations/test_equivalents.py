"""The table of mutants that nobody can notice: nothing survives beside it, and nothing stays in it."""

from __future__ import annotations

import ast

from tests.mutations.comparisons import Mutant, Place
from tests.mutations.equivalents import Equivalent, compare, load
from tests.mutations.groups import groups
from tests.mutations.harness import mutants_of

FILE = "tools/guardrails/judges/boots/static.py"
SURVIVOR = Mutant(Place(FILE, "_kept", 70, 72), "a >= b", "a > b", 0, 0, ast.Gt)
ROW = Equivalent(
    file=FILE, function="_kept", before="a >= b", after="a > b", why="they are never equal here"
)


def test_a_survivor_with_a_row_is_no_problem_wherever_it_stands() -> None:
    assert compare([SURVIVOR], [FILE], [ROW]).problems == ()


def test_a_survivor_without_a_row_is() -> None:
    (problem,) = compare([SURVIVOR], [FILE], []).problems
    assert problem.startswith(f"{FILE}:72 _kept: a >= b becomes a > b: no test notices")
    for other in (
        {"function": "_other"},
        {"before": "a > b"},
        {"after": "a < b"},
        {"file": "x.py"},
    ):
        assert compare([SURVIVOR], [FILE], [ROW.model_copy(update=other)]).unexplained


def test_a_row_without_a_survivor_is() -> None:
    (problem,) = compare([], [FILE], [ROW]).problems
    assert "take the row out of equivalents.toml" in problem
    assert compare([], ["another.py"], [ROW]).problems == ()


def test_every_row_is_of_one_mutant() -> None:
    """A row that no group looks for would never be stale, and one of two mutants would hide the second."""
    mutants = [mutant for group in groups().values() for mutant in mutants_of(group)]
    for row in load():
        assert sum(map(row.is_of, mutants)) == 1, row
    assert len(mutants) > 400
