/* Everything one session holds, and how its parts say things. */
#ifndef FIRMWARE_REPL_SESSION_H
#define FIRMWARE_REPL_SESSION_H

#include "firmware/events/sink.h"
#include "firmware/oo/organism.h"
#include "firmware/repl/autorun.h"
#include "firmware/repl/config.h"
#include "firmware/repl/engine.h"
#include "firmware/repl/guards.h"
#include "firmware/repl/line_editor.h"
#include "firmware/repl/models.h"
#include "firmware/repl/repl.h"

/** How the start went, for its marker line. */
typedef struct Startup {
    u64 selected_us;                        /* by the platform's clock, which starts with the program */
    u64 ended_us[STARTUP_PHASE_MEMORY + 1]; /* the end of each phase from STARTUP_PHASE_READ on */
    u32 opens, reads;
    u64 bytes;
} Startup;

typedef struct Session {
    const Platform *platform;
    const BootOptions *options;
    Arena arena;   /* lives as long as the session */
    Arena scratch; /* for one command or turn */
    EventSink sink;
    Keys keys;
    LineEditor editor;
    ModelList models;
    Config config; /* in force: the operator's, with what the organism and the policy laid over it */
    Policy policy;
    Engine engine;
    Autorun autorun;
    Journal journal;
    Organism organism;
    Guards guards;
    Startup startup;
    u64 free_at_start; /* bytes of memory, before anything was taken */
    u32 allocation_failures;
    u32 model_crc32c; /* of the loaded model's file, once it was asked for */
    bool has_model_crc32c;
    bool is_concluded;
    bool has_ended;
} Session;

/** Prints text for the person, as printf does; at most 1 KiB. */
void say(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_str(Session *session, Str text);
/** Prints one line that begins with "error: ". */
void say_error(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
u64 session_now_us(const Session *session);
/** Something was given up for want of memory: says what, and counts it. */
void session_out_of_memory(Session *session, Str what);
/** Forgets the conversation. */
void session_forget(Session *session);
/** Everything a session leaves behind on the volume: metrics of an unattended run, and the organism's state. The last
 * thing before the machine is given away, however that happens. */
void session_conclude(Session *session);
/** Writes LLMK_METRICS.LOG, and says so or why not. */
bool session_write_metrics(Session *session);

/** A size as people read it: "98.2 MB" (powers of ten). */
typedef struct ByteText {
    char text[24];
} ByteText;
ByteText byte_text(u64 bytes);

#endif
