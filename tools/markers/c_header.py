"""The C header: one typed emitter a marker."""

from __future__ import annotations

from collections.abc import Iterable

from tools.markers.table import FieldRow, Marker, Table, WordSet

_HEADER = """\
/* Made from markers.toml by tools/markers: not to be edited. */
#ifndef FIRMWARE_EVENTS_MARKERS_GEN_H
#define FIRMWARE_EVENTS_MARKERS_GEN_H

#include "firmware/events/sink.h"
"""
_FOOTER = "#endif\n"
_C_TYPES = {
    "u64": "u64 {}",
    "i64": "i64 {}",
    "ms": "u64 {}_us",
    "hex32": "u32 {}",
    "bool": "bool {}",
    "text": "Str {}",
}
_EMITTERS = {
    "u64": "event_u64(&line, event->{});",
    "i64": "event_i64(&line, event->{});",
    "ms": "event_ms(&line, event->{}_us);",
    "hex32": "event_hex32(&line, event->{});",
    "bool": "event_bool(&line, event->{});",
    "text": "event_quoted(&line, event->{});",
}


def c_string(text: str) -> str:
    """A C string literal of printable ASCII text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _word_function(name: str, what: str, texts: Iterable[tuple[str, str]]) -> list[str]:
    """An inline function from values of the enum to texts."""
    cases = [f"    case {value}: return STR({c_string(text)});" for value, text in texts]
    return [
        f"static inline Str {name}_{what}({_camel(name)} value) {{",
        "    switch (value) {",
        *cases,
        "    }",
        '    return STR("unknown");',
        "}",
        "",
    ]


def _word_set(name: str, words: WordSet) -> str:
    """An enum, how many values it has, and their names and meanings as inline functions."""
    values = [(f"{name.upper()}_{word.name.upper()}", word) for word in words.values]
    return "\n".join(
        [
            f"/** {words.doc} */",
            f"typedef enum {_camel(name)} {{",
            *(f"    {value}, /* {word.doc} */" for value, word in values),
            f"}} {_camel(name)};",
            f"enum {{ {name.upper()}_VALUES = {len(values)} }};",
            "",
            *_word_function(name, "word", ((value, word.name) for value, word in values)),
            *_word_function(name, "doc", ((value, word.doc) for value, word in values)),
        ]
    )


def _member(field: FieldRow) -> str:
    if field.word_set is not None:
        return f"{_camel(field.word_set)} {field.name}"
    if field.digits is not None:
        return f"f64 {field.name}"
    return _C_TYPES[field.type].format(field.name)


def _emit(field: FieldRow) -> str:
    if field.word_set is not None:
        return f"event_literal(&line, {field.word_set}_word(event->{field.name}));"
    if field.digits is not None:
        return f"event_f64(&line, event->{field.name}, {field.digits});"
    return _EMITTERS[field.type].format(field.name)


def _statements(marker: Marker) -> Iterable[str]:
    for index, literal in enumerate(marker.literals):
        if literal:
            yield f"event_literal(&line, STR({c_string(literal)}));"
        if index < len(marker.fields):
            yield _emit(marker.fields[index])


def _level(marker: Marker) -> str:
    return f"EVENT_{marker.level.upper()}"


def _log_bits(marker: Marker) -> str:
    return " | ".join(f"1u << EVENT_LOG_{name.upper()}" for name in marker.logs) or "0"


def _logs(table: Table) -> str:
    """An enum of the logs, and their files as an initialiser."""
    names = [f"    EVENT_LOG_{name.upper()}, /* {log.doc} */" for name, log in table.logs.items()]
    rows = [
        f"{{{{STR({c_string(log.files[0])}), STR({c_string(log.files[1])})}}, {log.bytes}}}"
        for log in table.logs.values()
    ]
    return "\n".join(
        [
            "/** Logs on the volume. */",
            "typedef enum EventLog {",
            *names,
            "} EventLog;",
            f"enum {{ EVENT_LOGS = {len(rows)} }};",
            f"#define EVENT_LOG_FILES {{{', '.join(rows)}}}",
            "",
        ]
    )


def _struct(marker: Marker) -> str:
    """The fields, so that a caller can name them."""
    name = f"Event{_camel(marker.id)}"
    members = [f"    {_member(field)}; /* {field.doc} */" for field in marker.fields]
    return "\n".join([f"typedef struct {name} {{", *members, f"}} {name};", ""])


def _function(marker: Marker, name: str, parameters: str) -> str:
    return "\n".join(
        [
            f"static inline void {name}({parameters}) {{",
            "    EventLine line = {.len = 0};",
            *(f"    {statement}" for statement in _statements(marker)),
            f"    event_end(sink, &line, {_level(marker)}, {_log_bits(marker)});",
            "}",
            "",
        ]
    )


def _emitter(marker: Marker) -> str:
    """`event_ID(sink, fields...)`; the fields in order, or by name as in `.tokens = 3`."""
    doc = f"/** {marker.doc} */"
    if not marker.fields:
        return doc + "\n" + _function(marker, f"event_{marker.id}", "EventSink *sink")
    struct = f"Event{_camel(marker.id)}"
    emit = _function(marker, f"emit_{marker.id}", f"EventSink *sink, const {struct} *event")
    macro = (
        f"#define event_{marker.id}(sink, ...) "
        f"emit_{marker.id}((sink), &(const {struct}){{__VA_ARGS__}})\n"
    )
    return "\n".join([doc, _struct(marker) + emit + macro])


def render(table: Table) -> str:
    """The whole header."""
    leads = ", ".join(f"STR({c_string(lead)})" for lead in table.leads)
    words = [_word_set(name, words) for name, words in sorted(table.words.items())]
    emitters = [_emitter(marker) for marker in table.marker]
    parts = [_HEADER, f"#define MARKER_LEADS {{{leads}}}", "", *words]
    return "\n".join([*parts, *([_logs(table)] if table.logs else []), *emitters, _FOOTER])
