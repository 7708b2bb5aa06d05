#include "firmware/oo/outcome.h"

#include "firmware/oo/rig.h"

/** A boot that measured everything. */
static const Vitals MEASURED = {.boot = 3,
                                .stratum = 7,
                                .free_kib = 100000,
                                .context_kib = 20000,
                                .ctx = 512,
                                .seq = 512,
                                .turns = 4,
                                .tokens = 40,
                                .decode_cpt = 1000000,
                                .overflows = 2};

static void check_judged(OoAction action, Vitals before, Vitals after, OoHealth health, OoLabel label,
                         ReasonId reason) {
    static const i32 IMPROVED[] = {
        [OO_LABEL_HELPFUL] = 1, [OO_LABEL_NEUTRAL] = 0, [OO_LABEL_HARMFUL] = -1, [OO_LABEL_PENDING] = 0};
    Outcome outcome = outcome_judge(action, &before, &after, health);
    CHECK_STR(oo_label_word(outcome.label), oo_label_word(label));
    CHECK_STR(reason_id_word(outcome.reason), reason_id_word(reason));
    CHECK_MSG(outcome.improved == IMPROVED[label], "%d", outcome.improved);
}

static void check_label(OoAction action, Vitals before, Vitals after, OoLabel label) {
    static const ReasonId REASONS[] = {[OO_LABEL_HELPFUL] = REASON_ID_OO_OUTCOME_BETTER,
                                       [OO_LABEL_NEUTRAL] = REASON_ID_OO_OUTCOME_SAME,
                                       [OO_LABEL_HARMFUL] = REASON_ID_OO_OUTCOME_WORSE,
                                       [OO_LABEL_PENDING] = REASON_ID_OO_OUTCOME_NO_EVIDENCE};
    check_judged(action, before, after, OO_HEALTH_HEALTHY, label, REASONS[label]);
}

/** A context of 20000 KiB: a difference counts from 1000 KiB on. */
static void memory_is_judged_by_a_share_of_the_context(void) {
    static const struct {
        u64 free_kib;
        OoLabel label;
    } ROWS[] = {{110000, OO_LABEL_HELPFUL}, {101000, OO_LABEL_HELPFUL}, {100999, OO_LABEL_NEUTRAL},
                {100000, OO_LABEL_NEUTRAL}, {99001, OO_LABEL_NEUTRAL},  {99000, OO_LABEL_HARMFUL},
                {1, OO_LABEL_HARMFUL},      {0, OO_LABEL_PENDING}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        Vitals after = MEASURED;
        after.free_kib = ROWS[i].free_kib;
        check_label(OO_ACTION_REDUCE_CTX, MEASURED, after, ROWS[i].label);
    }
}

static void cycles_are_judged_by_a_share_of_their_value(void) {
    static const struct {
        u64 cpt;
        OoLabel label;
    } ROWS[] = {{500000, OO_LABEL_HELPFUL},  {950000, OO_LABEL_HELPFUL},  {950001, OO_LABEL_NEUTRAL},
                {1049999, OO_LABEL_NEUTRAL}, {1050000, OO_LABEL_HARMFUL}, {0, OO_LABEL_PENDING}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        Vitals after = MEASURED;
        after.decode_cpt = ROWS[i].cpt;
        check_label(OO_ACTION_REDUCE_SEQ, MEASURED, after, ROWS[i].label);
    }
    Vitals few = MEASURED;
    few.tokens = OUTCOME_LEAST_TOKENS - 1;
    check_label(OO_ACTION_REDUCE_SEQ, MEASURED, few, OO_LABEL_PENDING);
    check_label(OO_ACTION_REDUCE_SEQ, few, MEASURED, OO_LABEL_PENDING);
}

