"""The C header with one typed emitter a marker."""

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
    "u64": "event_u64(&line_, {});",
    "i64": "event_i64(&line_, {});",
    "ms": "event_ms(&line_, {}_us);",
    "hex32": "event_hex32(&line_, {});",
    "bool": "event_bool(&line_, {});",
    "text": "event_quoted(&line_, {});",
}


def c_string(text: str) -> str:
    """A C string literal of printable ASCII text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _word_set(name: str, words: WordSet) -> str:
    """An enum, and its names as an inline function."""
    prefix = name.upper()
    rows = [f"    {prefix}_{w.name.upper()}, /* {w.doc} */" for w in words.values]
    cases = [
        f"    case {prefix}_{w.name.upper()}: return STR({c_string(w.name)});" for w in words.values
    ]
    return "\n".join(
        [
            f"/** {words.doc} */",
            f"typedef enum {_camel(name)} {{",
            *rows,
            f"}} {_camel(name)};",
            "",
            f"static inline Str {name}_word({_camel(name)} value) {{",
            "    switch (value) {",
            *cases,
            "    }",
            '    return STR("unknown");',
            "}",
            "",
        ]
    )


def _parameter(field: FieldRow) -> str:
    if field.word_set is not None:
        return f"{_camel(field.word_set)} {field.name}"
    if field.digits is not None:
        return f"f64 {field.name}"
    return _C_TYPES[field.type].format(field.name)


def _emit(field: FieldRow) -> str:
    if field.word_set is not None:
        return f"event_literal(&line_, {field.word_set}_word({field.name}));"
    if field.digits is not None:
        return f"event_f64(&line_, {field.name}, {field.digits});"
    return _EMITTERS[field.type].format(field.name)


def _statements(marker: Marker) -> Iterable[str]:
    for index, literal in enumerate(marker.literals):
        if literal:
            yield f"event_literal(&line_, STR({c_string(literal)}));"
        if index < len(marker.fields):
            yield _emit(marker.fields[index])


def _emitter(marker: Marker) -> str:
    parameters = ", ".join(["EventSink *sink_", *(_parameter(field) for field in marker.fields)])
    return "\n".join(
        [
            f"/** {marker.doc} */",
            f"static inline void event_{marker.id}({parameters}) {{",
            "    EventLine line_ = {.len = 0};",
            *(f"    {statement}" for statement in _statements(marker)),
            "    event_end(sink_, &line_);",
            "}",
            "",
        ]
    )


def render(table: Table) -> str:
    """The whole header."""
    leads = ", ".join(f"STR({c_string(lead)})" for lead in table.leads)
    words = [_word_set(name, words) for name, words in sorted(table.words.items())]
    emitters = [_emitter(marker) for marker in table.marker]
    return "\n".join([_HEADER, f"#define MARKER_LEADS {{{leads}}}", "", *words, *emitters, _FOOTER])
