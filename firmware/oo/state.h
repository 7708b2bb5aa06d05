/* What the organism remembers from boot to boot, and its text in the state files: "key=value" lines with numbers and
 * words, so that a newer or older program, or a person, can read them. */
#ifndef FIRMWARE_OO_STATE_H
#define FIRMWARE_OO_STATE_H

#include "firmware/base/error.h"
#include "firmware/oo/outcome.h"

enum { STATE_PENDING_MAX = 4, STATE_TEXT_MAX = 4000, PENDING_BOOTS_MAX = 8 };

/** An applied action whose effect is not known yet. */
typedef struct Pending {
    bool is_used;
    OoAction action;
    u64 event; /* it was applied with */
    u64 boot;  /* it was applied in */
    u32 old, new;
    Vitals before; /* of that boot */
} Pending;

typedef struct OoState {
    u64 boot_count;
    OoMode mode;
    u32 healthy_boots;
    u32 recoveries;           /* starts in a row that found a state file not whole */
    BootStage stage;          /* of the running boot; at a start: of the one before */
    OoValues confirmed;       /* changes that have proved themselves */
    OoValues trial;           /* `confirmed` and what has not proved itself yet; in force from trial_boot on */
    u64 trial_boot;           /* the first boot with a change that has not; 0: there is none */
    OoValues operator_values; /* of each key: what repl.cfg said when its change was made */
    Vitals vitals;            /* of the running boot, as last written; at a start: of the one before */
    Pending pending[STATE_PENDING_MAX];
    Tally tallies[OO_ACTIONS];
} OoState;

OoState state_new(void);
/** Writes the text; returns its length (at most STATE_TEXT_MAX). */
usize state_write(const OoState *state, char text[STATE_TEXT_MAX]);
/** Reads it: missing keys keep state_new's values, unknown ones are passed over. ERROR_CORRUPT names a line that is
 * none, or a value that cannot be: `*state` is then as state_new. */
bool state_read(Str text, OoState *state, Error *error);

#endif
