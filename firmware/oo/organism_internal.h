/* What the parts of the organism share. */
#ifndef FIRMWARE_OO_ORGANISM_INTERNAL_H
#define FIRMWARE_OO_ORGANISM_INTERNAL_H

#include "firmware/oo/organism.h"

/** Writes the state, with the newest vitals of this boot as those before its own actions. Errors as slots_save. */
bool organism_save(Organism *organism, Error *error);
/** Says that the state could not be written, unless that was said already. */
void organism_say_write_failed(Organism *organism, const Error *error);
/** Writes the state; says when that fails. */
bool organism_keep(Organism *organism);

/** Says that each change which differs from those confirmed is undone. */
void organism_say_rollback(const Organism *organism, const OoValues *changes, ReasonId reason);

/** Judges what an earlier boot than that of `after` applied, if that boot had it and measured it. True when it judged
 * anything. */
bool organism_judge(Organism *organism, const Vitals *after, OoHealth health);
/** Drops what can be judged no more: not in force in this boot, or without evidence for too many. */
void organism_drop_stale(Organism *organism);
/** Makes room for one more action to be judged: where there is none, one is dropped that this boot has changed again
 * since, or else the oldest. Returns it (is_used false: none was), and does not say so yet. */
Pending organism_make_room(Organism *organism);
/** Says that an action is judged no more, without evidence. */
void organism_say_unmeasured(const Organism *organism, const Pending *pending);
/** Adds one, for which there is room. */
Pending *organism_add_pending(Organism *organism, OoAction action, u32 old, u32 new);

#endif
