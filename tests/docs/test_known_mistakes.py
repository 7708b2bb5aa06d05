"""docs/known-mistakes.md: every number has a row, and every test it names exists under that name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NUMBERS = range(1, 38)


class Row(NamedTuple):
    number: int
    mistake: str
    names: list[str]  # a file and its tests; empty: there is no such feature


def rows() -> list[Row]:
    text = Path("docs/known-mistakes.md").read_text()
    found = [(int(number), mistake, judge) for number, mistake, judge in ROW.findall(text)]
    return [Row(n, mistake, re.findall(r"`([^`]+)`", judge)) for n, mistake, judge in found]


def defines(text: str, test: str) -> bool:
    """As C or Python defines it, and in C lists it among those that run."""
    if f"\ndef {test}(" in text:
        return True
    return f" {test}(void) {{" in text and f"TEST({test})" in text


def test_every_number_has_a_row() -> None:
    assert sorted({row.number for row in rows()}) == list(NUMBERS)


def test_every_test_that_is_named_exists() -> None:
    checked = 0
    for row in rows():
        if len(row.names) < 2:  # a feature there is not
            continue
        text = Path(row.names[0]).read_text()
        missing = [test for test in row.names[1:] if not defines(text, test)]
        assert not missing, (row.number, row.names[0], missing)
        checked += len(row.names) - 1
    assert checked >= 35


def test_a_number_in_a_test_s_name_is_a_row_that_names_it() -> None:
    named = {(row.number, test) for row in rows() for test in row.names[1:]}
    for number, test in named:
        numbers = [int(n) for n in re.findall(r"defect_(\d\d)", test)]
        assert not numbers or number in numbers, (number, test)


def test_a_test_that_is_gone_would_be_noticed() -> None:
    text = "static void one(void) {\n}\nstatic const TestCase CASES[] = {TEST(one)};\n\ndef test_two() -> None:\n"
    assert defines(text, "one") and defines(text, "test_two")
    assert not defines(text, "three") and not defines(text.replace("TEST(one)", ""), "one")
