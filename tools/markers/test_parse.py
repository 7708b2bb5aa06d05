"""Logs are read back as they were written, and what only looks like a marker is reported."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.markers.parse import LineParser, Problem, Record, Value, parse_log
from tools.markers.table import FieldRow, Marker, load

TABLE = load(Path("firmware/events/markers.toml"))
PARSER = LineParser.of(TABLE)
U64 = st.integers(0, 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def decimals(digits: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, 10**15).map(lambda whole: Decimal(whole).scaleb(-digits))


def values_of(field: FieldRow) -> st.SearchStrategy[Value]:
    if field.word_set is not None:
        return st.sampled_from([word.name for word in TABLE.words[field.word_set].values])
    if field.digits is not None:
        return decimals(field.digits)
    strategies: dict[str, st.SearchStrategy[Value]] = {
        "u64": U64,
        "i64": st.integers(-(2**63), 2**63 - 1),
        "ms": decimals(3),
        "hex32": st.integers(0, 2**32 - 1),
        "bool": st.booleans(),
        "text": TEXT,
    }
    return strategies[field.type]


def spell(field: FieldRow, value: Value) -> str:
    """A field as the firmware spells it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:.{3 if field.type == 'ms' else field.digits}f}"
    if field.type == "hex32":
        return f"{value:08x}"
    if field.type != "text":
        return str(value)
    text = str(value)
    is_plain = text.isprintable() and text.isascii() and not set(text) & set(' "\\')
    return text if text and is_plain else json.dumps(text, ensure_ascii=False)


def line_of(marker: Marker, values: dict[str, Value], seq: int = 1, t_us: int = 1) -> str:
    spelled = {field.name: spell(field, values[field.name]) for field in marker.fields}
    text = "".join(
        literal + spelled.get(field.name if field else "", "")
        for literal, field in zip(marker.literals, [*marker.fields, None])
    )
    event = f" event={seq}" if marker.logs else ""
    return f"{text}{event} level={marker.level} seq={seq} t_us={t_us}"


@pytest.mark.parametrize("marker", TABLE.marker, ids=lambda marker: marker.id)
@given(data=st.data(), seq=st.integers(1, 2**63), t_us=U64)
def test_every_marker_is_read_back(
    marker: Marker, data: st.DataObject, seq: int, t_us: int
) -> None:
    values = {field.name: data.draw(values_of(field)) for field in marker.fields}
    record = PARSER.parse(7, line_of(marker, values, seq, t_us))
    event = seq if marker.logs else None
    assert record == Record(7, marker.id, seq, t_us, values, marker.level, event)


@given(st.text())
def test_no_line_is_too_odd_to_read(text: str) -> None:
    parse_log(text, TABLE)


@given(st.sampled_from(TABLE.leads), st.text(st.characters(exclude_characters="\n")))
def test_a_line_that_begins_like_a_marker_is_never_skipped(lead: str, rest: str) -> None:
    assert PARSER.parse(1, lead + rest) is not None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[obs] gen_end tokens=3", "no level="),
        ("[m99] unheard of level=info seq=1 t_us=1", "no row of the marker table"),
        ("[stats] tokens=-1 time_ms=1 level=info seq=1 t_us=1", "malformed stats"),
        ("OK: Version: notahexa platform=host level=info seq=1 t_us=1", "malformed version"),
        ('[autorun] loaded "a\\q" (1 bytes) level=info seq=1 t_us=1', "malformed autorun_loaded"),
    ],
)
def test_what_is_wrong_is_said(line: str, reason: str) -> None:
    problem = PARSER.parse(1, line)
    assert isinstance(problem, Problem)
    assert reason in problem.reason


def test_other_lines_are_none_of_our_business() -> None:
    assert PARSER.parse(1, "You: [obs] gen_end") is None
    assert PARSER.parse(1, " [obs] gen_end level=info seq=1 t_us=1") is None


READY = "OK: REPL ready (/help)"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_boots_follow_each_other(end: str) -> None:
    lines = [f"{READY} level=info seq={seq} t_us={seq * 10}" for seq in (1, 2, 1, 2, 3)]
    log = parse_log(end.join(["firmware noise", *lines]), TABLE)
    assert [record.seq for record in log.of("repl_ready")] == [1, 2, 1, 2, 3]
    assert log.problems == ()


def test_a_missing_line_is_noticed() -> None:
    log = parse_log(f"{READY} level=info seq=1 t_us=1\n{READY} level=info seq=3 t_us=3", TABLE)
    assert len(log.records) == 2
    assert "expected 2" in log.problems[0].reason


def test_time_that_runs_backwards_is_noticed() -> None:
    log = parse_log(f"{READY} level=info seq=1 t_us=5\n{READY} level=info seq=2 t_us=4", TABLE)
    assert "before 5" in log.problems[0].reason
