"""docs/markers.md: the marker table for people."""

from __future__ import annotations

from tools.markers.table import Marker, Table, WordSet

_INTRODUCTION = """\
# Marker lines

Every event the firmware emits, made from `firmware/events/markers.toml` by
`python -m tools.markers docs --output docs/markers.md`; a test keeps the two alike.

A marker starts at the beginning of a line and ends in ` level=WORD seq=N t_us=N` and one LF: how much
it matters, its number since the start of the program, without gaps, and the microseconds since then.
One that a log on the volume keeps too has ` event=N` before that, its number there, once it is on the
medium. Text fields are bare words,
or JSON strings where they hold spaces. `tools.markers.parse` reads a log into typed records and
reports every line that only looks like a marker.
"""


def _marker(marker: Marker) -> str:
    lines = [f"## {marker.id}", "", f"`{marker.template}`", "", marker.doc, ""]
    if marker.level != "info":
        lines += [f"Level: {marker.level}.", ""]
    if marker.logs:
        lines += [f"Kept in: {', '.join(marker.logs)}.", ""]
    if marker.fields:
        lines += ["| field | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{field.name}` | {field.type} | {field.doc} |" for field in marker.fields]
        lines.append("")
    return "\n".join(lines)


def _words(name: str, words: WordSet) -> str:
    rows = [f"| `{word.name}` | {word.doc} |" for word in words.values]
    return "\n".join(
        [f"## word:{name}", "", words.doc, "", "| value | meaning |", "| --- | --- |", *rows, ""]
    )


def _logs(table: Table) -> str:
    rows = [
        f"| {name} | `{log.files[0]}`, `{log.files[1]}` | {log.bytes} each | {log.doc} |"
        for name, log in table.logs.items()
    ]
    head = [
        "## Logs on the volume",
        "",
        "| log | files | bytes | meaning |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows, ""])


def render(table: Table) -> str:
    """The whole page."""
    markers = [_marker(marker) for marker in table.marker]
    words = [_words(name, words) for name, words in sorted(table.words.items())]
    return "\n".join([_INTRODUCTION, *([_logs(table)] if table.logs else []), *markers, *words])