static void overflows_are_judged_per_turn(void) {
    static const struct {
        u32 turns, overflows;
        OoLabel label;
    } ROWS[] = {{4, 0, OO_LABEL_HELPFUL}, {8, 2, OO_LABEL_HELPFUL}, {8, 4, OO_LABEL_NEUTRAL}, {2, 1, OO_LABEL_NEUTRAL},
                {2, 2, OO_LABEL_HARMFUL}, {1, 0, OO_LABEL_PENDING}, {0, 0, OO_LABEL_PENDING}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        Vitals after = MEASURED;
        after.turns = ROWS[i].turns;
        after.overflows = ROWS[i].overflows;
        check_label(OO_ACTION_INCREASE_CTX, MEASURED, after, ROWS[i].label);
    }
    Vitals none = MEASURED, one = MEASURED;
    none.overflows = 0;
    one.overflows = 1;
    check_label(OO_ACTION_INCREASE_CTX, none, none, OO_LABEL_NEUTRAL);
    check_label(OO_ACTION_INCREASE_CTX, none, one, OO_LABEL_HARMFUL);
}

static void unhealthy_boot_is_harmful_whatever_was_measured(void) {
    Vitals better = MEASURED, unlike = MEASURED, nothing = {0};
    better.free_kib *= 2;
    unlike.stratum++;
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        if (!action_changes(action)) continue;
        ReasonId reason = REASON_ID_OO_OUTCOME_UNHEALTHY;
        check_judged(action, MEASURED, better, OO_HEALTH_UNHEALTHY, OO_LABEL_HARMFUL, reason);
        check_judged(action, MEASURED, unlike, OO_HEALTH_UNHEALTHY, OO_LABEL_HARMFUL, reason);
        check_judged(action, MEASURED, nothing, OO_HEALTH_UNHEALTHY, OO_LABEL_HARMFUL, reason);
    }
}

static void only_like_is_compared_with_like(void) {
    Vitals after = MEASURED;
    after.stratum++;
    after.free_kib *= 2;
    check_judged(OO_ACTION_REDUCE_CTX, MEASURED, after, OO_HEALTH_HEALTHY, OO_LABEL_PENDING,
                 REASON_ID_OO_OUTCOME_OTHER_MACHINE);
}

static void idle_boot_is_no_evidence(void) {
    Vitals after = MEASURED;
    after.free_kib *= 2;
    check_judged(OO_ACTION_REDUCE_CTX, MEASURED, after, OO_HEALTH_IDLE, OO_LABEL_PENDING,
                 REASON_ID_OO_OUTCOME_NO_EVIDENCE);
}

/** "Improved" was whether the mode had been lifted, which it is by the count of boots. */
static void defect_13_a_count_of_boots_never_makes_an_outcome_helpful(void) {
    u64 seed = 3;
    for (u32 round = 0; round < 100000; round++) {
        Vitals before = MEASURED, after = MEASURED;
        after.boot = before.boot + rig_random(&seed);
        after.turns = before.turns * (1 + rig_below(&seed, 100));
        after.overflows = before.overflows * (after.turns / before.turns);
        after.tokens = 8 + rig_below(&seed, 100000);
        after.guard_trips = rig_below(&seed, 9);
        after.sentinel_trips = rig_below(&seed, 9);
        after.ctx = rig_random(&seed);
        after.seq = rig_random(&seed);
        OoAction action = rig_below(&seed, OO_ACTION_INCREASE_CTX + 1);
        check_label(action, before, after, OO_LABEL_NEUTRAL);
    }
}

static u64 random_size(u64 *seed) { return (u64)rig_random(seed) << rig_below(seed, 33); }

static Vitals random_vitals(u64 *seed) {
    return (Vitals){.boot = random_size(seed),
                    .stratum = rig_below(seed, 2),
                    .free_kib = random_size(seed),
                    .context_kib = random_size(seed),
                    .turns = rig_random(seed),
                    .tokens = rig_random(seed),
                    .decode_cpt = random_size(seed),
                    .overflows = rig_random(seed)};
}

/** Whatever the numbers are: helpful means that the quantity moved the way it was to. */
static void helpful_is_always_a_move_the_right_way(void) {
    u64 seed = 4;
    for (u32 round = 0; round < 100000; round++) {
        Vitals before = random_vitals(&seed), after = random_vitals(&seed);
        OoAction action = rig_below(&seed, OO_ACTION_INCREASE_CTX + 1);
        Outcome outcome = outcome_judge(action, &before, &after, OO_HEALTH_HEALTHY);
        bool is_up = ACTIONS[action].direction == OO_DIRECTION_UP;
        if (outcome.label == OO_LABEL_HELPFUL) CHECK(is_up == (outcome.after > outcome.before));
        if (outcome.label == OO_LABEL_HARMFUL) CHECK(is_up == (outcome.after < outcome.before));
        CHECK((outcome.label == OO_LABEL_PENDING) == (outcome.reason == REASON_ID_OO_OUTCOME_NO_EVIDENCE ||
                                                      outcome.reason == REASON_ID_OO_OUTCOME_OTHER_MACHINE));
    }
}

