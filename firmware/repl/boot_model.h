/* The model of a session: which one is chosen, how loading goes, and what is said of one that cannot be used. */
#ifndef FIRMWARE_REPL_BOOT_MODEL_H
#define FIRMWARE_REPL_BOOT_MODEL_H

#include "firmware/repl/session.h"

/** The path of the model to load first: the one asked for, or the only one, or the one chosen at the menu, or the first
 * by name. Empty when there is none. */
Str boot_choose_model(Session *session);
/** Loads it, or else the next; tells what was loaded, or why what was asked for is not used. */
void boot_try_models(Session *session, Str path);

#endif
