/* The start of a session: configuration, choice of a model, loading it. */
#ifndef FIRMWARE_REPL_BOOT_H
#define FIRMWARE_REPL_BOOT_H

#include "firmware/repl/session.h"

/**
 * Makes the configuration: defaults, repl.cfg, the settings of the command line; over them what the organism has in
 * force (it counts the boot here), and over that policy.cfg. Files that are missing change nothing.
 */
void boot_configure(Session *session);
/**
 * Chooses and loads a model. One that cannot be loaded is reported and the next tried; `session->engine.is_ready` is
 * false when none is left.
 */
void boot_load_model(Session *session);
/** The prompt is reached: the guards begin to count, and the organism learns what came of the start. */
void boot_ready(Session *session);

#endif
