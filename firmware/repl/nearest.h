/* Which known name a person most likely meant. */
#ifndef FIRMWARE_REPL_NEAREST_H
#define FIRMWARE_REPL_NEAREST_H

#include "firmware/base/str.h"

typedef struct Nearest {
    Str wanted;
    Str name; /* the best so far; empty when none is near enough */
    usize distance;
} Nearest;

Nearest nearest_to(Str wanted);
void nearest_offer(Nearest *nearest, Str name);

#endif
