/* Commands about the organism: consults, and what it remembers. */
#ifndef FIRMWARE_REPL_OO_COMMANDS_H
#define FIRMWARE_REPL_OO_COMMANDS_H

#include "firmware/repl/commands.h"

void oo_status(Session *session, Argument argument);
void oo_consult(Session *session, Argument argument);
void oo_consult_mock(Session *session, Argument argument);
void oo_explain(Session *session, Argument argument);
void oo_jour(Session *session, Argument argument);
void oo_log(Session *session, Argument argument);
void oo_outcomes(Session *session, Argument argument);

#endif
