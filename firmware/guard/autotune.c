#include "firmware/guard/autotune.h"

static u64 thousandths_of(u64 value, u32 count) { return value / 1000 * count + value % 1000 * count / 1000; }

/* ---- what is decided ---- */

static bool decide(Autotune *autotune, M18Action action, ReasonId reason) {
    autotune->last_action = action;
    autotune->last_reason = reason;
    return action != M18_ACTION_HOLD;
}

static bool hold(Autotune *autotune, ReasonId reason) { return decide(autotune, M18_ACTION_HOLD, reason); }

/* A move: no other before its effect is known. */
static bool move(Autotune *autotune, Knobs caps, M18Action action, ReasonId reason) {
    autotune->has_caps = !knobs_equal(&caps, &KNOBS_UNBOUNDED);
    autotune->caps = caps;
    autotune->turns_to_dwell = AUTOTUNE_DWELL_TURNS;
    return decide(autotune, action, reason);
}

/* Starts anew, at the operator's values. */
static bool give_back(Autotune *autotune, ReasonId reason) {
    M18Action action = autotune->has_caps ? M18_ACTION_RESTORE : M18_ACTION_HOLD;
    *autotune = (Autotune){.last_cpt = autotune->last_cpt};
    return decide(autotune, action, reason);
}

/* ---- one step of every knob ---- */

static u32 to_milli(f32 value) { return (u32)((f64)value * 1000 + 0.5); }

static f32 from_milli(u32 value) { return (f32)value / 1000; }

/* `value` is at least the minimum. */
static u32 step_down(u32 value, u32 minimum, u32 step) { return value - minimum > step ? value - step : minimum; }

/* Knobs at or below their minimum keep the caps they have; a top_k that is off (0) has no step down. */
static Knobs tightened(Knobs caps, Knobs now, const AutotuneSettings *settings) {
    if (now.temperature > from_milli(AUTOTUNE_MIN_TEMP)) {
        u32 milli = step_down(to_milli(now.temperature), AUTOTUNE_MIN_TEMP, settings->step_temp_milli);
        caps.temperature = from_milli(milli);
    }
    if (now.top_p > from_milli(AUTOTUNE_MIN_TOP_P)) {
        caps.top_p = from_milli(step_down(to_milli(now.top_p), AUTOTUNE_MIN_TOP_P, AUTOTUNE_STEP_TOP_P));
    }
    if (now.top_k > AUTOTUNE_MIN_TOP_K) {
        caps.top_k = step_down(now.top_k, AUTOTUNE_MIN_TOP_K, settings->step_top_k);
    }
    if (now.max_tokens > AUTOTUNE_MIN_MAX_TOKENS) {
        caps.max_tokens = step_down(now.max_tokens, AUTOTUNE_MIN_MAX_TOKENS, settings->step_max_tokens);
    }
    return caps;
}

/* A knob that would reach the value below is not capped any more; so is one that is off (0) below. */
static Knobs relaxed(Knobs now, Knobs below, const AutotuneSettings *settings) {
    Knobs caps = {.temperature = from_milli(to_milli(now.temperature) + settings->step_temp_milli),
                  .top_p = from_milli(to_milli(now.top_p) + AUTOTUNE_STEP_TOP_P),
                  .top_k = now.top_k + settings->step_top_k,
                  .max_tokens = now.max_tokens + settings->step_max_tokens};
    if (caps.temperature >= below.temperature) caps.temperature = KNOBS_UNBOUNDED.temperature;
    if (caps.top_p >= below.top_p) caps.top_p = KNOBS_UNBOUNDED.top_p;
    if (caps.top_k >= below.top_k) caps.top_k = KNOBS_UNBOUNDED.top_k;
    if (caps.max_tokens >= below.max_tokens) caps.max_tokens = KNOBS_UNBOUNDED.max_tokens;
    return caps;
}

static Knobs caps_of(const Autotune *autotune) { return autotune->has_caps ? autotune->caps : KNOBS_UNBOUNDED; }

/* ---- whether tightening is of use ---- */

static bool has_gained(const Autotune *autotune, u64 cost) {
    f64 before = (f64)autotune->cost_before;
    return (before - (f64)cost) * 1000 >= before * AUTOTUNE_LEAST_GAIN;
}

