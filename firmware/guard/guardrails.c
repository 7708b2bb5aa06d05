#include "firmware/guard/guardrails.h"

void guard_set_deadline(Guard *guard, u64 cycles) {
    if (guard->deadline == 0) guard->deadline = cycles;
}

void guard_begin_turn(Guard *guard) {
    guard->overruns = 0;
    guard->is_stopped = false;
}

/* `deadline` is below `cycles`, whatever the key was, and so within its type. */
static void count_overrun(Guard *guard, u64 cycles, f64 deadline) {
    guard->overruns++;
    guard->last_cycles = cycles;
    guard->last_deadline = (u64)deadline;
}

bool guard_token(Guard *guard, const GuardSettings *settings, u64 cycles, f64 relative_cost) {
    f64 deadline = (f64)guard->deadline * relative_cost;
    if (!settings->enabled || guard->deadline == 0 || (f64)cycles <= deadline) return false;
    count_overrun(guard, cycles, deadline);
    if (guard->is_stopped || guard->overruns < settings->hard_stop_overruns) return false;
    guard->is_stopped = true;
    return true;
}

static u32 safe_turns_left(const Guard *guard, const GuardSettings *settings, u32 tokens) {
    if (!settings->enabled) return 0;
    if (guard->is_stopped) return settings->safe_turns;
    bool is_clean_turn = guard_is_safe_mode(guard) && tokens > 0;
    return guard->safe_turns_left - is_clean_turn;
}

static void count_trip(Guard *guard) {
    guard->trips++;
    guard->last_trip_overruns = guard->overruns;
}

GuardChange guard_end_turn(Guard *guard, const GuardSettings *settings, u32 tokens) {
    bool was_safe = guard_is_safe_mode(guard);
    if (guard->is_stopped) count_trip(guard);
    guard->safe_turns_left = safe_turns_left(guard, settings, tokens);
    bool is_safe = guard_is_safe_mode(guard);
    if (is_safe && guard->is_stopped) return GUARD_SAFE_MODE_ON;
    return was_safe && !is_safe ? GUARD_SAFE_MODE_OFF : GUARD_SAME;
}
