#include "firmware/infer/generate.h"
#include "firmware/testing/chain_talk.h"
#include "firmware/testing/check.h"

static const TurnLimits LIMITS = {.max_tokens = 20, .stop_you = true, .stop_double_nl = true};

static void answer_ends_at_eos(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(talk_turn(talk, "Q?", LIMITS));
    CHECK_STR(talk_answer(talk), STR("abc"));
    CHECK_U64(talk->result.reason, STOP_REASON_EOS);
    CHECK_U64(talk->result.tokens, 3);
    CHECK_U64(talk->result.step, 3);
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 3);
    CHECK(talk->result.prefill_cycles > 0 && talk->result.first_token_cycles >= talk->result.prefill_cycles);
    talk_free(talk);
}

static void answer_ends_at_the_token_limit(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(talk_turn(talk, "?", (TurnLimits){.max_tokens = 5}));
    CHECK_STR(talk_answer(talk), STR("ababa"));
    CHECK_U64(talk->result.reason, STOP_REASON_MAX_TOKENS);
    talk_free(talk);
}

static void answer_ends_where_the_context_does(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 16, CHAT_RAW);
    CHECK(talk_turn(talk, "?", (TurnLimits){.max_tokens = 1000}));
    CHECK_U64(talk->result.reason, STOP_REASON_SEQ_LEN);
    CHECK_U64(talk->result.position, 16);
    CHECK_U64(talk->result.prompt_tokens + talk->result.tokens, 17);
    talk_free(talk);
}

static void stop_text_is_not_shown_and_not_remembered(void) {
    Chain chain = chain_new();
    chain_follow(&chain, ":ab\nYou:");
    chain.next[CHAIN_FIRST_BYTE + ':'] = CHAIN_FIRST_BYTE + 'a';
    Talk *talk = talk_new(&chain, 128, CHAT_YOU_AI);
    CHECK(talk_turn(talk, "Hi", LIMITS));
    CHECK_STR(talk_answer(talk), STR("ab"));
    CHECK_U64(talk->result.reason, STOP_REASON_STOP_YOU);
    CHECK_U64(talk->result.tokens, 2);
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 1);
    CHECK_U64(talk->conversation.pending, CHAIN_FIRST_BYTE + 'b');
    talk_free(talk);
}

static void empty_line_ends_an_answer_when_asked(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?a\n\n");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_STR(talk_answer(talk), STR("a"));
    CHECK_U64(talk->result.reason, STOP_REASON_STOP_DOUBLE_NL);
    CHECK(talk_turn(talk, "?", (TurnLimits){.max_tokens = 5}));
    CHECK_STR(talk_answer(talk), STR("a\n\n\n\n"));
    talk_free(talk);
}

static void person_can_interrupt(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    talk->interrupt_after = 4;
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_STR(talk_answer(talk), STR("aba"));
    CHECK_U64(talk->result.reason, STOP_REASON_USER);
    talk_free(talk);
}

static void conversation_goes_on_after_a_cut_answer(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?ab");
    chain_follow(&chain, "!cd");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(talk_turn(talk, "?", (TurnLimits){.max_tokens = 2}));
    u32 before = talk->result.position;
    CHECK(talk->conversation.pending == CHAIN_FIRST_BYTE + 'b');
    CHECK(talk_turn(talk, "!", LIMITS));
    CHECK_STR(talk_answer(talk), STR("cd"));
    CHECK_U64(talk->cleared_from, 0);
    CHECK_U64(talk->result.position, before + talk->result.prompt_tokens + 2);
    talk_free(talk);
}

static void full_conversation_starts_anew(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abcdefgh");
    Talk *talk = talk_new(&chain, 24, CHAT_RAW);
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->cleared_from, 0);
    u32 first_prompt = talk->result.prompt_tokens;
    CHECK(talk_turn(talk, "12345678?", LIMITS));
    CHECK_U64(talk->cleared_from, first_prompt + 8);
    CHECK_STR(talk_answer(talk), STR("abcdefgh"));
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 8);
    CHECK_U64(talk->result.prompt_tokens, first_prompt + 8); /* BOS is there again */
    talk_free(talk);
}

static void defect_04_prompt_longer_than_the_context_changes_nothing(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?ab");
    Talk *talk = talk_new(&chain, 16, CHAT_RAW);
    CHECK(talk_turn(talk, "?", LIMITS));
    u32 position = talk->transformer.position;
    CHECK(!talk_turn(talk, "this prompt has far more than sixteen tokens", LIMITS));
    CHECK_ERROR(talk->error, ERROR_LIMIT);
    CHECK_U64(talk->transformer.position, position);
    CHECK_U64(talk->cleared_from, 0);
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_STR(talk_answer(talk), STR("ab"));
    talk_free(talk);
}

