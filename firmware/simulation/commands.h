/* What a history consists of. */
#ifndef FIRMWARE_SIMULATION_COMMANDS_H
#define FIRMWARE_SIMULATION_COMMANDS_H

#include "firmware/simulation/machine.h"

/** Runs one line: a command, then its arguments as NAME=NUMBER (those left out are 0), or text. False, with the machine
 * as it was, when there is no such command. */
bool simulation_run(Machine *machine, Str line);
/** How the machine stands, as one line that begins with "= ". */
void simulation_show(const Machine *machine);

#endif
