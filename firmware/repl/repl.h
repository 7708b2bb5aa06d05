/* The whole program above a platform: boot, choose and load a model, talk, leave. */
#ifndef FIRMWARE_REPL_REPL_H
#define FIRMWARE_REPL_REPL_H

#include "firmware/base/platform.h"

/** What a platform knows about this start and the volume does not. All zero is a plain boot. */
typedef struct BootOptions {
    u32 build_id;        /* of the running executable, from its own bytes (PE TimeDateStamp, ELF build id) */
    Str config_path;     /* default "repl.cfg" */
    const Str *settings; /* "key=value" lines of the command line, applied after the configuration file */
    usize setting_count;
} BootOptions;

/** How a session ended; the numbers are exit codes. */
typedef enum ReplEnd {
    REPL_END_EXIT = 0,     /* the person or a script left, or input ended */
    REPL_END_NO_MEMORY = 3 /* not even the prompt fitted in memory */
} ReplEnd;

/**
 * Runs a session until it ends. `/poweroff` and `/reboot` call the platform and do not return; every other end returns,
 * without waiting for a key. A model that is missing or unusable is no error: the session goes on without one.
 */
ReplEnd repl_main(const Platform *platform, const BootOptions *options);

#endif
