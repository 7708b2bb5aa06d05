#include "firmware/guard/knobs.h"

#include <math.h>

#include "firmware/testing/check.h"

enum { OPERATIONS = 100000, OPERATIONS_OF_A_SESSION = 50, SHUFFLES = 2000 };

static const Knobs OPERATOR = {0.85f, 0.95f, 80, 160};

static u32 next_random(u32 *state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

/* Few values, so that layers often agree; a top_k that is off and KNOBS_UNBOUNDED are among them. */
static Knobs random_knobs(u32 *state) {
    Knobs knobs = {(f32)(next_random(state) % 8) / 7, (f32)(next_random(state) % 8) / 7, next_random(state) % 8 * 10,
                   1 + next_random(state) % 8};
    return next_random(state) % 8 ? knobs : KNOBS_UNBOUNDED;
}

static KnobLayer random_layer(u32 *state) { return KNOB_LAYER_OPERATOR + 1 + next_random(state) % (KNOB_LAYERS - 1); }

/* How much a value allows: a top_k that is off allows everything. */
static f64 reach(const Knobs *knobs, Knob knob) {
    f64 value = knob_value(knobs, knob);
    return knob == KNOB_TOP_K && value == 0 ? INFINITY : value;
}

/* The definitions, in a few words: the least of all, and the first who says it. */
static void check_knob(const Arbiter *arbiter, Knob knob, Knobs operator_values) {
    Knobs effective = arbiter_effective(arbiter, operator_values);
    f64 least = reach(&operator_values, knob);
    KnobLayer owner = KNOB_LAYER_OPERATOR;
    for (KnobLayer layer = KNOB_LAYER_OPERATOR + 1; layer < KNOB_LAYERS; layer++) {
        if (!arbiter->is_active[layer] || reach(&arbiter->caps[layer], knob) >= least) continue;
        least = reach(&arbiter->caps[layer], knob);
        owner = layer;
    }
    CHECK(reach(&effective, knob) == least);
    CHECK_U64(arbiter_owner(arbiter, knob, operator_values), owner);
}

static void check_arbiter(const Arbiter *arbiter, Knobs operator_values) {
    for (Knob knob = 0; knob < KNOB_COUNT; knob++) check_knob(arbiter, knob, operator_values);
}

static bool same_bits(Knobs a, Knobs b) { return memcmp(&a, &b, sizeof a) == 0; }

static void release_all(Arbiter *arbiter) {
    for (KnobLayer layer = 0; layer < KNOB_LAYERS; layer++) arbiter_release(arbiter, layer);
}

static void random_operation(Arbiter *arbiter, u32 *state) {
    KnobLayer layer = random_layer(state);
    if (next_random(state) % 3) {
        arbiter_cap(arbiter, layer, random_knobs(state));
    } else {
        arbiter_release(arbiter, layer);
    }
}

static void the_value_in_force_is_the_least_of_all_and_owned_by_the_first_who_has_it(void) {
    u32 state = 17;
    Arbiter arbiter = arbiter_new();
    Knobs operator_values = OPERATOR;
    for (u32 i = 0; i < OPERATIONS; i++) {
        random_operation(&arbiter, &state);
        if (next_random(&state) % 10 == 0) operator_values = random_knobs(&state);
        check_arbiter(&arbiter, operator_values);
    }
}

static void whatever_layers_did_the_operators_values_come_back_bit_for_bit(void) {
    u32 state = 3;
    for (u32 session = 0; session < OPERATIONS / OPERATIONS_OF_A_SESSION; session++) {
        Arbiter arbiter = arbiter_new();
        Knobs operator_values = random_knobs(&state);
        operator_values.temperature = (f32)next_random(&state) / 16777216.0f;
        for (u32 i = 0; i < OPERATIONS_OF_A_SESSION; i++) random_operation(&arbiter, &state);
        release_all(&arbiter);
        CHECK(same_bits(arbiter_effective(&arbiter, operator_values), operator_values));
        check_arbiter(&arbiter, operator_values);
    }
}

/* Caps or releases each layer, in the order that `shift` and `stride` give. */
static Arbiter arranged(const Knobs *caps, const bool *is_active, u32 shift, u32 stride) {
    Arbiter arbiter = arbiter_new();
    for (u32 i = 0; i < KNOB_LAYERS; i++) {
        KnobLayer layer = (shift + i * stride) % KNOB_LAYERS;
        arbiter_cap(&arbiter, layer, caps[layer]);
        if (!is_active[layer]) arbiter_release(&arbiter, layer);
    }
    return arbiter;
}

static void the_order_in_which_layers_come_and_go_does_not_matter(void) {
    u32 state = 5;
    for (u32 i = 0; i < SHUFFLES; i++) {
        Knobs caps[KNOB_LAYERS], operator_values = random_knobs(&state);
        bool is_active[KNOB_LAYERS];
        for (u32 layer = 0; layer < KNOB_LAYERS; layer++) {
            caps[layer] = random_knobs(&state);
            is_active[layer] = next_random(&state) % 2;
        }
        Arbiter a = arranged(caps, is_active, 0, 1);
        Arbiter b = arranged(caps, is_active, next_random(&state), 1 + next_random(&state) % 4);
        CHECK(same_bits(arbiter_effective(&a, operator_values), arbiter_effective(&b, operator_values)));
    }
}

static void a_layers_new_caps_take_the_place_of_its_old_ones(void) {
    Arbiter arbiter = arbiter_new();
    arbiter_cap(&arbiter, KNOB_LAYER_CANARY, (Knobs){0.1f, 0.1f, 1, 1});
    arbiter_cap(&arbiter, KNOB_LAYER_CANARY, (Knobs){0.5f, 1, 100, 200});
    CHECK(same_bits(arbiter_effective(&arbiter, OPERATOR), (Knobs){0.5f, 0.95f, 80, 160}));
}

static void a_top_k_that_is_off_is_above_every_cap(void) {
    Arbiter arbiter = arbiter_new();
    Knobs off = OPERATOR;
    off.top_k = 0;
    arbiter_cap(&arbiter, KNOB_LAYER_SAFETY, (Knobs){2, 1, 40, 1000});
    CHECK_U64(arbiter_effective(&arbiter, off).top_k, 40);
    CHECK_U64(arbiter_owner(&arbiter, KNOB_TOP_K, off), KNOB_LAYER_SAFETY);
    arbiter_cap(&arbiter, KNOB_LAYER_SAFETY, (Knobs){2, 1, 0, 1000});
    CHECK_U64(arbiter_effective(&arbiter, off).top_k, 0);
    CHECK_U64(arbiter_effective(&arbiter, OPERATOR).top_k, 80);
}

static void caps_without_bounds_change_nothing(void) {
    static const Knobs HIGHEST = {10, 1, 0, UINT32_MAX};
    Arbiter arbiter = arbiter_new();
    for (KnobLayer layer = 0; layer < KNOB_LAYERS; layer++) arbiter_cap(&arbiter, layer, KNOBS_UNBOUNDED);
    CHECK(same_bits(arbiter_effective(&arbiter, OPERATOR), OPERATOR));
    CHECK(same_bits(arbiter_effective(&arbiter, HIGHEST), HIGHEST));
    CHECK(isfinite(KNOBS_UNBOUNDED.temperature) && isfinite(KNOBS_UNBOUNDED.top_p));
}

static void a_layer_sees_what_is_below_it_and_nothing_else(void) {
    Arbiter arbiter = arbiter_new();
    arbiter_cap(&arbiter, KNOB_LAYER_CURRICULUM, (Knobs){0.8f, 1, 0, 100});
    arbiter_cap(&arbiter, KNOB_LAYER_AUTOTUNE, (Knobs){0.7f, 1, 60, 100});
    arbiter_cap(&arbiter, KNOB_LAYER_SAFETY, (Knobs){0.1f, 0.1f, 1, 1});
    CHECK(same_bits(arbiter_below(&arbiter, KNOB_LAYER_CURRICULUM, OPERATOR), OPERATOR));
    CHECK(same_bits(arbiter_below(&arbiter, KNOB_LAYER_AUTOTUNE, OPERATOR), (Knobs){0.8f, 0.95f, 80, 100}));
    CHECK(same_bits(arbiter_below(&arbiter, KNOB_LAYER_SAFETY, OPERATOR), (Knobs){0.7f, 0.95f, 60, 100}));
}

static void the_operator_is_no_layer_that_caps(void) {
    Arbiter arbiter = arbiter_new();
    arbiter_cap(&arbiter, KNOB_LAYER_OPERATOR, (Knobs){0, 0, 1, 1});
    CHECK(same_bits(arbiter_effective(&arbiter, OPERATOR), OPERATOR));
}

static void knobs_are_equal_when_each_is(void) {
    for (u32 knob = 0; knob < KNOB_COUNT; knob++) {
        Knobs other = OPERATOR;
        CHECK(knobs_equal(&other, &OPERATOR));
        if (knob == KNOB_TEMP) other.temperature = 0;
        if (knob == KNOB_TOP_P) other.top_p = 0;
        if (knob == KNOB_TOP_K) other.top_k = 0;
        if (knob == KNOB_MAX_TOKENS) other.max_tokens = 0;
        CHECK(!knobs_equal(&other, &OPERATOR));
        CHECK(knob_value(&other, knob) == 0 && knob_value(&OPERATOR, knob) > 0);
    }
}

static const TestCase CASES[] = {
    TEST(the_value_in_force_is_the_least_of_all_and_owned_by_the_first_who_has_it),
    TEST(whatever_layers_did_the_operators_values_come_back_bit_for_bit),
    TEST(the_order_in_which_layers_come_and_go_does_not_matter),
    TEST(a_layers_new_caps_take_the_place_of_its_old_ones),
    TEST(a_top_k_that_is_off_is_above_every_cap),
    TEST(caps_without_bounds_change_nothing),
    TEST(a_layer_sees_what_is_below_it_and_nothing_else),
    TEST(the_operator_is_no_layer_that_caps),
    TEST(knobs_are_equal_when_each_is),
};
TEST_MAIN(CASES)
