#include "firmware/guard/guardrails.h"

#include <math.h>

#include "firmware/guard/calibration.h"
#include "firmware/testing/check.h"

enum { TURNS = 20000, TURN_TOKENS = 100, MACHINES = 500, ROUNDS = 20000 };

static const GuardSettings SETTINGS = {
    .enabled = true, .hard_stop_overruns = 6, .safe_turns = 2, .safe_caps = {0.7f, 0.88f, 40, 96}};
static const Knobs OPERATOR = {0.85f, 0.95f, 80, 160};

static u32 next_random(u32 *state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

static Guard guard_with(u64 deadline) {
    Guard guard = {0};
    guard_set_deadline(&guard, deadline);
    guard_begin_turn(&guard);
    return guard;
}

/* A turn of equal tokens; returns how many there were before the guard ended it. */
static u32 run_turn(Guard *guard, const GuardSettings *settings, u32 tokens, u64 cycles) {
    guard_begin_turn(guard);
    for (u32 i = 0; i < tokens; i++) {
        if (guard_token(guard, settings, cycles, 1)) return i + 1;
    }
    return tokens;
}

static GuardChange slow_turn(Guard *guard, const GuardSettings *settings) {
    u32 tokens = run_turn(guard, settings, TURN_TOKENS, 1001);
    return guard_end_turn(guard, settings, tokens);
}

static GuardChange clean_turn(Guard *guard, const GuardSettings *settings) {
    u32 tokens = run_turn(guard, settings, TURN_TOKENS, 1000);
    return guard_end_turn(guard, settings, tokens);
}

static void the_deadline_is_fixed_once(void) {
    Guard guard = guard_with(1000);
    guard_set_deadline(&guard, 5000);
    CHECK_U64(guard.deadline, 1000);
    run_turn(&guard, &SETTINGS, TURN_TOKENS, 1000000);
    CHECK_U64(guard.deadline, 1000);
}

static void a_token_overruns_when_it_takes_longer_than_its_position_allows(void) {
    Guard guard = guard_with(1000);
    guard_token(&guard, &SETTINGS, 1000, 1);
    guard_token(&guard, &SETTINGS, 1500, 1.5);
    CHECK_U64(guard.overruns, 0);
    guard_token(&guard, &SETTINGS, 1501, 1.5);
    CHECK_U64(guard.overruns, 1);
    CHECK_U64(guard.last_cycles, 1501);
    CHECK_U64(guard.last_deadline, 1500);
    guard_begin_turn(&guard);
    CHECK_U64(guard.overruns, 0);
}

static void the_overrun_that_reaches_the_limit_ends_the_turn_once(void) {
    Guard guard = guard_with(1000);
    for (u32 token = 1; token <= 20; token++) {
        CHECK(!guard_token(&guard, &SETTINGS, 999, 1));
        CHECK(guard_token(&guard, &SETTINGS, 1001, 1) == (token == SETTINGS.hard_stop_overruns));
        CHECK_U64(guard.overruns, token);
    }
}

static void nothing_overruns_without_a_deadline_or_when_it_is_turned_off(void) {
    GuardSettings off = SETTINGS;
    off.enabled = false;
    Guard unknown = {0}, disabled = guard_with(1000), endless = guard_with(UINT64_MAX);
    CHECK_U64(run_turn(&unknown, &SETTINGS, TURN_TOKENS, UINT64_MAX), TURN_TOKENS);
    CHECK_U64(run_turn(&disabled, &off, TURN_TOKENS, UINT64_MAX), TURN_TOKENS);
    CHECK_U64(run_turn(&endless, &SETTINGS, TURN_TOKENS, UINT64_MAX), TURN_TOKENS);
    CHECK_U64(unknown.overruns + disabled.overruns + endless.overruns, 0);
    CHECK(guard_end_turn(&disabled, &off, TURN_TOKENS) == GUARD_SAME);
    CHECK_U64(disabled.trips, 0);
}

static void safe_mode_lasts_so_many_clean_turns(void) {
    Guard guard = guard_with(1000);
    CHECK(clean_turn(&guard, &SETTINGS) == GUARD_SAME);
    CHECK(slow_turn(&guard, &SETTINGS) == GUARD_SAFE_MODE_ON);
    CHECK(guard.trips == 1 && guard.last_trip_overruns == SETTINGS.hard_stop_overruns);
    CHECK(clean_turn(&guard, &SETTINGS) == GUARD_SAME);
    CHECK(guard_end_turn(&guard, &SETTINGS, 0) == GUARD_SAME);
    CHECK(guard_is_safe_mode(&guard));
    CHECK(clean_turn(&guard, &SETTINGS) == GUARD_SAFE_MODE_OFF);
    CHECK(clean_turn(&guard, &SETTINGS) == GUARD_SAME);
    CHECK_U64(guard.trips, 1);
}

static void another_trip_begins_safe_mode_anew(void) {
    Guard guard = guard_with(1000);
    slow_turn(&guard, &SETTINGS);
    clean_turn(&guard, &SETTINGS);
    CHECK(slow_turn(&guard, &SETTINGS) == GUARD_SAFE_MODE_ON);
    CHECK_U64(guard.safe_turns_left, SETTINGS.safe_turns);
    CHECK(clean_turn(&guard, &SETTINGS) == GUARD_SAME);
    CHECK(clean_turn(&guard, &SETTINGS) == GUARD_SAFE_MODE_OFF);
    CHECK_U64(guard.trips, 2);
}

static void no_safe_turns_are_no_safe_mode(void) {
    GuardSettings settings = SETTINGS;
    settings.safe_turns = 0;
    Guard guard = guard_with(1000);
    CHECK(slow_turn(&guard, &settings) == GUARD_SAME);
    CHECK(!guard_is_safe_mode(&guard));
    CHECK_U64(guard.trips, 1);
}

static void turning_the_guard_off_ends_safe_mode(void) {
    GuardSettings off = SETTINGS;
    off.enabled = false;
    Guard guard = guard_with(1000);
    slow_turn(&guard, &SETTINGS);
    CHECK(clean_turn(&guard, &off) == GUARD_SAFE_MODE_OFF);
}

static void apply(Arbiter *arbiter, GuardChange change) {
    if (change == GUARD_SAFE_MODE_ON) arbiter_cap(arbiter, KNOB_LAYER_SAFETY, SETTINGS.safe_caps);
    if (change == GUARD_SAFE_MODE_OFF) arbiter_release(arbiter, KNOB_LAYER_SAFETY);
}

static void defect_17_the_operators_values_are_back_when_safe_mode_ends(void) {
    u32 state = 6;
    Guard guard = guard_with(1000);
    Arbiter arbiter = arbiter_new();
    for (u32 round = 0; round < ROUNDS; round++) {
        apply(&arbiter, next_random(&state) % 3 ? clean_turn(&guard, &SETTINGS) : slow_turn(&guard, &SETTINGS));
        Knobs effective = arbiter_effective(&arbiter, OPERATOR);
        CHECK(knobs_equal(&effective, guard_is_safe_mode(&guard) ? &SETTINGS.safe_caps : &OPERATOR));
    }
    CHECK(guard.trips > ROUNDS / 4);
}

/* ---- machines ---- */

/* Normal by Box and Muller (1958). */
static f64 next_normal(u32 *state) {
    f64 u = (next_random(state) + 1) / 16777216.0, v = next_random(state) / 16777216.0;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* Lognormal around `median`, with its 99th percentile at 1.5 times that; one token of `spikes` (0: none) takes ten
 * times as long, as when the machine does something else for a moment. */
static u64 token_cycles(u32 *state, f64 median, u32 spikes) {
    bool is_spike = spikes && next_random(state) % spikes == 0;
    return (u64)(median * exp(next_normal(state) * log(1.5) / 2.3263) * (is_spike ? 10 : 1));
}

/* From the least that a calibration takes. */
static Guard calibrated(u32 *state, f64 median, u32 spikes) {
    Calibration calibration = {0};
    for (u32 turn = 0; turn < CALIBRATION_TURNS; turn++) {
        for (u32 i = 0; i < CALIBRATION_TOKENS / CALIBRATION_TURNS; i++) {
            calibration_token(&calibration, token_cycles(state, median, spikes), 1);
        }
        calibration_end_turn(&calibration, true);
    }
    CHECK(calibration_is_done(&calibration));
    return guard_with(calibration.median * GUARD_DEADLINE_FACTOR);
}

typedef struct Watch {
    u64 stops, overruns;
} Watch;

static Watch watch_turns(Guard *guard, u32 *state, f64 median, u32 spikes) {
    Watch watch = {0};
    for (u32 turn = 0; turn < TURNS; turn++) {
        guard_begin_turn(guard);
        for (u32 i = 0; i < TURN_TOKENS; i++) {
            if (!guard_token(guard, &SETTINGS, token_cycles(state, median, spikes), 1)) continue;
            watch.stops++;
            break;
        }
        watch.overruns += guard->overruns;
        guard_end_turn(guard, &SETTINGS, TURN_TOKENS);
    }
    return watch;
}

static void a_steady_machine_is_not_stopped(void) {
    static const u32 SPIKES[] = {0, 1000, 300};
    u32 state = 2024;
    for (usize i = 0; i < COUNT_OF(SPIKES); i++) {
        Guard guard = calibrated(&state, 1e6, SPIKES[i]);
        Watch watch = watch_turns(&guard, &state, 1e6, SPIKES[i]);
        printf("jitter p99/p50 1.5, spikes at one token of %u (0: none): %u turns, %llu overruns, %llu hard stops\n",
               SPIKES[i], TURNS, (unsigned long long)watch.overruns, (unsigned long long)watch.stops);
        CHECK(watch.stops <= TURNS / 10000);
    }
}

/* A hundred times slower than the one above, and calibrated so. */
static void a_machine_that_was_always_slow_is_not_stopped(void) {
    u32 state = 77;
    Guard guard = calibrated(&state, 1e8, 0);
    Watch watch = watch_turns(&guard, &state, 1e8, 0);
    printf("slow from the beginning: %u turns, %llu hard stops\n", TURNS, (unsigned long long)watch.stops);
    CHECK_U64(watch.stops, 0);
    CHECK_U64(guard.trips, 0);
}

/* Runs turns until one is stopped; returns the tokens of that turn which were slow. `slow_from` counts all tokens. */
static u32 slow_tokens_until_stopped(Guard *guard, u32 *state, u32 slow_from) {
    u32 slow_tokens = 0;
    for (u32 i = 0;; i++) {
        if (i % TURN_TOKENS == 0) {
            guard_begin_turn(guard);
            slow_tokens = 0;
        }
        bool is_slow = i >= slow_from;
        slow_tokens += is_slow;
        u64 cycles = token_cycles(state, is_slow ? 1e7 : 1e6, 0);
        if (guard_token(guard, &SETTINGS, cycles, 1)) return slow_tokens;
        CHECK(i < slow_from + 2 * TURN_TOKENS);
    }
}

static void a_machine_that_becomes_ten_times_slower_is_stopped_at_once(void) {
    u32 state = 99;
    u32 most = 0;
    for (u32 machine = 0; machine < MACHINES; machine++) {
        Guard guard = calibrated(&state, 1e6, 0);
        u32 slow_tokens = slow_tokens_until_stopped(&guard, &state, next_random(&state) % (5 * TURN_TOKENS));
        CHECK(guard_end_turn(&guard, &SETTINGS, TURN_TOKENS) == GUARD_SAFE_MODE_ON);
        if (slow_tokens > most) most = slow_tokens;
    }
    printf("ten times slower from a random token on: %u machines, all stopped within %u slow tokens of a turn\n",
           MACHINES, most);
    CHECK(most <= SETTINGS.hard_stop_overruns);
}

static const TestCase CASES[] = {
    TEST(the_deadline_is_fixed_once),
    TEST(a_token_overruns_when_it_takes_longer_than_its_position_allows),
    TEST(the_overrun_that_reaches_the_limit_ends_the_turn_once),
    TEST(nothing_overruns_without_a_deadline_or_when_it_is_turned_off),
    TEST(safe_mode_lasts_so_many_clean_turns),
    TEST(another_trip_begins_safe_mode_anew),
    TEST(no_safe_turns_are_no_safe_mode),
    TEST(turning_the_guard_off_ends_safe_mode),
    TEST(defect_17_the_operators_values_are_back_when_safe_mode_ends),
    TEST(a_steady_machine_is_not_stopped),
    TEST(a_machine_that_was_always_slow_is_not_stopped),
    TEST(a_machine_that_becomes_ten_times_slower_is_stopped_at_once),
};
TEST_MAIN(CASES)
