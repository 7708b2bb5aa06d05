#include "firmware/infer/generate.h"
#include "firmware/testing/chain_model.h"
#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

/** A conversation with a model whose answers the test dictates. */
typedef struct Talk {
    FakePlatform *fake;
    Arena arena, scratch;
    Str file, tokenizer_file;
    Model model;
    Tokenizer *tokenizer;
    Transformer transformer;
    Sampler sampler;
    Conversation conversation;
    TurnResult result;
    Error error;
    char text[4096];
    usize len;
    u32 cleared_from; /* position the conversation was cleared at; 0 is not cleared */
    u32 interrupt_after;
} Talk;

static void collect(void *argument, Str text) {
    Talk *talk = argument;
    memcpy(talk->text + talk->len, text.data, text.len);
    talk->len += text.len;
}

static void note_cleared(void *argument, u32 position, u32 prompt_tokens) {
    (void)prompt_tokens;
    ((Talk *)argument)->cleared_from = position;
}

static bool interrupt(void *argument) {
    Talk *talk = argument;
    return talk->interrupt_after > 0 && --talk->interrupt_after == 0;
}

static Talk *talk_new(const Chain *chain, u32 context, ChatFormat format) {
    static const SamplerSettings GREEDY = {.top_p = 1, .repeat_penalty = 1};
    Talk *talk = calloc(1, sizeof(Talk));
    talk->fake = fake_platform_new();
    talk->arena = arena_new(test_pages(), 0);
    talk->scratch = arena_new(test_pages(), 0);
    talk->file = chain_model(chain, context);
    talk->tokenizer_file = chain_tokenizer();
    CHECK_MSG(model_from_bytes(talk->file, STR("chain.bin"), &talk->arena, &talk->model, &talk->error), "%s",
              talk->error.message);
    CHECK_MSG(tokenizer_from_llama2c(talk->tokenizer_file, CHAIN_VOCAB, &talk->arena, &talk->tokenizer, &talk->error),
              "%s", talk->error.message);
    CHECK(transformer_new(&talk->model, kernels_by_name("scalar"), context, &talk->arena, &talk->transformer,
                          &talk->error));
    CHECK(sampler_new(&GREEDY, CHAIN_VOCAB, &talk->arena, &talk->sampler));
    talk->conversation =
        (Conversation){&talk->transformer, talk->tokenizer, &talk->sampler, format, STR_NONE, TOKEN_NONE};
    return talk;
}

static void talk_free(Talk *talk) {
    arena_free(&talk->scratch);
    arena_free(&talk->arena);
    free((void *)talk->file.data);
    free((void *)talk->tokenizer_file.data);
    fake_platform_free(talk->fake);
    free(talk);
}

static bool turn(Talk *talk, const char *user, TurnLimits limits) {
    TurnObserver observer = {.argument = talk, .text = collect, .cleared = note_cleared, .interrupted = interrupt};
    talk->len = 0;
    return generate_turn(&talk->conversation, str_from_c(user), limits, &observer, &talk->fake->platform,
                         &talk->scratch, &talk->result, &talk->error);
}

static Str answer(const Talk *talk) { return (Str){talk->text, talk->len}; }

static const TurnLimits LIMITS = {.max_tokens = 20, .stop_you = true, .stop_double_nl = true};

static void answer_ends_at_eos(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(turn(talk, "Q?", LIMITS));
    CHECK_STR(answer(talk), STR("abc"));
    CHECK_U64(talk->result.reason, STOP_REASON_EOS);
    CHECK_U64(talk->result.tokens, 3);
    CHECK_U64(talk->result.step, 3);
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 3);
    CHECK(talk->result.prefill_us > 0 && talk->result.decode_us > 0);
    talk_free(talk);
}

static void answer_ends_at_the_token_limit(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(turn(talk, "?", (TurnLimits){.max_tokens = 5}));
    CHECK_STR(answer(talk), STR("ababa"));
    CHECK_U64(talk->result.reason, STOP_REASON_MAX_TOKENS);
    talk_free(talk);
}

static void answer_ends_where_the_context_does(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 16, CHAT_RAW);
    CHECK(turn(talk, "?", (TurnLimits){.max_tokens = 1000}));
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
    CHECK(turn(talk, "Hi", LIMITS));
    CHECK_STR(answer(talk), STR("ab"));
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
    CHECK(turn(talk, "?", LIMITS));
    CHECK_STR(answer(talk), STR("a"));
    CHECK_U64(talk->result.reason, STOP_REASON_STOP_DOUBLE_NL);
    CHECK(turn(talk, "?", (TurnLimits){.max_tokens = 5}));
    CHECK_STR(answer(talk), STR("a\n\n\n\n"));
    talk_free(talk);
}

static void person_can_interrupt(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    talk->interrupt_after = 4;
    CHECK(turn(talk, "?", LIMITS));
    CHECK_STR(answer(talk), STR("aba"));
    CHECK_U64(talk->result.reason, STOP_REASON_USER);
    talk_free(talk);
}

static void conversation_goes_on_after_a_cut_answer(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?ab");
    chain_follow(&chain, "!cd");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(turn(talk, "?", (TurnLimits){.max_tokens = 2}));
    u32 before = talk->result.position;
    CHECK(talk->conversation.pending == CHAIN_FIRST_BYTE + 'b');
    CHECK(turn(talk, "!", LIMITS));
    CHECK_STR(answer(talk), STR("cd"));
    CHECK_U64(talk->cleared_from, 0);
    CHECK_U64(talk->result.position, before + talk->result.prompt_tokens + 2);
    talk_free(talk);
}

static void full_conversation_starts_anew(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abcdefgh");
    Talk *talk = talk_new(&chain, 24, CHAT_RAW);
    CHECK(turn(talk, "?", LIMITS));
    CHECK_U64(talk->cleared_from, 0);
    u32 first_prompt = talk->result.prompt_tokens;
    CHECK(turn(talk, "12345678?", LIMITS));
    CHECK_U64(talk->cleared_from, first_prompt + 8);
    CHECK_STR(answer(talk), STR("abcdefgh"));
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 8);
    CHECK_U64(talk->result.prompt_tokens, first_prompt + 8); /* BOS is there again */
    talk_free(talk);
}

static void prompt_longer_than_the_context_changes_nothing(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?ab");
    Talk *talk = talk_new(&chain, 16, CHAT_RAW);
    CHECK(turn(talk, "?", LIMITS));
    u32 position = talk->transformer.position;
    CHECK(!turn(talk, "this prompt has far more than sixteen tokens", LIMITS));
    CHECK_ERROR(talk->error, ERROR_LIMIT);
    CHECK_U64(talk->transformer.position, position);
    CHECK_U64(talk->cleared_from, 0);
    CHECK(turn(talk, "?", LIMITS));
    CHECK_STR(answer(talk), STR("ab"));
    talk_free(talk);
}

static void same_conversation_gives_the_same_answer(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    Talk *talk = talk_new(&chain, 64, CHAT_RAW);
    CHECK(turn(talk, "?", LIMITS));
    conversation_clear(&talk->conversation);
    CHECK(turn(talk, "?", LIMITS));
    CHECK_STR(answer(talk), STR("abc"));
    CHECK_U64(talk->result.position, talk->result.prompt_tokens + 3);
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
                                 TEST(prompt_longer_than_the_context_changes_nothing),
                                 TEST(same_conversation_gives_the_same_answer)};
TEST_MAIN(CASES)
