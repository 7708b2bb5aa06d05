/* Commands that only tell: what is loaded, what the machine has, what is set. */
#ifndef FIRMWARE_REPL_INFORM_H
#define FIRMWARE_REPL_INFORM_H

#include "firmware/repl/commands.h"

void inform_help(Session *session, Argument argument);
void inform_models(Session *session, Argument argument);
void inform_model_info(Session *session, Argument argument);
void inform_version(Session *session, Argument argument);
void inform_context(Session *session, Argument argument);
void inform_cpu(Session *session, Argument argument);
void inform_memory(Session *session, Argument argument);
void inform_config(Session *session, Argument argument);
void inform_sampling(Session *session, Argument argument);
void inform_log(Session *session, Argument argument);

#endif
