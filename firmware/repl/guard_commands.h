/* Commands about what watches the turns: metrics, autotune, guardrails, sentinel. */
#ifndef FIRMWARE_REPL_GUARD_COMMANDS_H
#define FIRMWARE_REPL_GUARD_COMMANDS_H

#include "firmware/repl/commands.h"

void guard_metrics(Session *session, Argument argument);
void guard_autotune_status(Session *session, Argument argument);
void guard_status(Session *session, Argument argument);
void guard_reset(Session *session, Argument argument);
void guard_test_delay(Session *session, Argument argument);
void guard_test_failsafe(Session *session, Argument argument);

#endif