/* ---- estimates ---- */

static void check_estimate(OoAction action, u32 old, u32 new, u64 before, u64 after, OoLabel label) {
    EstimateFacts facts = {.now = MEASURED, .bytes_per_token = 40 * 1024, .relative_cost_per_token = 0.002};
    Outcome outcome = outcome_estimate(action, old, new, &facts);
    CHECK_U64(outcome.before, before);
    CHECK_U64(outcome.after, after);
    CHECK_STR(oo_label_word(outcome.label), oo_label_word(label));
    CHECK_U64(outcome.reason, REASON_ID_OO_SIMULATED);
}

static void estimates_follow_from_this_boot_s_figures(void) {
    check_estimate(OO_ACTION_REDUCE_CTX, 512, 256, 100000, 110240, OO_LABEL_HELPFUL);
    check_estimate(OO_ACTION_REDUCE_CTX, 512, 500, 100000, 100480, OO_LABEL_NEUTRAL);
    /* 1 + 0.002 * 256 = 1.512 in the middle of 512 tokens, 1.256 in the middle of 256 */
    check_estimate(OO_ACTION_REDUCE_SEQ, 512, 256, 1000000, 830687, OO_LABEL_HELPFUL);
    check_estimate(OO_ACTION_INCREASE_CTX, 512, 1024, 500, 250, OO_LABEL_HELPFUL);
}

static void estimate_without_measurements_is_pending(void) {
    EstimateFacts unknown = {.bytes_per_token = 40 * 1024, .relative_cost_per_token = 0.002};
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        if (!action_changes(action)) continue;
        Outcome outcome = outcome_estimate(action, 512, 256, &unknown);
        CHECK(outcome.label == OO_LABEL_PENDING && outcome.improved == 0);
        CHECK(outcome.before == 0 && outcome.after == 0);
    }
}

static void estimates_bear_any_numbers(void) {
    u64 seed = 5;
    for (u32 round = 0; round < 100000; round++) {
        EstimateFacts facts = {.now = random_vitals(&seed),
                               .bytes_per_token = rig_random(&seed),
                               .relative_cost_per_token = rig_below(&seed, 1000) / 1000.0};
        facts.now.free_kib >>= 8;
        facts.now.decode_cpt >>= 8;
        u32 old = 1 + rig_below(&seed, 1048576), new = 1 + rig_below(&seed, old);
        Outcome reduced = outcome_estimate(rig_below(&seed, 2), old, new, &facts);
        CHECK(reduced.label != OO_LABEL_HARMFUL);
        Outcome increased = outcome_estimate(OO_ACTION_INCREASE_CTX, new, old, &facts);
        CHECK(increased.label != OO_LABEL_HARMFUL);
    }
}

/* ---- what is remembered ---- */

static Tally tally_of(const char *outcomes) {
    Tally tally = {0};
    for (; *outcomes; outcomes++) {
        tally_add(&tally, *outcomes == '+' ? OO_LABEL_HELPFUL : *outcomes == '-' ? OO_LABEL_HARMFUL : OO_LABEL_NEUTRAL);
    }
    return tally;
}

static void older_outcomes_count_less(void) {
    CHECK_U64(tally_of("+").good_milli, 1000);
    CHECK_U64(tally_of("++").good_milli, 1875);
    CHECK_U64(tally_of("+=").good_milli, 875);
    CHECK_U64(tally_of("+-").good_milli, 875);
    CHECK_U64(tally_of("+-").bad_milli, 1000);
    CHECK_U64(tally_of("-+").bad_milli, 875);
}

/** The reference read the first sixteen lines of the window: the oldest. */
static void newest_outcomes_count_the_most(void) {
    Tally worse = tally_of("++++----"), better = tally_of("----++++");
    CHECK(tally_bias(OO_ACTION_REDUCE_CTX, &worse) < 0);
    CHECK(tally_bias(OO_ACTION_REDUCE_CTX, &better) > 0);
}

