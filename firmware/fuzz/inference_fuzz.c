#include "firmware/fuzz/harness.h"
#include "firmware/infer/chat.h"
#include "firmware/infer/sampler.h"
#include "firmware/infer/transformer.h"

enum { LONGEST = 6, MOST_IDS = 256 };

/** Weights may be NaN or infinite: the token picked is one of the vocabulary whatever the logits are. */
static void pick(const Model *model, const Transformer *transformer, Arena *arena) {
    Sampler sampler;
    const u32 turn[] = {0, 0, 0, 0};
    CHECK(sampler_new(&SAMPLER_DEFAULTS, model->config.vocab, arena, &sampler));
    u32 id = sampler_pick(&sampler, transformer->logits, turn, COUNT_OF(turn));
    CHECK_MSG(id < model->config.vocab, "picked %u of %u", id, model->config.vocab);
}

static void infer(const Model *model, const Kernels *kernels, Arena *arena) {
    const u32 tokens[] = {0, model->config.vocab - 1, 0};
    u32 context = model->config.context < LONGEST ? model->config.context : LONGEST;
    Transformer transformer;
    Error error = {0};
    CHECK_MSG(transformer_new(model, kernels, context, arena, &transformer, &error), "%s", error.message);
    for (u32 position = 0; transformer_forward(&transformer, tokens, COUNT_OF(tokens), &error); position += 3) {
        CHECK(position + COUNT_OF(tokens) <= context);
        pick(model, &transformer, arena);
    }
    harness_check_error(&error); /* the context is full */
}

static void talk(const Model *model, Arena *arena) {
    static u32 ids[MOST_IDS];
    Tokenizer *tokenizer;
    Error error = {0};
    usize count;
    if (!tokenizer_from_gguf(&model->gguf, arena, &tokenizer, &error)) return;
    ChatTurn turn = {.format = chat_recognise(model, tokenizer), .first = true, .user = STR("ab <|im_start|> \xff")};
    turn.system = chat_default_system(model, turn.format);
    if (!chat_encode(tokenizer, &turn, arena, ids, MOST_IDS, &count, &error)) harness_check_error(&error);
}

static void use_model(const Model *model, Arena *arena) {
    if (model->config.layers > 8 || model->config.vocab > 4096) return; /* slow rather than interesting */
    infer(model, kernels_by_name("scalar"), arena);
    infer(model, kernels_choose(cpu_detect()), arena);
    if (model->format == MODEL_GGUF) talk(model, arena);
}

/** The input is a model of either format; those that are accepted run. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = arena_new(test_pages(), 0);
    Model model;
    Error error = {0};
    if (model_from_bytes(harness_input(&arena, data, size), STR("m"), &arena, &model, &error)) {
        use_model(&model, &arena);
    }
    arena_free(&arena);
    return 0;
}
