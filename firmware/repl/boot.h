/* The start of a session: configuration, choice of a model, loading it. */
#ifndef FIRMWARE_REPL_BOOT_H
#define FIRMWARE_REPL_BOOT_H

#include "firmware/repl/session.h"

/** Reads the configuration file and the settings of the command line; a missing file gives the defaults. */
void boot_configure(Session *session);
/**
 * Chooses and loads a model. One that cannot be loaded is reported and the next tried; `session->engine.is_ready` is
 * false when none is left.
 */
void boot_load_model(Session *session);

#endif
