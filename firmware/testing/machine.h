/* Whole sessions on a machine in memory: what is typed, what is shown, what is on the volume afterwards. */
#ifndef FIRMWARE_TESTING_MACHINE_H
#define FIRMWARE_TESTING_MACHINE_H

#include "firmware/repl/repl.h"
#include "firmware/testing/chain_model.h"
#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

/** A machine with a model that answers "Q?" with "abc". */
typedef struct Machine {
    FakePlatform *fake;
    Str model, tokenizer;
} Machine;

Machine machine_new(void);
/** With another model; `context` is what it was trained for. */
Machine machine_with(const Chain *chain, u32 context);
void machine_free(Machine *machine);
/** Puts the model on the volume at `path`. */
void machine_add_model(Machine *machine, const char *path);
/** The model and its tokenizer in the models folder, and a repl.cfg: greedy, without templates, with `more` lines. */
void machine_add_usual(Machine *machine, const char *more);
/** Runs a session to its end, typed keys first; can be called again for the next boot of the same volume. */
ReplEnd machine_run(Machine *machine);
/** Types `keys`, and runs a session with an empty console. */
ReplEnd machine_boot(Machine *machine, const char *keys);

#define CHECK_SHOWS(machine, text)                                                                                     \
    CHECK_MSG(fake_output_has((machine).fake, (text)), "\"%s\" is not in:\n%.*s", (text),                              \
              STR_ARG(fake_output((machine).fake)))
#define CHECK_SHOWS_NOT(machine, text)                                                                                 \
    CHECK_MSG(!fake_output_has((machine).fake, (text)), "\"%s\" is in:\n%.*s", (text),                                 \
              STR_ARG(fake_output((machine).fake)))

#endif
