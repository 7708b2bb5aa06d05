/* B2: what came of an action, by measuring before and after; and what is remembered of it. */
#ifndef FIRMWARE_OO_OUTCOME_H
#define FIRMWARE_OO_OUTCOME_H

#include "firmware/oo/mode.h"

/** Fewer are no evidence. */
enum { OUTCOME_LEAST_TOKENS = 8, OUTCOME_LEAST_TURNS = 2 };
/** Least effects, in thousandths: of memory, of the memory that the context took before; of the others, of their value
 * before. */
enum { OUTCOME_LEAST_EFFECT = 50 };

/** What one boot measured. */
typedef struct Vitals {
    u64 boot;
    u32 stratum;     /* hash of machine and model: only like is compared with like */
    u64 free_kib;    /* once the prompt was reached; 0: it was not */
    u64 context_kib; /* memory of the context */
    u32 ctx, seq;
    u32 turns, tokens; /* answered; tokens the model ran for */
    u64 decode_cpt;    /* median over the turns of their median cycles a token, as they were measured; 0: not known */
    u32 overflows;     /* conversations cleared because they no longer fitted */
    u32 allocation_failures, sentinel_trips, guard_trips;
} Vitals;

/** The quantity of an action, and whether there is evidence of it. */
bool vitals_quantity(const Vitals *vitals, OoQuantity quantity, u64 *value);

typedef struct Outcome {
    u64 before, after; /* 0 where not measured */
    OoLabel label;
    i32 improved;
    ReasonId reason;
} Outcome;

/**
 * Judges a change. `health` is of the boot that had it: an unhealthy one is harmful whatever was measured, and only a
 * healthy one is evidence. A difference counts from the least effect on. Pending: OO_OUTCOME_OTHER_MACHINE when the two
 * are not alike, else OO_OUTCOME_NO_EVIDENCE when one of them was not measured.
 */
Outcome outcome_judge(OoAction action, const Vitals *before, const Vitals *after, OoHealth health);

/** What would come of a change that is only simulated, from the running boot's own figures. */
typedef struct EstimateFacts {
    Vitals now;
    u64 bytes_per_token;         /* memory of one position of the context */
    f64 relative_cost_per_token; /* how much a token gets dearer a position, relative to one at an empty context */
} EstimateFacts;
/** Memory: what the other context takes less or more. Cycles: what a token in the middle of the longest turn costs
 * then, relative to now. Overflows: a context of twice the length is full half as often. The label is pending where
 * this boot has not measured yet; the reason is OO_SIMULATED, that of the event which shows it. */
Outcome outcome_estimate(OoAction action, u32 old, u32 new, const EstimateFacts *facts);

/** Helpful and harmful outcomes of an action; older ones count less. */
typedef struct Tally {
    u32 good_milli, bad_milli;
} Tally;

enum { TALLY_MAX_MILLI = 8000 }; /* what it grows towards, and never beyond */

/** Adds an outcome: what was there before counts seven eighths. A neutral one only does that; a pending one is no
 * evidence and does nothing. */
void tally_add(Tally *tally, OoLabel label);
/** A boot has passed: everything counts 31 of 32 parts. */
void tally_age(Tally *tally);
/** Part of the confidence score. Reductions, by good - bad: from 3 +8, from 0.5 +4, to -0.5 -5, to -3 -10. Increases:
 * from 2 +6, from 0.5 +3, to -0.5 -4, to -2 -8. Other kinds 0. */
i32 tally_bias(OoAction action, const Tally *tally);

#endif
