"""The table is checked when it is read, and its products are what the repository holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tools.markers import __main__ as command
from tools.markers import c_header, docs
from tools.markers.table import LINE_BYTES, TEXT_BYTES, Table, TableError, load

PATH = Path("firmware/events/markers.toml")


def table_with(template: str, *fields: tuple[str, str]) -> dict[str, Any]:
    rows = [{"name": name, "type": kind, "doc": "a field"} for name, kind in fields]
    marker = {"id": "m", "template": template, "doc": "a marker", "fields": rows}
    words = {"why": {"doc": "a set", "values": [{"name": "because", "doc": "a word"}]}}
    return {"leads": ["["], "words": words, "marker": [marker]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (table_with("m {a}", ("a", "u64")), "begins with none of"),
        (table_with("[m] {a}", ("b", "u64")), "template names"),
        (table_with("[m] {a}", ("a", "u65")), "type 'u65'"),
        (table_with("[m] {a})", ("a", "text")), "needs a space"),
        (table_with("[m] {a}", ("a", "word:how")), "no word set 'how'"),
        (table_with("[m] {a_}", ("a_", "u64")), "String should match pattern"),
        (table_with("[m]" + "".join(f" {{t{i}}}" for i in range(4)),
                    *((f"t{i}", "text") for i in range(4))), "limit 1024"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Table.model_validate(data)


def logged(fields: list[dict[str, str]], *logs: str) -> dict[str, Any]:
    data = table_with("[m]" + "".join(f" {{{f['name']}}}" for f in fields))
    data["marker"][0] |= {"fields": fields, "logs": logs}
    data["words"]["reason_id"] = data["words"]["why"]
    data["logs"] = {"journal": {"doc": "a log", "files": ["A.LOG", "B.LOG"], "bytes": 4096}}
    return data


REASON = {"name": "reason", "type": "word:reason_id", "doc": "why"}


def test_what_is_logged_says_why() -> None:
    assert Table.model_validate(logged([REASON], "journal")).marker[0].logs == ("journal",)
    with pytest.raises(ValueError, match="needs a field of word:reason_id"):
        Table.model_validate(logged([], "journal"))
    with pytest.raises(ValueError, match="no log 'diary'"):
        Table.model_validate(logged([REASON], "diary"))


def test_an_id_is_used_once() -> None:
    data = table_with("[m]")
    data["marker"] *= 2
    with pytest.raises(ValueError, match="not unique"):
        Table.model_validate(data)


def test_an_unreadable_table_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "markers.toml"
    path.write_text("leads = [", encoding="utf-8")
    with pytest.raises(TableError, match=re.escape(str(path))):
        load(path)
    assert command.main(["c", "--table", str(path), "--output", str(tmp_path / "x.h")]) == 1


def test_limits_are_those_of_the_sink() -> None:
    text = Path("firmware/events/sink.h").read_text(encoding="utf-8")
    limits = dict(re.findall(r"(EVENT_\w+_BYTES) = (\d+)", text))
    assert int(limits["EVENT_LINE_BYTES"]) == LINE_BYTES
    assert int(limits["EVENT_TEXT_BYTES"]) == TEXT_BYTES


def test_the_page_is_up_to_date() -> None:
    page = Path("docs/markers.md").read_text(encoding="utf-8")
    assert page == docs.render(
        load(PATH)
    ), "run: python -m tools.markers docs --output docs/markers.md"


def test_the_header_has_an_emitter_for_every_row(tmp_path: Path) -> None:
    output = tmp_path / "gen" / "markers.gen.h"
    assert command.main(["c", "--table", str(PATH), "--output", str(output)]) == 0
    header = output.read_text(encoding="utf-8")
    table = load(PATH)
    for marker in table.marker:
        kind = "#define" if marker.fields else "static inline void"
        assert f"{kind} event_{marker.id}(" in header
    for name in table.words:
        assert f"static inline Str {name}_word(" in header


def test_literals_survive_c_quoting() -> None:
    assert c_header.c_string('a "b" \\c') == '"a \\"b\\" \\\\c"'
