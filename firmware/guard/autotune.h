/* M18: after each turn, lowers the knobs by a step while tokens cost too much, and raises them again when they no
 * longer do. It proposes caps for the arbiter's autotune layer, within [minimum, operator's value] for each knob: one
 * whose operator's value is at or below the minimum is not moved at all, nor is a top_k that is off, from which no step
 * leads down. When tightening does not make tokens cheaper it says so, gives the operator's values back, and holds
 * until the cost itself changes. */
#ifndef FIRMWARE_GUARD_AUTOTUNE_H
#define FIRMWARE_GUARD_AUTOTUNE_H

#include "firmware/guard/knobs.h"

/** Minima of the knobs; temperature and top_p in thousandths. */
enum { AUTOTUNE_MIN_TOP_K = 24, AUTOTUNE_MIN_MAX_TOKENS = 64, AUTOTUNE_MIN_TOP_P = 800, AUTOTUNE_MIN_TEMP = 550 };
enum { AUTOTUNE_STEP_TOP_P = 15 };
/** Turns between two moves, so that a move's effect is measured before the next. */
enum { AUTOTUNE_DWELL_TURNS = 2 };
/** Moves of tightening that are a trial, and its least gain in thousandths of the cost before it. One that gains is
 * followed by the next, from the cost that it ended at. */
enum { AUTOTUNE_TRIAL_MOVES = 3, AUTOTUNE_LEAST_GAIN = 30 };
/** Fewer tokens than this in a turn are not judged. */
enum { AUTOTUNE_LEAST_TOKENS = 4 };
/** Thresholds of `auto`, in thousandths of the calibrated cost. */
enum { AUTOTUNE_AUTO_HI = 1500, AUTOTUNE_AUTO_LO = 1150 };
/** After no gain: tightening is tried again once the cost is outside of this many thousandths around the cost it was of
 * no use at. */
enum { AUTOTUNE_RETRY_CHANGE = 250 };

typedef struct AutotuneSettings {
    bool enabled;
    u64 hi, lo;                                       /* cycles a token; 0: auto */
    u32 step_top_k, step_max_tokens, step_temp_milli; /* at least 1 each */
} AutotuneSettings;

typedef struct Autotune {
    bool has_caps;
    Knobs caps;         /* proposed for the arbiter's autotune layer while has_caps */
    u32 turns_to_dwell; /* until the next move */
    u32 moves;          /* of the trial that runs */
    u64 cost_before;    /* the first of them */
    u64 useless_cost;   /* tightening was of no use at this cost; 0: not known to be */
    M18Action last_action;
    ReasonId last_reason;
    u64 last_cpt;
} Autotune;

/** A turn, as autotune sees it. `cpt`: median cycles a token, as at an empty context (calibration.h). */
typedef struct AutotuneTurn {
    u64 cpt;
    u32 tokens;
    u64 calibrated; /* median of the calibration; 0: not known */
    Knobs below;    /* values with the layers below autotune's (arbiter_below) */
} AutotuneTurn;

/** The thresholds in force; both 0 while an automatic one is not calibrated. When `hi` would not be above `lo`, an
 * automatic `lo` is taken as `hi` - 1, and else `hi` as `lo` + 1. */
void autotune_thresholds(const AutotuneSettings *settings, u64 calibrated, u64 *hi, u64 *lo);
/** True when the caps changed (last_action and last_reason say how and why); they say why not otherwise too. Turned
 * off, it gives the operator's values back. */
bool autotune_end_turn(Autotune *autotune, const AutotuneSettings *settings, const AutotuneTurn *turn);

#endif
