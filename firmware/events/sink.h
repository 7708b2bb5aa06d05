/* Where every byte for the console goes: text for people, and marker lines for machines (markers.toml).
 *
 * A marker line is whole or absent: it is put together in an EventLine, starts at the beginning of a line, carries a
 * level, a sequence number (from 1, without gaps) and the time, ends in LF, and is written by one console_write. Text
 * can not pass for one: a line of text that begins like a marker is indented by a space, and control characters are
 * replaced.
 *
 * A line that a log on the volume keeps too (`logs` of its row) is recorded there first, and then shown with the
 * number it has in the journal: ` event=N` on the console says that the record is on the medium.
 */
#ifndef FIRMWARE_EVENTS_SINK_H
#define FIRMWARE_EVENTS_SINK_H

#include "firmware/base/platform.h"

enum {
    EVENT_LINE_BYTES = 1024, /* tools/markers proves that no row of the table can be longer */
    EVENT_TEXT_BYTES = 260,  /* a text field is cut here, escapes included */
    EVENT_RING_LINES = 64,
};

typedef enum EventLevel { EVENT_INFO, EVENT_WARN, EVENT_ERROR } EventLevel;

typedef struct EventLine {
    char text[EVENT_LINE_BYTES];
    usize len;
} EventLine;

/** Who keeps lines on the volume: `logs` has a bit for each EventLog. Returns the event's number, 0 when not kept. */
typedef u64 EventRecorder(void *argument, u32 logs, Str text);

typedef struct EventSink {
    const Platform *platform;
    EventRecorder *record; /* NULL: nothing is kept */
    void *recorder;
    u64 sequence; /* of the last marker line */
    bool at_line_start;
    char held[8]; /* the beginning of a line of text that may turn out to look like a marker */
    usize held_len;
    EventLine ring[EVENT_RING_LINES]; /* line number s is at s % EVENT_RING_LINES */
} EventSink;

/** The column of the console is taken as unknown: the first marker line starts with an LF. */
void sink_init(EventSink *sink, const Platform *platform);
/** Text of people, models and messages: UTF-8; malformed bytes and control characters are shown as U+FFFD. */
void sink_text(EventSink *sink, Str text);
/** Calls `visit` with the last `count` marker lines, oldest first. */
typedef void EventVisitor(void *argument, Str line);
void sink_recent(const EventSink *sink, usize count, EventVisitor *visit, void *argument);

/* Used by the generated emitters, one for each field type. */
void event_literal(EventLine *line, Str text);
void event_u64(EventLine *line, u64 value);
void event_i64(EventLine *line, i64 value);
void event_ms(EventLine *line, u64 microseconds);
void event_f64(EventLine *line, f64 value, i32 digits);
void event_hex32(EventLine *line, u32 value);
void event_bool(EventLine *line, bool value);
void event_quoted(EventLine *line, Str text);
/** Has the line recorded where `logs` says, adds event number, level, sequence and time, ends the line and writes it.
 */
void event_end(EventSink *sink, EventLine *line, EventLevel level, u32 logs);

#endif
