/* A script whose lines are run as if a person typed them. */
#ifndef FIRMWARE_REPL_AUTORUN_H
#define FIRMWARE_REPL_AUTORUN_H

#include "firmware/base/platform.h"
#include "firmware/events/sink.h"

typedef struct Autorun {
    bool is_running;
    Arena arena; /* holds the script */
    Str rest;
    u64 lines; /* run so far */
    char *joined;
} Autorun;

/** Reads a script (text_file.h) and makes it the running one. The one before is stopped only if that works. */
bool autorun_start(Autorun *autorun, const Platform *platform, Str path, EventSink *sink, Error *error);
/** The next line that is neither empty nor a comment (# or ;), continued ones joined; false at the end. */
bool autorun_next(Autorun *autorun, Str *line);
/** Ends the script and says so. */
void autorun_stop(Autorun *autorun, EventSink *sink);

#endif