static bool is_trial_over(const Autotune *autotune, bool is_at_minimum) {
    return autotune->moves == AUTOTUNE_TRIAL_MOVES || (autotune->moves > 0 && is_at_minimum);
}

/* Another cost may be another cause: what was learnt at the one before says nothing about it. */
static void forget_useless(Autotune *autotune, u64 cost) {
    u64 useless = autotune->useless_cost;
    u64 change = cost > useless ? cost - useless : useless - cost;
    if (change > thousandths_of(useless, AUTOTUNE_RETRY_CHANGE)) autotune->useless_cost = 0;
}

static bool give_up(Autotune *autotune, u64 cost) {
    give_back(autotune, REASON_ID_M18_NO_GAIN);
    autotune->useless_cost = cost;
    return true;
}

/* ---- a turn ---- */

static bool tighten(Autotune *autotune, const AutotuneSettings *settings, const AutotuneTurn *turn) {
    Knobs before = caps_of(autotune);
    Knobs caps = tightened(before, knobs_least(before, turn->below), settings);
    bool is_at_minimum = knobs_equal(&caps, &before);
    if (autotune->useless_cost > 0) return hold(autotune, REASON_ID_M18_HOLD_AFTER_NO_GAIN);
    if (is_trial_over(autotune, is_at_minimum)) {
        if (!has_gained(autotune, turn->cpt)) return give_up(autotune, turn->cpt);
        autotune->moves = 0;
    }
    if (is_at_minimum) return hold(autotune, REASON_ID_M18_HOLD_AT_MINIMUM);
    if (autotune->moves++ == 0) autotune->cost_before = turn->cpt;
    return move(autotune, caps, M18_ACTION_TIGHTEN, REASON_ID_M18_TIGHTEN_SLOW);
}

static bool relax(Autotune *autotune, const AutotuneSettings *settings, const AutotuneTurn *turn) {
    if (!autotune->has_caps) return hold(autotune, REASON_ID_M18_HOLD_AT_OPERATOR);
    Knobs caps = relaxed(knobs_least(autotune->caps, turn->below), turn->below, settings);
    autotune->moves = 0;
    return move(autotune, caps, M18_ACTION_RELAX, REASON_ID_M18_RELAX_FAST);
}

static bool dwell(Autotune *autotune) {
    autotune->turns_to_dwell--;
    return hold(autotune, REASON_ID_M18_HOLD_DWELL);
}

/* Of two thresholds that cross, the one that nobody wrote yields. */
void autotune_thresholds(const AutotuneSettings *settings, u64 calibrated, u64 *hi, u64 *lo) {
    *hi = settings->hi ? settings->hi : thousandths_of(calibrated, AUTOTUNE_AUTO_HI);
    *lo = settings->lo ? settings->lo : thousandths_of(calibrated, AUTOTUNE_AUTO_LO);
    if (*hi == 0 || *lo == 0) {
        *hi = *lo = 0;
    } else if (*hi <= *lo && settings->lo == 0) {
        *lo = *hi - 1;
    } else if (*hi <= *lo) {
        *hi = *lo + (*lo < UINT64_MAX);
    }
}

bool autotune_end_turn(Autotune *autotune, const AutotuneSettings *settings, const AutotuneTurn *turn) {
    u64 hi, lo;
    autotune->last_cpt = turn->cpt;
    autotune_thresholds(settings, turn->calibrated, &hi, &lo);
    if (!settings->enabled) return give_back(autotune, REASON_ID_M18_HOLD_DISABLED);
    if (hi == 0) return hold(autotune, REASON_ID_M18_HOLD_UNCALIBRATED);
    if (turn->tokens < AUTOTUNE_LEAST_TOKENS || turn->cpt == 0) return hold(autotune, REASON_ID_M18_HOLD_NO_TOKENS);
    forget_useless(autotune, turn->cpt);
    if (autotune->turns_to_dwell > 0) return dwell(autotune);
    if (turn->cpt > hi) return tighten(autotune, settings, turn);
    if (turn->cpt < lo) return relax(autotune, settings, turn);
    return hold(autotune, REASON_ID_M18_HOLD_BAND);
}
