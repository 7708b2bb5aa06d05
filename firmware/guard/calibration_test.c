#include "firmware/guard/calibration.h"

#include "firmware/testing/check.h"

enum { ROUNDS = 2000, LONGEST = 300 };

static u32 next_random(u32 *state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

static void run_turn(Calibration *calibration, u32 tokens, u64 cycles, f64 relative_cost) {
    for (u32 i = 0; i < tokens; i++) calibration_token(calibration, cycles, relative_cost);
}

static void two_healthy_turns_and_sixteen_tokens_are_enough(void) {
    Calibration calibration = {0};
    run_turn(&calibration, 10, 300, 1);
    CHECK(!calibration_end_turn(&calibration, true));
    run_turn(&calibration, 5, 200, 1);
    CHECK(!calibration_end_turn(&calibration, true));
    CHECK(!calibration_is_done(&calibration));
    run_turn(&calibration, 3, 200, 1);
    CHECK(calibration_end_turn(&calibration, true));
    CHECK_U64(calibration.median, 300);
    CHECK_U64(calibration.turns, 3);
    CHECK_U64(calibration.healthy, 18);
}

static void one_long_turn_is_not_enough(void) {
    Calibration calibration = {0};
    run_turn(&calibration, 10 * CALIBRATION_SAMPLES, 300, 1);
    CHECK(!calibration_end_turn(&calibration, true));
    CHECK(!calibration_end_turn(&calibration, true));
    CHECK(!calibration_is_done(&calibration));
}

static void a_turn_that_was_not_healthy_says_nothing(void) {
    Calibration calibration = {0};
    for (u32 turn = 0; turn < 10; turn++) {
        run_turn(&calibration, 50, 1000000, 1);
        CHECK(!calibration_end_turn(&calibration, false));
    }
    for (u32 turn = 0; turn < 2; turn++) {
        run_turn(&calibration, 50, 1000000, 1);
        CHECK(!calibration_end_turn(&calibration, false));
        run_turn(&calibration, 10, 100 + turn, 1);
        CHECK(calibration_end_turn(&calibration, true) == (turn == 1));
    }
    CHECK_U64(calibration.turns, 2);
    CHECK_U64(calibration.median, 101); /* half of them 100, half 101: 100.5, rounded */
}

static void turns_without_tokens_are_no_evidence(void) {
    Calibration calibration = {0};
    run_turn(&calibration, 20, 100, 1);
    for (u32 turn = 0; turn < 10; turn++) CHECK(!calibration_end_turn(&calibration, true));
    CHECK_U64(calibration.turns, 1);
}

static void the_median_is_fixed_once(void) {
    Calibration calibration = {0};
    for (u32 turn = 0; turn < 2; turn++) {
        run_turn(&calibration, 8, 100, 1);
        CHECK(calibration_end_turn(&calibration, true) == (turn == 1));
    }
    for (u32 turn = 0; turn < 20; turn++) {
        run_turn(&calibration, 500, 100000, 1);
        CHECK(!calibration_end_turn(&calibration, true));
    }
    CHECK_U64(calibration.median, 100);
}

static void a_cost_is_taken_to_an_empty_context(void) {
    Calibration calibration = {0};
    for (u32 turn = 0; turn < 2; turn++) {
        for (u32 i = 0; i < 8; i++) calibration_token(&calibration, 1000 + 250 * i, 1 + 0.25 * i);
        calibration_end_turn(&calibration, true);
    }
    CHECK_U64(calibration.median, 1000);
}

static void of_a_long_turn_the_first_tokens_count_and_the_next_turn_has_its_say(void) {
    Calibration calibration = {0};
    u32 share = CALIBRATION_SAMPLES / CALIBRATION_TURNS;
    run_turn(&calibration, share, 100, 1);
    run_turn(&calibration, 5000, 999, 1);
    calibration_end_turn(&calibration, true);
    run_turn(&calibration, 5000, 200, 1);
    CHECK(calibration_end_turn(&calibration, true));
    CHECK_U64(calibration.healthy, CALIBRATION_SAMPLES);
    CHECK_U64(calibration.median, 150);
}

/* Turns of any length, healthy or not: the sanitizer watches the array. */
static void samples_stay_in_their_array(void) {
    u32 state = 11;
    for (u32 round = 0; round < ROUNDS; round++) {
        Calibration calibration = {0};
        while (!calibration_is_done(&calibration)) {
            u32 length = next_random(&state) % 3 ? next_random(&state) % 4 : next_random(&state) % (2 * LONGEST);
            run_turn(&calibration, length, 100, 1);
            calibration_end_turn(&calibration, next_random(&state) % 4 > 0);
            CHECK(calibration.healthy == calibration.count && calibration.count <= CALIBRATION_SAMPLES);
        }
        CHECK(calibration.turns >= CALIBRATION_TURNS && calibration.healthy >= CALIBRATION_TOKENS);
        CHECK_U64(calibration.median, 100);
    }
}

static void a_clock_that_sees_no_token_still_gives_a_median(void) {
    Calibration calibration = {0};
    run_turn(&calibration, 10, 0, 1);
    calibration_end_turn(&calibration, true);
    run_turn(&calibration, 10, 0, 1);
    CHECK(calibration_end_turn(&calibration, true));
    CHECK_U64(calibration.median, 1);
}

/* What numpy.quantile(values, permille / 1000) gives, rounded. */
static const struct {
    u64 values[10];
    usize count;
    u64 expected[6]; /* of permille 0, 250, 500, 950, 990, 1000 */
} NUMPY[] = {
    {{7}, 1, {7, 7, 7, 7, 7, 7}},
    {{4, 1}, 2, {1, 2, 3, 4, 4, 4}},
    {{3, 1, 2}, 3, {1, 2, 2, 3, 3, 3}},
    {{10, 20, 30, 40}, 4, {10, 18, 25, 39, 40, 40}},
    {{5, 5, 5, 1, 9, 7, 3}, 7, {1, 4, 5, 8, 9, 9}},
    {{1000000, 3, 77, 15, 2, 2, 999, 123456, 8, 42}, 10, {2, 4, 29, 605555, 921111, 1000000}},
};

static void quantiles_are_those_of_numpy(void) {
    static const u32 PERMILLES[] = {0, 250, 500, 950, 990, 1000};
    for (usize row = 0; row < COUNT_OF(NUMPY); row++) {
        for (usize i = 0; i < COUNT_OF(PERMILLES); i++) {
            u64 values[10];
            memcpy(values, NUMPY[row].values, sizeof values);
            CHECK_U64(quantile_u64(values, NUMPY[row].count, PERMILLES[i]), NUMPY[row].expected[i]);
        }
    }
}

static int compare(const void *a, const void *b) {
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return (x > y) - (x < y);
}

static void random_values(u32 *state, u64 *values, usize count) {
    u32 shape = next_random(state) % 4;
    for (usize i = 0; i < count; i++) {
        u64 random = next_random(state);
        u64 shapes[] = {random % 5, random, i, UINT64_MAX - random};
        values[i] = shapes[shape];
    }
}

static void quantiles_are_their_definition_and_leave_the_values_sorted(void) {
    u32 state = 23;
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 values[LONGEST], sorted[LONGEST];
        usize count = 1 + next_random(&state) % LONGEST;
        u32 permille = next_random(&state) % 1001;
        random_values(&state, values, count);
        memcpy(sorted, values, count * sizeof *values);
        qsort(sorted, count, sizeof *sorted, compare);
        usize at = (count - 1) * permille / 1000, part = (count - 1) * permille % 1000;
        __extension__ typedef unsigned __int128 u128;
        u128 expected = (u128)sorted[at] * (1000 - part) + (part ? (u128)sorted[at + 1] * part : 0);
        CHECK_U64(quantile_u64(values, count, permille), (u64)((expected + 500) / 1000));
        CHECK(memcmp(values, sorted, count * sizeof *values) == 0);
    }
}

static void the_median_of_an_even_number_is_the_mean_of_the_middle_two(void) {
    u64 even[] = {40, 10, 30, 20}, odd[] = {9, 1, 5};
    CHECK_U64(median_u64(even, COUNT_OF(even)), 25);
    CHECK_U64(median_u64(odd, COUNT_OF(odd)), 5);
}

static const TestCase CASES[] = {
    TEST(two_healthy_turns_and_sixteen_tokens_are_enough),
    TEST(one_long_turn_is_not_enough),
    TEST(a_turn_that_was_not_healthy_says_nothing),
    TEST(turns_without_tokens_are_no_evidence),
    TEST(the_median_is_fixed_once),
    TEST(a_cost_is_taken_to_an_empty_context),
    TEST(of_a_long_turn_the_first_tokens_count_and_the_next_turn_has_its_say),
    TEST(samples_stay_in_their_array),
    TEST(a_clock_that_sees_no_token_still_gives_a_median),
    TEST(quantiles_are_those_of_numpy),
    TEST(quantiles_are_their_definition_and_leave_the_values_sorted),
    TEST(the_median_of_an_even_number_is_the_mean_of_the_middle_two),
};
TEST_MAIN(CASES)
