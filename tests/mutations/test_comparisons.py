"""Mutants: which there are of a module, and that each is the module with one comparison changed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutations.comparisons import UnreachableError, mutants, mutated, parse

MODULE = """
class Row:
    @property
    def fits(self):
        return self.low <= self.value < self.high

    def known(self, words):
        return [word for word in words if word in self.words and word is not None]

is_late = lambda seconds: seconds != 90
"""


def module(folder: Path, text: str = MODULE) -> Path:
    path = folder / "module.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_operator_is_negated_and_an_order_also_moved_by_one(tmp_path: Path) -> None:
    found = [
        (each.place.function, each.place.first_line, each.after)
        for each in mutants(module(tmp_path))
    ]
    assert found == [
        ("Row.fits", 3, "self.low > self.value < self.high"),
        ("Row.fits", 3, "self.low < self.value < self.high"),
        ("Row.fits", 3, "self.low <= self.value >= self.high"),
        ("Row.fits", 3, "self.low <= self.value <= self.high"),
        ("Row.known", 7, "word not in self.words"),
        ("Row.known", 7, "word is None"),
        ("<lambda>", 10, "seconds == 90"),
    ]


def test_a_mutant_is_the_module_with_one_comparison_changed(tmp_path: Path) -> None:
    path = module(tmp_path)
    for mutant in mutants(path):
        text = ast.unparse(mutated(parse(path), mutant))
        assert text == ast.unparse(parse(path)).replace(mutant.before, mutant.after)


@pytest.mark.parametrize(
    "text", ["OLD = 3 < 4\n", "class A:\n    old = [n for n in (1, 2) if n > 1]\n"]
)
def test_what_has_run_before_it_could_be_mutated_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreachableError, match=r"module.py:\d: expected comparisons in functions"):
        mutants(module(tmp_path, text))
