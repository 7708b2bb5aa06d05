#include "firmware/testing/chain_talk.h"

#include "firmware/testing/check.h"

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

static TurnVerdict watch(void *argument, const TokenTiming *timing) {
    Talk *talk = argument;
    if (talk->timing_count < COUNT_OF(talk->timings)) talk->timings[talk->timing_count++] = *timing;
    return talk->timing_count == talk->verdict_at ? talk->verdict : TURN_GOES_ON;
}

Talk *talk_new(const Chain *chain, u32 context, ChatFormat format) {
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

void talk_free(Talk *talk) {
    arena_free(&talk->scratch);
    arena_free(&talk->arena);
    free((void *)talk->file.data);
    free((void *)talk->tokenizer_file.data);
    fake_platform_free(talk->fake);
    free(talk);
}

bool talk_turn(Talk *talk, const char *user, TurnLimits limits) {
    TurnObserver observer = {
        .argument = talk, .text = collect, .cleared = note_cleared, .interrupted = interrupt, .timed = watch};
    talk->len = talk->timing_count = 0;
    return generate_turn(&talk->conversation, str_from_c(user), limits, &observer, &talk->fake->platform,
                         &talk->scratch, &talk->result, &talk->error);
}

Str talk_answer(const Talk *talk) { return (Str){talk->text, talk->len}; }
