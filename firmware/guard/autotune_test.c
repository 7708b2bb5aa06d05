#include "firmware/guard/autotune.h"

#include <math.h>

#include "firmware/testing/check.h"

enum { TURNS = 100000, MACHINES = 1000, REASONS = REASON_ID_SENTINEL_RESET + 1, CALIBRATED = 1000000 };

static const AutotuneSettings AUTO = {.enabled = true, .step_top_k = 8, .step_max_tokens = 16, .step_temp_milli = 40};
static const Knobs OPERATOR = {0.85f, 0.95f, 80, 160};
static const Knobs MINIMA = {0.55f, 0.8f, 24, 64};

static u32 next_random(u32 *state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

/* ---- a session: the arbiter and its autotune layer ---- */

typedef struct Session {
    AutotuneSettings settings;
    Knobs operator_values;
    Arbiter arbiter;
    Autotune autotune;
    u32 reasons[REASONS]; /* turns that had each */
} Session;

static Session session_new(Knobs operator_values) {
    return (Session){.settings = AUTO, .operator_values = operator_values, .arbiter = arbiter_new()};
}

static Knobs effective(const Session *session) {
    return arbiter_effective(&session->arbiter, session->operator_values);
}

static Knobs below(const Session *session) {
    return arbiter_below(&session->arbiter, KNOB_LAYER_AUTOTUNE, session->operator_values);
}

/* A turn that cost so much; applies what autotune makes of it and returns what that was. */
static M18Action run_turn(Session *session, u64 cpt, u32 tokens) {
    AutotuneTurn turn = {cpt, tokens, CALIBRATED, below(session)};
    session->autotune.last_reason = REASON_ID_OO_MODE_INIT;
    bool has_changed = autotune_end_turn(&session->autotune, &session->settings, &turn);
    CHECK(has_changed == (session->autotune.last_action != M18_ACTION_HOLD));
    CHECK(session->autotune.last_reason != REASON_ID_OO_MODE_INIT);
    CHECK_U64(session->autotune.last_cpt, cpt);
    session->reasons[session->autotune.last_reason]++;
    if (has_changed && session->autotune.has_caps) {
        arbiter_cap(&session->arbiter, KNOB_LAYER_AUTOTUNE, session->autotune.caps);
    } else if (has_changed) {
        arbiter_release(&session->arbiter, KNOB_LAYER_AUTOTUNE);
    }
    return session->autotune.last_action;
}

static void check_turn(Session *session, u64 cpt, M18Action action, ReasonId reason) {
    CHECK_U64(run_turn(session, cpt, 100), action);
    CHECK_STR(reason_id_word(session->autotune.last_reason), reason_id_word(reason));
}

static void check_knobs(const Session *session, Knobs expected) {
    Knobs actual = effective(session);
    CHECK_MSG(knobs_equal(&actual, &expected), "temp %f top_p %f top_k %u max_tokens %u", (f64)actual.temperature,
              (f64)actual.top_p, actual.top_k, actual.max_tokens);
}

static void hold_turns(Session *session, u64 cpt, u32 turns, ReasonId reason) {
    for (u32 i = 0; i < turns; i++) check_turn(session, cpt, M18_ACTION_HOLD, reason);
}

/* A move, and the turns after it. */
static void move(Session *session, u64 cpt, M18Action action, ReasonId reason) {
    check_turn(session, cpt, action, reason);
    hold_turns(session, cpt, AUTOTUNE_DWELL_TURNS, REASON_ID_M18_HOLD_DWELL);
}

static void tighten(Session *session, u64 cpt) { move(session, cpt, M18_ACTION_TIGHTEN, REASON_ID_M18_TIGHTEN_SLOW); }

static void relax(Session *session, u64 cpt) { move(session, cpt, M18_ACTION_RELAX, REASON_ID_M18_RELAX_FAST); }

/* ---- thresholds ---- */

static void check_thresholds(u64 hi, u64 lo, u64 calibrated, u64 expected_hi, u64 expected_lo) {
    AutotuneSettings settings = {.hi = hi, .lo = lo};
    autotune_thresholds(&settings, calibrated, &hi, &lo);
    CHECK_U64(hi, expected_hi);
    CHECK_U64(lo, expected_lo);
}

static void automatic_thresholds_follow_from_the_calibration(void) {
    check_thresholds(0, 0, 1000, 1500, 1150);
    check_thresholds(0, 0, 0, 0, 0);
    check_thresholds(2000, 0, 0, 0, 0);
    check_thresholds(0, 500, 0, 0, 0);
    check_thresholds(2000, 0, 1000, 2000, 1150);
    check_thresholds(0, 500, 1000, 1500, 500);
}

static void thresholds_of_the_configuration_need_no_calibration(void) {
    check_thresholds(170000, 105000, 0, 170000, 105000);
    check_thresholds(170000, 105000, 1000, 170000, 105000);
}

static void of_thresholds_that_cross_the_automatic_one_yields(void) {
    check_thresholds(900, 0, 1000, 900, 899);
    check_thresholds(0, 5000, 1000, 5001, 5000);
    check_thresholds(100, 200, 0, 201, 200);
    check_thresholds(1, UINT64_MAX, 0, UINT64_MAX, UINT64_MAX);
}

/* ---- single decisions ---- */

static void a_slow_turn_lowers_every_knob_by_a_step_and_a_fast_one_raises_it(void) {
    Session session = session_new(OPERATOR);
    tighten(&session, 2000000);
    check_knobs(&session, (Knobs){0.81f, 0.935f, 72, 144});
    tighten(&session, 1900000);
    check_knobs(&session, (Knobs){0.77f, 0.92f, 64, 128});
    relax(&session, 1000000);
    check_knobs(&session, (Knobs){0.81f, 0.935f, 72, 144});
    relax(&session, 1000000);
    check_knobs(&session, OPERATOR);
    CHECK(!session.autotune.has_caps);
    hold_turns(&session, 1000000, 3, REASON_ID_M18_HOLD_AT_OPERATOR);
}

static void between_the_thresholds_nothing_moves(void) {
    Session session = session_new(OPERATOR);
    hold_turns(&session, 1500000, 2, REASON_ID_M18_HOLD_BAND);
    hold_turns(&session, 1150000, 2, REASON_ID_M18_HOLD_BAND);
    tighten(&session, 1500001);
    hold_turns(&session, 1300000, 20, REASON_ID_M18_HOLD_BAND);
    check_knobs(&session, (Knobs){0.81f, 0.935f, 72, 144});
    relax(&session, 1149999);
}

static void turns_that_say_nothing_are_not_dwelt_upon(void) {
    Session session = session_new(OPERATOR);
    CHECK_U64(run_turn(&session, 9000000, AUTOTUNE_LEAST_TOKENS - 1), M18_ACTION_HOLD);
    CHECK_U64(session.autotune.last_reason, REASON_ID_M18_HOLD_NO_TOKENS);
    hold_turns(&session, 0, 1, REASON_ID_M18_HOLD_NO_TOKENS);
    check_turn(&session, 2000000, M18_ACTION_TIGHTEN, REASON_ID_M18_TIGHTEN_SLOW);
    for (u32 i = 0; i < 5; i++) run_turn(&session, 2000000, 0);
    hold_turns(&session, 2000000, AUTOTUNE_DWELL_TURNS, REASON_ID_M18_HOLD_DWELL);
}

static void nothing_moves_before_the_calibration(void) {
    Autotune autotune = {0};
    AutotuneTurn turn = {9000000, 100, 0, OPERATOR};
    CHECK(!autotune_end_turn(&autotune, &AUTO, &turn));
    CHECK_U64(autotune.last_reason, REASON_ID_M18_HOLD_UNCALIBRATED);
}

static void turned_off_it_holds_and_gives_back_what_it_took(void) {
    Session session = session_new(OPERATOR);
    session.settings.enabled = false;
    hold_turns(&session, 9000000, 3, REASON_ID_M18_HOLD_DISABLED);
    session.settings.enabled = true;
    tighten(&session, 2000000);
    session.settings.enabled = false;
    check_turn(&session, 2000000, M18_ACTION_RESTORE, REASON_ID_M18_HOLD_DISABLED);
    check_knobs(&session, OPERATOR);
}

static void defect_16_tightening_never_raises_a_knob(void) {
    static const Knobs LOW = {0, 0.5f, 10, 12}, GREEDY = {0, 1, 0, 12};
    Session session = session_new(LOW);
    hold_turns(&session, 9000000, 10, REASON_ID_M18_HOLD_AT_MINIMUM);
    check_knobs(&session, LOW);
    session = session_new(GREEDY);
    tighten(&session, 9000000);
    check_knobs(&session, (Knobs){0, 0.985f, 0, 12});
}

static void knobs_end_at_their_minima(void) {
    Session session = session_new((Knobs){0.5504f, 0.8121f, 25, 70});
    tighten(&session, 2000000);
    check_knobs(&session, MINIMA);
    hold_turns(&session, 1900000, 5, REASON_ID_M18_HOLD_AT_MINIMUM);
    relax(&session, 100000);
    check_knobs(&session, session.operator_values);
    CHECK(!session.autotune.has_caps);
}

static void an_operator_who_lowers_a_knob_is_obeyed_and_so_is_one_who_raises_it_again(void) {
    Session session = session_new(OPERATOR);
    tighten(&session, 2000000);
    session.operator_values = (Knobs){0.3f, 0.9f, 30, 20};
    check_knobs(&session, session.operator_values);
    tighten(&session, 2000000);
    check_knobs(&session, (Knobs){0.3f, 0.885f, 24, 20});
    session.operator_values = OPERATOR;
    for (u32 i = 0; i < 20; i++) run_turn(&session, 1000000, 100);
    check_knobs(&session, OPERATOR);
    CHECK(!session.autotune.has_caps);
}

static void a_top_k_that_is_turned_off_meanwhile_is_let_go_by_the_first_step_up(void) {
    Session session = session_new(OPERATOR);
    tighten(&session, 2000000);
    tighten(&session, 1900000);
    session.operator_values.top_k = 0;
    relax(&session, 1000000);
    check_knobs(&session, (Knobs){0.81f, 0.935f, 0, 144});
    relax(&session, 1000000);
    CHECK(!session.autotune.has_caps);
}

/* ---- gain ---- */

static void without_gain_the_operators_values_come_back_and_are_held(void) {
    Session session = session_new(OPERATOR);
    for (u32 i = 0; i < AUTOTUNE_TRIAL_MOVES; i++) tighten(&session, 2000000);
    check_turn(&session, 1940001, M18_ACTION_RESTORE, REASON_ID_M18_NO_GAIN);
    check_knobs(&session, OPERATOR);
    CHECK(!session.autotune.has_caps);
    hold_turns(&session, 2000000, 50, REASON_ID_M18_HOLD_AFTER_NO_GAIN);
    hold_turns(&session, 1500000, 1, REASON_ID_M18_HOLD_BAND);
    hold_turns(&session, 1940001 + 485000, 5, REASON_ID_M18_HOLD_AFTER_NO_GAIN);
    tighten(&session, 1940001 + 485001);
}

static void the_least_gain_is_enough_and_begins_the_next_trial(void) {
    Session session = session_new(OPERATOR);
    for (u32 i = 0; i < AUTOTUNE_TRIAL_MOVES; i++) tighten(&session, 2000000);
    for (u32 i = 0; i < AUTOTUNE_TRIAL_MOVES; i++) tighten(&session, 1940000);
    check_turn(&session, 1940000, M18_ACTION_RESTORE, REASON_ID_M18_NO_GAIN);
}

static void at_the_minima_the_gain_is_judged_at_once(void) {
    Session session = session_new((Knobs){0.56f, 0.8f, 24, 64});
    tighten(&session, 2000000);
    check_turn(&session, 2000000, M18_ACTION_RESTORE, REASON_ID_M18_NO_GAIN);
    check_knobs(&session, session.operator_values);
}

/* ---- random histories ---- */

/* How much a value allows: a top_k that is off allows everything. */
static f64 reach(const Knobs *knobs, Knob knob) {
    f64 value = knob_value(knobs, knob);
    return knob == KNOB_TOP_K && value == 0 ? INFINITY : value;
}

static bool none_is_above(Knobs a, Knobs b) {
    for (Knob knob = 0; knob < KNOB_COUNT; knob++) {
        if (reach(&a, knob) > reach(&b, knob)) return false;
    }
    return true;
}

static Knobs random_operator(u32 *state) {
    static const u32 TOP_K[] = {0, 1, 10, 24, 25, 40, 80, 200};
    return (Knobs){(f32)(next_random(state) % 20000) / 10000, (f32)(next_random(state) % 10001) / 10000,
                   TOP_K[next_random(state) % COUNT_OF(TOP_K)], 1 + next_random(state) % 300};
}

/* The person at the prompt, the policy, and the configuration do what they want. */
static void disturb(Session *session, u32 *state) {
    if (next_random(state) % 50 == 0) session->operator_values = random_operator(state);
    if (next_random(state) % 100 == 0) arbiter_cap(&session->arbiter, KNOB_LAYER_CANARY, random_operator(state));
    if (next_random(state) % 100 == 0) arbiter_release(&session->arbiter, KNOB_LAYER_CANARY);
    session->settings.enabled = next_random(state) % 200 > 0;
    session->settings.step_temp_milli = 1 + next_random(state) % 300;
}

static void check_reason(ReasonId reason, M18Action action, u64 cpt) {
    bool is_move = action == M18_ACTION_TIGHTEN || action == M18_ACTION_RELAX;
    CHECK((reason == REASON_ID_M18_TIGHTEN_SLOW) == (action == M18_ACTION_TIGHTEN));
    CHECK((reason == REASON_ID_M18_RELAX_FAST) == (action == M18_ACTION_RELAX));
    if (reason == REASON_ID_M18_NO_GAIN) CHECK(action == M18_ACTION_RESTORE);
    if (action == M18_ACTION_RESTORE) CHECK(reason == REASON_ID_M18_NO_GAIN || reason == REASON_ID_M18_HOLD_DISABLED);
    if (is_move) CHECK(action == M18_ACTION_TIGHTEN ? cpt > 1500000 : cpt < 1150000);
    if (reason == REASON_ID_M18_HOLD_BAND) CHECK(cpt >= 1150000 && cpt <= 1500000);
}

static void check_values(const Session *session, Knobs before, M18Action action) {
    Knobs now = effective(session), least = knobs_least(MINIMA, below(session));
    CHECK(none_is_above(now, below(session)) && none_is_above(now, session->operator_values));
    CHECK(none_is_above(least, now));
    if (action == M18_ACTION_TIGHTEN) CHECK(none_is_above(now, before) && !knobs_equal(&now, &before));
    if (action == M18_ACTION_RELAX) CHECK(none_is_above(before, now));
    if (action == M18_ACTION_HOLD) CHECK(knobs_equal(&now, &before));
    if (action == M18_ACTION_RESTORE) CHECK(none_is_above(below(session), now));
}

static void whatever_happens_knobs_stay_between_minimum_and_operator(void) {
    u32 state = 18, since_move = AUTOTUNE_DWELL_TURNS;
    f64 cost = 1500000;
    Session session = session_new(OPERATOR);
    for (u32 i = 0; i < TURNS; i++) {
        disturb(&session, &state);
        cost = fmin(fmax(cost * exp((f64)(next_random(&state) % 201) / 500 - 0.2), 300000), 9000000);
        Knobs before = effective(&session);
        M18Action action = run_turn(&session, (u64)cost, next_random(&state) % 30);
        check_reason(session.autotune.last_reason, action, (u64)cost);
        check_values(&session, before, action);
        bool is_move = action == M18_ACTION_TIGHTEN || action == M18_ACTION_RELAX;
        if (is_move) CHECK(since_move >= AUTOTUNE_DWELL_TURNS);
        since_move = is_move ? 0 : since_move + 1;
        if (action == M18_ACTION_RESTORE) since_move = AUTOTUNE_DWELL_TURNS;
    }
    for (ReasonId reason = REASON_ID_M18_TIGHTEN_SLOW; reason <= REASON_ID_M18_HOLD_AFTER_NO_GAIN; reason++) {
        bool is_never = reason == REASON_ID_M18_HOLD_UNCALIBRATED;
        CHECK_MSG((session.reasons[reason] == 0) == is_never, "%.*s", STR_ARG(reason_id_word(reason)));
    }
}

/* ---- closed loops ---- */

typedef f64 Plant(Knobs knobs); /* cost relative to the calibrated one */

static f64 plant_without_effect(Knobs knobs) {
    (void)knobs;
    return 1;
}

/* Half of the cost is in proportion to max_tokens. */
static f64 plant_of_length(Knobs knobs) { return 0.5 + 0.5 * knobs.max_tokens / 160; }

static void run_turns(Session *session, Plant *plant, f64 load, u32 turns, f64 noise, u32 *state) {
    for (u32 i = 0; i < turns; i++) {
        f64 unit = (f64)next_random(state) / 8388608.0 - 1;
        run_turn(session, (u64)(CALIBRATED * load * plant(effective(session)) * (1 + noise * unit)), 100);
    }
}

static void a_machine_that_knobs_do_not_help_keeps_the_operators_values(void) {
    static const f64 LOADS[] = {1, 2, 4, 1, 2}; /* regimes: of the slow ones each says once that there is no gain */
    u32 state = 1;
    Session session = session_new(OPERATOR);
    u32 slow_regimes = 0;
    for (usize i = 0; i < COUNT_OF(LOADS); i++) {
        run_turns(&session, plant_without_effect, LOADS[i], 200, 0.01, &state);
        check_knobs(&session, OPERATOR);
        slow_regimes += LOADS[i] > 1;
        CHECK_U64(session.reasons[REASON_ID_M18_NO_GAIN], slow_regimes);
    }
    CHECK_U64(session.reasons[REASON_ID_M18_TIGHTEN_SLOW], AUTOTUNE_TRIAL_MOVES * slow_regimes);
}

static void a_machine_that_knobs_help_is_brought_into_the_band_and_let_go_when_load_falls(void) {
    u32 state = 1;
    Session session = session_new(OPERATOR);
    run_turns(&session, plant_of_length, 2, 60, 0.01, &state);
    f64 cost = 2 * plant_of_length(effective(&session));
    printf("load 2: max_tokens %u, cost %.3f\n", effective(&session).max_tokens, cost);
    CHECK(cost > 1.15 && cost < 1.52);
    CHECK_U64(session.autotune.last_reason, REASON_ID_M18_HOLD_BAND);
    CHECK_U64(session.reasons[REASON_ID_M18_NO_GAIN], 0);
    run_turns(&session, plant_of_length, 1, 60, 0.01, &state);
    check_knobs(&session, OPERATOR);
    CHECK(!session.autotune.has_caps);
    CHECK_U64(session.autotune.last_reason, REASON_ID_M18_HOLD_AT_OPERATOR);
}

static u32 machines_at_operator(f64 noise) {
    u32 state = 5, count = 0;
    for (u32 i = 0; i < MACHINES; i++) {
        Session session = session_new(OPERATOR);
        run_turns(&session, plant_without_effect, 2, 200, noise, &state);
        count += !session.autotune.has_caps;
    }
    return count;
}

static void noise_is_not_taken_for_gain(void) {
    static const struct {
        f64 noise; /* of a turn's median, to either side */
        u32 least;
    } ROWS[] = {{0.02, MACHINES}, {0.05, MACHINES}, {0.1, MACHINES * 99 / 100}, {0.2, MACHINES * 9 / 10}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        u32 count = machines_at_operator(ROWS[i].noise);
        printf("no effect, noise of %.0f %%: %u of %d machines are at the operator's values after 200 turns\n",
               ROWS[i].noise * 100, count, MACHINES);
        CHECK(count >= ROWS[i].least);
    }
}

static const TestCase CASES[] = {
    TEST(automatic_thresholds_follow_from_the_calibration),
    TEST(thresholds_of_the_configuration_need_no_calibration),
    TEST(of_thresholds_that_cross_the_automatic_one_yields),
    TEST(a_slow_turn_lowers_every_knob_by_a_step_and_a_fast_one_raises_it),
    TEST(between_the_thresholds_nothing_moves),
    TEST(turns_that_say_nothing_are_not_dwelt_upon),
    TEST(nothing_moves_before_the_calibration),
    TEST(turned_off_it_holds_and_gives_back_what_it_took),
    TEST(defect_16_tightening_never_raises_a_knob),
    TEST(knobs_end_at_their_minima),
    TEST(an_operator_who_lowers_a_knob_is_obeyed_and_so_is_one_who_raises_it_again),
    TEST(a_top_k_that_is_turned_off_meanwhile_is_let_go_by_the_first_step_up),
    TEST(without_gain_the_operators_values_come_back_and_are_held),
    TEST(the_least_gain_is_enough_and_begins_the_next_trial),
    TEST(at_the_minima_the_gain_is_judged_at_once),
    TEST(whatever_happens_knobs_stay_between_minimum_and_operator),
    TEST(a_machine_that_knobs_do_not_help_keeps_the_operators_values),
    TEST(a_machine_that_knobs_help_is_brought_into_the_band_and_let_go_when_load_falls),
    TEST(noise_is_not_taken_for_gain),
};
TEST_MAIN(CASES)
