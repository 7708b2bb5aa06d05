#include "firmware/infer/sampler.h"

#include <math.h>

#include "firmware/testing/check.h"

enum { VOCAB = 40, ROUNDS = 300 };

static const SamplerSettings OFF = {.temperature = 1, .top_p = 1, .repeat_penalty = 1, .seed = 1};

static u32 next_random(u32 *state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

/* Logits from -4 to 4 in steps that make ties likely. */
static void random_logits(u32 *state, f32 *logits) {
    for (u32 i = 0; i < VOCAB; i++) logits[i] = (f32)(next_random(state) % 33) / 4.0f - 4.0f;
}

/* Whether `a` comes before `b` in the order of likelihood. */
static bool comes_before(const f32 *logits, u32 a, u32 b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static u32 rank_of(const f32 *logits, u32 id) {
    u32 rank = 0;
    for (u32 i = 0; i < VOCAB; i++) rank += comes_before(logits, i, id);
    return rank;
}

static void softmax(const f32 *logits, f64 temperature, f64 *p) {
    f64 total = 0;
    f32 max = logits[0];
    for (u32 i = 1; i < VOCAB; i++) max = fmaxf(max, logits[i]);
    for (u32 i = 0; i < VOCAB; i++) total += p[i] = exp(((f64)logits[i] - (f64)max) / temperature);
    for (u32 i = 0; i < VOCAB; i++) p[i] /= total;
}

/* Sets the probabilities of what is not kept to 0 and makes the rest sum to 1. */
static void keep_only(f64 *p, const bool *kept) {
    f64 total = 0;
    for (u32 i = 0; i < VOCAB; i++) total += p[i] = kept[i] ? p[i] : 0;
    for (u32 i = 0; i < VOCAB; i++) p[i] /= total;
}

/* The distribution the settings define, stage by stage, without any shortcut. */
static void define(const SamplerSettings *settings, const f32 *logits, f64 *p) {
    bool kept[VOCAB];
    softmax(logits, (f64)settings->temperature, p);
    f64 max = 0;
    for (u32 i = 0; i < VOCAB; i++) max = fmax(max, p[i]);
    for (u32 i = 0; i < VOCAB; i++) kept[i] = p[i] >= (f64)settings->min_p * max * (1 - 1e-12);
    keep_only(p, kept);
    for (u32 i = 0; i < VOCAB; i++) kept[i] = settings->top_k == 0 || rank_of(logits, i) < settings->top_k;
    keep_only(p, kept);
    for (u32 i = 0; i < VOCAB; i++) {
        f64 before = 0; /* mass of the likelier ones: a token is needed while it is less than top_p */
        for (u32 j = 0; j < VOCAB; j++) before += comes_before(logits, j, i) ? p[j] : 0;
        kept[i] = settings->top_p >= 1 || before == 0 || before < (f64)settings->top_p - 1e-12;
    }
    keep_only(p, kept);
}

typedef struct Bench {
    Arena arena;
    Sampler sampler;
} Bench;

static Bench bench_new(SamplerSettings settings) {
    Bench bench = {.arena = arena_new(test_pages(), 0)};
    CHECK(sampler_new(&settings, VOCAB, &bench.arena, &bench.sampler));
    return bench;
}

static u32 pick(Bench *bench, const f32 *logits, const u32 *turn, usize count) {
    f32 copy[VOCAB];
    memcpy(copy, logits, sizeof copy);
    return sampler_pick(&bench->sampler, copy, turn, count);
}

/* Draws often and compares with the definition: nothing outside its support, frequencies within five deviations. */
static void check_distribution(SamplerSettings settings, const f32 *logits, u32 draws) {
    Bench bench = bench_new(settings);
    u32 counts[VOCAB] = {0};
    f64 p[VOCAB];
    define(&settings, logits, p);
    for (u32 i = 0; i < draws; i++) counts[pick(&bench, logits, NULL, 0)]++;
    for (u32 i = 0; i < VOCAB; i++) {
        f64 deviation = sqrt(p[i] * (1 - p[i]) * draws);
        CHECK_MSG(p[i] > 0 || counts[i] == 0, "token %u has no probability and was drawn %u times", i, counts[i]);
        CHECK_MSG(fabs(counts[i] - p[i] * draws) <= 5 * deviation + 1, "token %u: %u draws, expected %.1f", i,
                  counts[i], p[i] * draws);
    }
    arena_free(&bench.arena);
}

static void greedy_takes_the_largest_and_the_lowest_id_among_equals(void) {
    SamplerSettings settings = OFF;
    settings.temperature = 0;
    Bench bench = bench_new(settings);
    u32 state = 1;
    f32 logits[VOCAB];
    for (u32 round = 0; round < ROUNDS; round++) {
        random_logits(&state, logits);
        CHECK_U64(rank_of(logits, pick(&bench, logits, NULL, 0)), 0);
    }
    arena_free(&bench.arena);
}

static void each_stage_gives_the_distribution_it_defines(void) {
    SamplerSettings stages[8];
    for (usize i = 0; i < COUNT_OF(stages); i++) stages[i] = OFF;
    stages[1].temperature = 0.5f;
    stages[2].temperature = 3.0f;
    stages[3].min_p = 0.2f;
    stages[4].top_k = 5;
    stages[5].top_p = 0.7f;
    stages[6] = SAMPLER_DEFAULTS;
    stages[7] = (SamplerSettings){.temperature = 1.5f, .min_p = 0.02f, .top_p = 0.8f, .top_k = 12, .repeat_penalty = 1};
    u32 state = 7;
    f32 logits[VOCAB];
    for (usize i = 0; i < COUNT_OF(stages); i++) {
        random_logits(&state, logits);
        check_distribution(stages[i], logits, 40000);
    }
}

/* Few draws of many settings: nothing is drawn that the definition excludes. */
static void random_settings_never_leave_the_support(void) {
    u32 state = 3;
    f32 logits[VOCAB];
    for (u32 round = 0; round < ROUNDS; round++) {
        SamplerSettings settings = OFF;
        settings.temperature = 0.1f + (f32)(next_random(&state) % 30) / 10.0f;
        settings.min_p = (f32)(next_random(&state) % 11) / 10.0f;
        settings.top_p = (f32)(next_random(&state) % 11) / 10.0f;
        settings.top_k = next_random(&state) % (VOCAB + 2);
        settings.seed = round;
        random_logits(&state, logits);
        check_distribution(settings, logits, 20);
    }
}

static void top_k_1_and_top_p_0_and_min_p_1_are_greedy(void) {
    SamplerSettings settings[3] = {OFF, OFF, OFF};
    settings[0].top_k = 1;
    settings[1].top_p = 0;
    settings[2].min_p = 1;
    f32 logits[VOCAB] = {0};
    logits[17] = 1;
    for (usize i = 0; i < 3; i++) {
        Bench bench = bench_new(settings[i]);
        for (u32 draw = 0; draw < 100; draw++) CHECK_U64(pick(&bench, logits, NULL, 0), 17);
        arena_free(&bench.arena);
    }
}

static void the_repeat_penalty_counts_a_token_once_within_its_window(void) {
    static const u32 TURN[] = {3, 1, 2, 2, 2};
    SamplerSettings settings = OFF;
    settings.temperature = 0;
    settings.repeat_penalty = 2;
    settings.repeat_window = 4;
    Bench bench = bench_new(settings);
    f32 logits[VOCAB];
    for (u32 i = 0; i < VOCAB; i++) logits[i] = -8;
    logits[1] = -3;
    logits[2] = 8;
    logits[3] = 5;
    sampler_pick(&bench.sampler, logits, TURN, COUNT_OF(TURN));
    CHECK(logits[1] == -6); /* below zero it is multiplied */
    CHECK(logits[2] == 4);  /* once, although it occurs three times */
    CHECK(logits[3] == 5);  /* outside the window */
    CHECK(logits[4] == -8);
    arena_free(&bench.arena);
}

/* Whether `turn` followed by `id` holds an n-gram twice that ends in `id`. */
static bool repeats(const u32 *turn, usize count, u32 id, usize n) {
    u32 whole[64];
    memcpy(whole, turn, count * sizeof *turn);
    whole[count++] = id;
    for (usize i = 0; i + n < count; i++) {
        if (memcmp(whole + i, whole + count - n, n * sizeof *whole) == 0) return true;
    }
    return false;
}

static void no_ngram_of_the_turn_occurs_twice(void) {
    u32 state = 11;
    f32 logits[VOCAB];
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 turn[30];
        usize count = next_random(&state) % 30;
        SamplerSettings settings = OFF;
        settings.temperature = 0;
        settings.no_repeat_ngram = 1 + next_random(&state) % 4;
        for (usize i = 0; i < count; i++) turn[i] = next_random(&state) % 3;
        random_logits(&state, logits);
        Bench bench = bench_new(settings);
        sampler_pick(&bench.sampler, logits, turn, count);
        for (u32 id = 0; id < VOCAB; id++) {
            bool banned = count >= settings.no_repeat_ngram && repeats(turn, count, id, settings.no_repeat_ngram);
            CHECK_U64(logits[id] == -INFINITY, banned);
        }
        arena_free(&bench.arena);
    }
}

static void a_seed_repeats_its_sequence(void) {
    Bench bench = bench_new(OFF);
    f32 logits[VOCAB] = {0};
    u32 first[50], other = 0;
    for (usize i = 0; i < 50; i++) first[i] = pick(&bench, logits, NULL, 0);
    sampler_seed(&bench.sampler, OFF.seed);
    for (usize i = 0; i < 50; i++) CHECK_U64(pick(&bench, logits, NULL, 0), first[i]);
    sampler_seed(&bench.sampler, OFF.seed + 1);
    for (usize i = 0; i < 50; i++) other += pick(&bench, logits, NULL, 0) != first[i];
    CHECK(other > 25);
    arena_free(&bench.arena);
}

static void impossible_logits_still_give_a_token(void) {
    Bench bench = bench_new(SAMPLER_DEFAULTS);
    f32 logits[VOCAB];
    for (u32 i = 0; i < VOCAB; i++) logits[i] = -INFINITY;
    CHECK_U64(pick(&bench, logits, NULL, 0), 0);
    for (u32 i = 0; i < VOCAB; i++) logits[i] = NAN;
    CHECK(pick(&bench, logits, NULL, 0) < VOCAB);
    logits[5] = 3e38f;
    CHECK(pick(&bench, logits, NULL, 0) < VOCAB);
    arena_free(&bench.arena);
}

static void *no_pages(void *context, usize bytes) {
    (void)context;
    (void)bytes;
    return NULL;
}

static void a_full_arena_is_reported(void) {
    Arena arena = arena_new((PageSource){.alloc = no_pages}, 0);
    Sampler sampler;
    CHECK(!sampler_new(&OFF, VOCAB, &arena, &sampler));
}

static const TestCase CASES[] = {
    TEST(greedy_takes_the_largest_and_the_lowest_id_among_equals),
    TEST(each_stage_gives_the_distribution_it_defines),
    TEST(random_settings_never_leave_the_support),
    TEST(top_k_1_and_top_p_0_and_min_p_1_are_greedy),
    TEST(the_repeat_penalty_counts_a_token_once_within_its_window),
    TEST(no_ngram_of_the_turn_occurs_twice),
    TEST(a_seed_repeats_its_sequence),
    TEST(impossible_logits_still_give_a_token),
    TEST(a_full_arena_is_reported),
};
TEST_MAIN(CASES)
