#include "firmware/oo/confidence.h"

#include "firmware/testing/check.h"

static const ConfidenceFacts PLAIN = {.mode = OO_MODE_SAFE, .ram_mib = 341, .ctx = 256, .seq = 256};

static Advice advising(const char *words) {
    Advice advice;
    advice_parse(str_from_c(words), &advice);
    return advice;
}

static Confidence score_of(const char *words, ConfidenceFacts facts) {
    Advice advice = advising(words);
    Confidence confidence = confidence_score(&advice, &facts);
    i32 sum = confidence.base + confidence.mode + confidence.ram + confidence.ctx + confidence.seq + confidence.advice +
              confidence.strength + confidence.feedback;
    CHECK_U64(confidence.score, sum < 0 ? 0 : sum > 100 ? 100 : sum);
    return confidence;
}

static void mode_part_grows_with_trust(void) {
    static const i32 PARTS[OO_MODES] = {20, 10, 0};
    for (OoMode mode = 0; mode < OO_MODES; mode++) {
        ConfidenceFacts facts = PLAIN;
        facts.mode = mode;
        Confidence confidence = score_of("x", facts);
        CHECK_MSG(confidence.mode == PARTS[mode] && confidence.base == 50, "%d", confidence.mode);
    }
}

static void memory_part_has_three_steps(void) {
    static const struct {
        u64 mib;
        i32 part;
    } ROWS[] = {{0, 2}, {767, 2}, {768, 8}, {1023, 8}, {1024, 15}, {UINT64_MAX, 15}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        ConfidenceFacts facts = PLAIN;
        facts.ram_mib = ROWS[i].mib;
        CHECK_MSG(score_of("x", facts).ram == ROWS[i].part, "row %zu", i);
    }
}

static void lengths_are_a_bonus_when_short_and_a_malus_when_long(void) {
    static const struct {
        u32 length;
        i32 ctx, seq;
    } ROWS[] = {{0, 5, 5},    {512, 5, 5},  {513, 0, 5},    {1024, 0, 5},
                {1025, 0, 0}, {2048, 0, 0}, {2049, -5, -5}, {UINT32_MAX, -5, -5}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        ConfidenceFacts facts = PLAIN;
        facts.ctx = facts.seq = ROWS[i].length;
        Confidence confidence = score_of("x", facts);
        CHECK_MSG(confidence.ctx == ROWS[i].ctx && confidence.seq == ROWS[i].seq, "row %zu", i);
    }
}

static void kind_of_advice_has_its_part(void) {
    static const struct {
        const char *words;
        OoMode mode;
        i32 part;
    } ROWS[] = {{"", OO_MODE_SAFE, -15},
                {"hm", OO_MODE_SAFE, 0},
                {"stable", OO_MODE_SAFE, 10},
                {"reduce ctx", OO_MODE_SAFE, 5},
                {"reduce ctx and seq", OO_MODE_SAFE, 5},
                {"increase ctx", OO_MODE_SAFE, -10},
                {"increase ctx", OO_MODE_DEGRADED, -10},
                {"increase ctx", OO_MODE_NORMAL, 0},
                {"reboot", OO_MODE_SAFE, -5},
                {"switch model", OO_MODE_NORMAL, -5},
                {"reduce seq, reboot", OO_MODE_SAFE, 0},
                {"reduce seq, increase ctx, reboot", OO_MODE_SAFE, -10}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        ConfidenceFacts facts = PLAIN;
        facts.mode = ROWS[i].mode;
        CHECK_MSG(score_of(ROWS[i].words, facts).advice == ROWS[i].part, "\"%s\"", ROWS[i].words);
    }
}

/** The reference never looked at the model's own probabilities. */
static void model_that_is_sure_is_trusted_more(void) {
    static const struct {
        f64 share;
        i32 part;
    } ROWS[] = {{1, 10}, {0.6, 10}, {0.599, 5}, {0.4, 5}, {0.399, 0}, {0.25, 0}, {0.249, -10}, {0, -10}};
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        Advice advice = advising("reduce ctx");
        advice.source = OO_SOURCE_MODEL;
        advice.share = ROWS[i].share;
        CHECK_MSG(confidence_score(&advice, &PLAIN).strength == ROWS[i].part, "share %f", ROWS[i].share);
    }
    Advice advice = advising("reduce ctx");
    CHECK(confidence_score(&advice, &PLAIN).strength == 0);
    advice.source = OO_SOURCE_MODEL;
    advice.share = __builtin_nan("");
    CHECK(confidence_score(&advice, &PLAIN).strength == -10);
}

static void score_is_held_between_0_and_100(void) {
    ConfidenceFacts best = {OO_MODE_NORMAL, 4096, 256, 256, 8}, worst = {OO_MODE_SAFE, 0, 4096, 4096, -60};
    CHECK_U64(score_of("stable", best).score, 100);
    CHECK_U64(score_of("", worst).score, 0);
    CHECK(score_of("", worst).feedback == -60);
}

/** Scores that earlier firmware gave, for a mock advice and no outcomes. */
static void known_scores_hold(void) {
    ConfidenceFacts normal = {.mode = OO_MODE_NORMAL, .ram_mib = 1941, .ctx = 256, .seq = 256};
    CHECK_U64(score_of("reduce ctx", PLAIN).score, 67);
    CHECK_U64(score_of("increase ctx", PLAIN).score, 52);
    CHECK_U64(score_of("stable", PLAIN).score, 72);
    CHECK_U64(score_of("increase ctx", normal).score, 95);
}

/** The reference reported a pass whatever the score was, as long as the gate was off. */
static void gate_says_what_the_score_is_and_what_it_can_do(void) {
    for (u32 score = 0; score <= 100; score++) {
        for (u32 threshold = 0; threshold <= 100; threshold++) {
            Confidence confidence = {.score = score};
            OoSettings gate_off = {.conf_threshold = threshold},
                       gate_on = {.conf_gate = true, .conf_threshold = threshold};
            ReasonId off, on;
            bool passes = score >= threshold;
            CHECK_U64(confidence_gate(&confidence, &gate_off, &off), passes);
            CHECK_U64(confidence_gate(&confidence, &gate_on, &on), passes);
            CHECK_U64(off, passes ? REASON_ID_OO_CONF_LOG_ONLY : REASON_ID_OO_CONF_LOG_ONLY_LOW);
            CHECK_U64(on, passes ? REASON_ID_OO_CONF_GATE_PASS : REASON_ID_OO_CONF_GATE_FAIL);
        }
    }
}

static const TestCase CASES[] = {TEST(mode_part_grows_with_trust),
                                 TEST(memory_part_has_three_steps),
                                 TEST(lengths_are_a_bonus_when_short_and_a_malus_when_long),
                                 TEST(kind_of_advice_has_its_part),
                                 TEST(model_that_is_sure_is_trusted_more),
                                 TEST(score_is_held_between_0_and_100),
                                 TEST(known_scores_hold),
                                 TEST(gate_says_what_the_score_is_and_what_it_can_do)};
TEST_MAIN(CASES)
