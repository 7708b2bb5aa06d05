/* M18.1: a deadline for every token. So many overruns in one turn end it (budget_guard) and turn a safe mode on: caps
 * on the knobs (the arbiter's safety layer) until so many turns have ended without a hard stop.
 *
 * The deadline comes from budget_decode, or from calibration, and is then fixed for the session: a machine that becomes
 * slow overruns it, one that was always slow does not. It holds at an empty context; at position p a token may take
 * relative_cost(p) times as long (calibration.h). */
#ifndef FIRMWARE_GUARD_GUARDRAILS_H
#define FIRMWARE_GUARD_GUARDRAILS_H

#include "firmware/guard/knobs.h"

/** A calibrated deadline is so many times the median cost of a token. */
enum { GUARD_DEADLINE_FACTOR = 4 };

typedef struct GuardSettings {
    bool enabled;
    u32 hard_stop_overruns;
    u32 safe_turns;
    Knobs safe_caps;
    bool reset_kv_on_trip;
} GuardSettings;

typedef struct Guard {
    u64 deadline;    /* cycles a token at an empty context; 0 until it is known */
    u32 overruns;    /* of the turn that runs */
    bool is_stopped; /* that turn */
    u32 safe_turns_left;
    u64 trips;
    u32 last_trip_overruns;
    u64 last_cycles, last_deadline; /* of the last overrun, at its position */
} Guard;

/** Fixes the deadline; later calls change nothing. */
void guard_set_deadline(Guard *guard, u64 cycles);
/** Comes before the tokens and the end of each turn. */
void guard_begin_turn(Guard *guard);
/** One token took so long. Counts an overrun; true, once a turn, when it is the one that ends the turn. */
bool guard_token(Guard *guard, const GuardSettings *settings, u64 cycles, f64 relative_cost);

typedef enum GuardChange { GUARD_SAME, GUARD_SAFE_MODE_ON, GUARD_SAFE_MODE_OFF } GuardChange;
/** After each turn: counts a trip or a clean turn. Only turns that generated something count as clean. A trip in safe
 * mode begins it anew, and is told as GUARD_SAFE_MODE_ON again; settings that turn the guard off end it. */
GuardChange guard_end_turn(Guard *guard, const GuardSettings *settings, u32 tokens);
static inline bool guard_is_safe_mode(const Guard *guard) { return guard->safe_turns_left > 0; }

#endif
