/* Everything one session holds, and how its parts say things. */
#ifndef FIRMWARE_REPL_SESSION_H
#define FIRMWARE_REPL_SESSION_H

#include "firmware/events/sink.h"
#include "firmware/repl/autorun.h"
#include "firmware/repl/config.h"
#include "firmware/repl/engine.h"
#include "firmware/repl/line_editor.h"
#include "firmware/repl/models.h"
#include "firmware/repl/repl.h"

typedef struct Session {
    const Platform *platform;
    const BootOptions *options;
    Arena arena;   /* lives as long as the session */
    Arena scratch; /* for one command or turn */
    EventSink sink;
    Keys keys;
    LineEditor editor;
    ModelList models;
    Config config;
    Engine engine;
    Autorun autorun;
    bool has_ended;
} Session;

/** Prints text for the person, as printf does; at most 1 KiB. */
void say(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_str(Session *session, Str text);
/** Prints one line that begins with "error: ". */
void say_error(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
u64 session_now_us(const Session *session);

/** A size as people read it: "98.2 MB" (powers of ten). */
typedef struct ByteText {
    char text[24];
} ByteText;
ByteText byte_text(u64 bytes);

#endif