static void pending_outcome_is_no_evidence(void) {
    Tally tally = tally_of("+-+"), same = tally;
    tally_add(&tally, OO_LABEL_PENDING);
    CHECK(tally.good_milli == same.good_milli && tally.bad_milli == same.bad_milli);
}

static void outcomes_are_forgotten_with_the_boots(void) {
    Tally tally = tally_of("+++");
    u32 before = tally.good_milli;
    tally_age(&tally);
    CHECK_U64(tally.good_milli, before * 31 / 32);
    for (u32 boot = 0; boot < 300; boot++) tally_age(&tally);
    CHECK_MSG(tally.good_milli < 31, "%u", tally.good_milli);
    CHECK(tally_bias(OO_ACTION_REDUCE_CTX, &tally) == 0);
}

static void tally_never_grows_beyond_its_most(void) {
    u64 seed = 6;
    Tally tally = {TALLY_MAX_MILLI, TALLY_MAX_MILLI};
    for (u32 round = 0; round < 100000; round++) {
        tally_add(&tally, rig_below(&seed, OO_LABEL_VALUES));
        CHECK(tally.good_milli <= TALLY_MAX_MILLI && tally.bad_milli <= TALLY_MAX_MILLI);
    }
}

static void bias_has_steps_at_its_thresholds(void) {
    static const struct {
        OoAction action;
        u32 good, bad;
        i32 bias;
    } ROWS[] = {
        {OO_ACTION_REDUCE_CTX, 3000, 0, 8},     {OO_ACTION_REDUCE_CTX, 2999, 0, 4},
        {OO_ACTION_REDUCE_SEQ, 500, 0, 4},      {OO_ACTION_REDUCE_SEQ, 499, 0, 0},
        {OO_ACTION_REDUCE_CTX, 0, 499, 0},      {OO_ACTION_REDUCE_CTX, 0, 500, -5},
        {OO_ACTION_REDUCE_CTX, 1000, 3999, -5}, {OO_ACTION_REDUCE_CTX, 1000, 4000, -10},
        {OO_ACTION_INCREASE_CTX, 2000, 0, 6},   {OO_ACTION_INCREASE_CTX, 1999, 0, 3},
        {OO_ACTION_INCREASE_CTX, 500, 0, 3},    {OO_ACTION_INCREASE_CTX, 499, 0, 0},
        {OO_ACTION_INCREASE_CTX, 0, 500, -4},   {OO_ACTION_INCREASE_CTX, 0, 1999, -4},
        {OO_ACTION_INCREASE_CTX, 0, 2000, -8},  {OO_ACTION_STABLE, 8000, 0, 0},
        {OO_ACTION_REBOOT, 0, 8000, 0},         {OO_ACTION_CHANGE_MODEL, 8000, 0, 0},
    };
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        Tally tally = {ROWS[i].good, ROWS[i].bad};
        CHECK_MSG(tally_bias(ROWS[i].action, &tally) == ROWS[i].bias, "row %zu", i);
    }
}

static const TestCase CASES[] = {TEST(memory_is_judged_by_a_share_of_the_context),
                                 TEST(cycles_are_judged_by_a_share_of_their_value),
                                 TEST(overflows_are_judged_per_turn),
                                 TEST(unhealthy_boot_is_harmful_whatever_was_measured),
                                 TEST(only_like_is_compared_with_like),
                                 TEST(idle_boot_is_no_evidence),
                                 TEST(defect_13_a_count_of_boots_never_makes_an_outcome_helpful),
                                 TEST(helpful_is_always_a_move_the_right_way),
                                 TEST(estimates_follow_from_this_boot_s_figures),
                                 TEST(estimate_without_measurements_is_pending),
                                 TEST(estimates_bear_any_numbers),
                                 TEST(older_outcomes_count_less),
                                 TEST(newest_outcomes_count_the_most),
                                 TEST(pending_outcome_is_no_evidence),
                                 TEST(outcomes_are_forgotten_with_the_boots),
                                 TEST(tally_never_grows_beyond_its_most),
                                 TEST(bias_has_steps_at_its_thresholds)};
TEST_MAIN(CASES)
