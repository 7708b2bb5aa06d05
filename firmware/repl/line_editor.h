/* One line of input from keys: typing, moving, erasing, history, completion of command names, continuation lines. */
#ifndef FIRMWARE_REPL_LINE_EDITOR_H
#define FIRMWARE_REPL_LINE_EDITOR_H

#include "firmware/events/sink.h"
#include "firmware/repl/keys.h"

enum { LINE_BYTES = 32 * 1024, HISTORY_LINES = 32, HISTORY_LINE_BYTES = 1024 };

typedef struct HistoryLine {
    char text[HISTORY_LINE_BYTES];
    usize len;
} HistoryLine;

/** Calls `offer` with every name that begins with `prefix`. */
typedef void Completer(Str prefix, void (*offer)(void *argument, Str name), void *argument);

typedef struct LineEditor {
    EventSink *sink;
    Keys *keys;
    Completer *complete; /* of lines that begin with '/'; may be NULL */
    char text[LINE_BYTES];
    usize len;
    usize line_start;                   /* where the last of several continued lines begins */
    usize cursor;                       /* where keys go, from line_start to len */
    usize discarded;                    /* bytes that did not fit */
    HistoryLine history[HISTORY_LINES]; /* a ring; the newest is at (history_count - 1) % HISTORY_LINES */
    usize history_count;
} LineEditor;

typedef enum LineEnd { LINE_READY, LINE_TOO_LONG, LINE_CANCELLED, LINE_END_OF_INPUT } LineEnd;

/**
 * Shows `prompt` and reads until Enter. A '\' at the end of a line continues it on the next one (two make one that
 * stays). LINE_TOO_LONG: `discarded` bytes did not fit into LINE_BYTES, nothing is to be done with the rest.
 * LINE_CANCELLED: Ctrl-C. The line is valid until the next call.
 */
LineEnd line_read(LineEditor *editor, Str prompt, Str *line);

typedef enum LineJoin { LINE_WHOLE, LINE_CONTINUES } LineJoin;
/** What the end of a line asks for: takes the last backslash of a continued line off, makes two of them one that stays,
 * and takes a ";;" that stands alone as the end. */
LineJoin line_join(char *text, usize *len, usize line_start);

#endif
