/* One turn of the conversation, as a person sees it. */
#ifndef FIRMWARE_REPL_TALK_H
#define FIRMWARE_REPL_TALK_H

#include "firmware/repl/session.h"

/** Answers `line`, or says why not. Needs no model: it then says how to get one. */
void talk(Session *session, Str line);

#endif
