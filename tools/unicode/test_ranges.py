"""The checked-in table is what the generator writes, and says what the Unicode database says."""

import unicodedata
from pathlib import Path

import pytest

from tools.unicode import ranges as generator

TABLE = Path("firmware/model/unicode_ranges.h")


def test_the_checked_in_table_is_what_the_generator_writes() -> None:
    assert TABLE.read_text(encoding="ascii") == generator.c_table()


def test_ranges_cover_the_code_space_in_order_without_repeating_a_class() -> None:
    rows = list(generator.ranges())
    assert rows[0].start == 0
    assert all(a.start < b.start and a.name != b.name for a, b in zip(rows, rows[1:]))
    assert rows[-1].start < generator.CODE_POINTS


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("a", "LETTER"),
        ("ß", "LETTER"),
        ("ʰ", "LETTER"),
        ("中", "LETTER"),
        ("7", "NUMBER"),
        ("Ⅷ", "NUMBER"),
        ("½", "NUMBER"),
        ("\u3000", "SPACE"),
        ("\x85", "SPACE"),
        ("\x1f", "OTHER"),
        ("_", "PUNCTUATION"),
        ("$", "OTHER"),
        ("\u0301", "OTHER"),
        ("😀", "OTHER"),
    ],
)
def test_classes_a_reader_would_expect(character: str, name: str) -> None:
    assert generator.class_of(ord(character)) == name


def test_another_unicode_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unicodedata, "unidata_version", "16.0.0")
    with pytest.raises(generator.UnicodeVersionError, match="14.0.0.*16.0.0"):
        list(generator.ranges())