static void same_conversation_gives_the_same_answer(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(talk_turn(talk, "?", LIMITS));
    conversation_clear(&talk->conversation);
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_STR(talk_answer(talk), STR("abc"));
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 3);
    talk_free(talk);
}

static void every_token_is_timed_and_the_parts_make_the_whole(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abcdef");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    u64 sum = 0;
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->timing_count, 7); /* six tokens and the one that ends the turn */
    for (u32 i = 0; i < talk->timing_count; i++) {
        CHECK_U64(talk->timings[i].step, i);
        CHECK(talk->timings[i].ran_model == (i > 0));
        sum += talk->timings[i].cycles;
    }
    const TurnResult *result = &talk->result;
    CHECK_U64(result->decode_calls, 6);
    CHECK_U64(result->decode_cycles, sum);
    CHECK(result->loop_cycles >= result->prefill_cycles + sum);
    CHECK(result->loop_cycles <= (result->prefill_cycles + sum) * 1.01 + 2000); /* two looks at the clock */
    talk_free(talk);
}

static void a_watcher_ends_the_turn(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    talk->verdict_at = 4;
    talk->verdict = TURN_OVER_BUDGET;
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->result.reason, STOP_REASON_BUDGET_GUARD);
    CHECK_U64(talk->result.tokens, 4);
    CHECK_STR(talk_answer(talk), STR("abab"));
    talk->verdict_at = 1;
    talk->verdict = TURN_UNSAFE;
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->result.reason, STOP_REASON_SENTINEL);
    talk->verdict_at = 0;
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->result.reason, STOP_REASON_MAX_TOKENS);
    talk_free(talk);
}

static void a_watcher_is_too_late_for_a_turn_that_is_over(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?ab");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    talk->verdict_at = 3;
    talk->verdict = TURN_OVER_BUDGET;
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->result.reason, STOP_REASON_EOS);
    talk_free(talk);
}

static void a_sequence_bounds_prompt_and_answer_together(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(talk_turn(talk, "12?", (TurnLimits){.max_tokens = 50, .sequence = 16}));
    CHECK_U64(talk->result.reason, STOP_REASON_SEQ_LEN);
    CHECK_U64(talk->result.prompt_tokens + talk->result.tokens, 16);
    u32 position = talk->transformer.position;
    CHECK(!talk_turn(talk, "a prompt of more tokens than a turn may have",
                     (TurnLimits){.max_tokens = 5, .sequence = 16}));
    CHECK_ERROR(talk->error, ERROR_LIMIT);
    CHECK(talk->result.prompt_tokens > 16 && strstr(talk->error.message, "seq_len") != NULL);
    CHECK_U64(talk->transformer.position, position);
    CHECK(talk_turn(talk, "?", (TurnLimits){.max_tokens = 3, .sequence = 16}));
    CHECK_STR(talk_answer(talk), STR("aba"));
    talk_free(talk);
}

static void logits_that_are_no_numbers_end_the_turn(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?ab");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    f32 *norm = (f32 *)talk->model.final_norm;
    f32 before = norm[0];
    norm[0] = __builtin_nanf("");
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_U64(talk->result.reason, STOP_REASON_SENTINEL);
    CHECK(talk->result.is_unsafe);
    CHECK_U64(talk->result.violation, REASON_ID_SENTINEL_LOGITS);
    CHECK_U64(talk->result.tokens, 0);
    norm[0] = before;
    conversation_clear(&talk->conversation);
    CHECK(talk_turn(talk, "?", LIMITS));
    CHECK_STR(talk_answer(talk), STR("ab"));
    talk_free(talk);
}

static const TestCase CASES[] = {TEST(answer_ends_at_eos),
                                 TEST(answer_ends_at_the_token_limit),
                                 TEST(answer_ends_where_the_context_does),
                                 TEST(stop_text_is_not_shown_and_not_remembered),
                                 TEST(empty_line_ends_an_answer_when_asked),
                                 TEST(person_can_interrupt),
                                 TEST(conversation_goes_on_after_a_cut_answer),
                                 TEST(full_conversation_starts_anew),
                                 TEST(defect_04_prompt_longer_than_the_context_changes_nothing),
                                 TEST(same_conversation_gives_the_same_answer),
                                 TEST(every_token_is_timed_and_the_parts_make_the_whole),
                                 TEST(a_watcher_ends_the_turn),
                                 TEST(a_watcher_is_too_late_for_a_turn_that_is_over),
                                 TEST(a_sequence_bounds_prompt_and_answer_together),
                                 TEST(logits_that_are_no_numbers_end_the_turn)};
TEST_MAIN(CASES)
