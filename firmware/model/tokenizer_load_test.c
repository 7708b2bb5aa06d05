/* Metadata that contradicts itself: each row breaks one thing in a good vocabulary. */
#include "firmware/model/tokenizer.h"
#include "firmware/testing/check.h"
#include "firmware/testing/metadata_draft.h"

static const char *const TOKENS[] = {"<|im_end|>", "a", "b", "ab"};
static const i32 TYPES[] = {3, 1, 1, 1};
static const char *const MERGES[] = {"a b"};
static const f32 SCORES[] = {0, -1, -2, -3};

static void draft_of(MetadataDraft *draft, const char *kind) {
    *draft = (MetadataDraft){0};
    metadata_str(draft, "tokenizer.ggml.model", kind);
    metadata_strings(draft, "tokenizer.ggml.tokens", TOKENS, COUNT_OF(TOKENS));
    metadata_i32s(draft, "tokenizer.ggml.token_type", TYPES, COUNT_OF(TYPES));
    metadata_strings(draft, "tokenizer.ggml.merges", MERGES, COUNT_OF(MERGES));
    metadata_f32s(draft, "tokenizer.ggml.scores", SCORES, COUNT_OF(SCORES));
}

/* Loading fails with this code, a message that holds `part`, and no memory kept. */
static void check_refused(MetadataDraft *draft, ErrorCode code, const char *part) {
    Arena arena = arena_new(test_pages(), 0);
    Gguf gguf = metadata_gguf(draft);
    Tokenizer *tokenizer;
    Error error;
    CHECK_MSG(!tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error), "accepted, expected \"%s\"", part);
    CHECK_ERROR(error, code);
    CHECK_MSG(strstr(error.message, part), "\"%s\" has no \"%s\"", error.message, part);
    CHECK(strchr(error.message, '\n') == NULL);
    CHECK_U64(arena.allocated, 0);
    arena_free(&arena);
}

static void unknown_kinds_are_unsupported(void) {
    MetadataDraft draft;
    draft_of(&draft, "gpt2");
    metadata_str(&draft, "tokenizer.ggml.pre", "tekken");
    check_refused(&draft, ERROR_UNSUPPORTED, "\"tekken\"");
    draft_of(&draft, "bert");
    check_refused(&draft, ERROR_UNSUPPORTED, "\"bert\"");
    metadata_remove(&draft, "tokenizer.ggml.model");
    check_refused(&draft, ERROR_UNSUPPORTED, "tokenizer.ggml.model is \"\"");
}

static void arrays_must_exist_and_agree_in_length(void) {
    MetadataDraft draft;
    draft_of(&draft, "gpt2");
    metadata_i32s(&draft, "tokenizer.ggml.token_type", TYPES, 3);
    check_refused(&draft, ERROR_CORRUPT, "3 types for 4 tokens");
    metadata_f32s(&draft, "tokenizer.ggml.token_type", SCORES, 4);
    check_refused(&draft, ERROR_CORRUPT, "no array of 32-bit integers");
    draft_of(&draft, "gpt2");
    metadata_remove(&draft, "tokenizer.ggml.merges");
    check_refused(&draft, ERROR_CORRUPT, "tokenizer.ggml.merges");
    draft_of(&draft, "llama");
    metadata_f32s(&draft, "tokenizer.ggml.scores", SCORES, 2);
    check_refused(&draft, ERROR_CORRUPT, "2 scores for 4 tokens");
    metadata_remove(&draft, "tokenizer.ggml.scores");
    check_refused(&draft, ERROR_CORRUPT, "needs an array of float32");
}

static void a_vocabulary_must_have_tokens(void) {
    MetadataDraft draft;
    draft_of(&draft, "gpt2");
    metadata_strings(&draft, "tokenizer.ggml.tokens", NULL, 0);
    check_refused(&draft, ERROR_CORRUPT, "a vocabulary of 0 tokens");
    metadata_str(&draft, "tokenizer.ggml.tokens", "a b");
    check_refused(&draft, ERROR_CORRUPT, "no array of strings");
    metadata_remove(&draft, "tokenizer.ggml.tokens");
    check_refused(&draft, ERROR_CORRUPT, "no array of strings");
}

static void special_ids_must_lie_in_the_vocabulary(void) {
    static const char *const KEYS[] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                                       "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.eot_token_id"};
    for (usize i = 0; i < COUNT_OF(KEYS); i++) {
        MetadataDraft draft;
        draft_of(&draft, i % 2 ? "llama" : "gpt2");
        metadata_u32(&draft, KEYS[i], 4);
        check_refused(&draft, ERROR_CORRUPT, "is 4, and the vocabulary has 4 tokens");
    }
}

static void merges_must_join_tokens_to_a_token(void) {
    static const char *const BROKEN[] = {
        "", " ", "ab", "a ", " b", "b a", "a b b", "x b", "a bbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    for (usize i = 0; i < COUNT_OF(BROKEN); i++) {
        MetadataDraft draft;
        draft_of(&draft, "gpt2");
        const char *const merges[] = {"a b", BROKEN[i]};
        metadata_strings(&draft, "tokenizer.ggml.merges", merges, 2);
        check_refused(&draft, ERROR_CORRUPT, "number 1, ");
    }
}

static void odd_tokens_are_no_reason_to_refuse(void) {
    static const char *const ODD[] = {"", "a", "a", "<0xZZ>", "<0x41>", "\xFF\xFE"};
    static const i32 ODD_TYPES[] = {3, 4, 1, 6, 6, 99};
    static const f32 ODD_SCORES[6] = {0};
    MetadataDraft draft;
    Arena arena = arena_new(test_pages(), 0);
    Tokenizer *tokenizer;
    Error error;
    draft_of(&draft, "llama");
    metadata_strings(&draft, "tokenizer.ggml.tokens", ODD, 6);
    metadata_i32s(&draft, "tokenizer.ggml.token_type", ODD_TYPES, 6);
    metadata_f32s(&draft, "tokenizer.ggml.scores", ODD_SCORES, 6);
    Gguf gguf = metadata_gguf(&draft);
    CHECK_MSG(tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error), "%s", error.message);
    CHECK_STR(tokenizer_piece(tokenizer, 3, true), STR("<0xZZ>"));
    CHECK_STR(tokenizer_piece(tokenizer, 4, true), STR("A"));
    CHECK_U64(tokenizer_find(tokenizer, STR("")), TOKEN_NONE);
    arena_free(&arena);
}

static void *no_pages(void *context, usize bytes) {
    usize *left = context;
    if (bytes > *left) return NULL;
    *left -= bytes;
    return test_pages().alloc(NULL, bytes);
}

static void running_out_of_memory_at_any_place_is_an_error(void) {
    usize succeeded_at = 0;
    for (usize room = 0; succeeded_at == 0; room += 64) {
        MetadataDraft draft;
        usize left = room;
        Arena arena = arena_new((PageSource){no_pages, test_pages().free, &left}, 0);
        Tokenizer *tokenizer;
        Error error = {0};
        draft_of(&draft, "gpt2");
        Gguf gguf = metadata_gguf(&draft);
        if (tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error))
            succeeded_at = room;
        else
            CHECK_ERROR(error, ERROR_OUT_OF_MEMORY);
        arena_free(&arena);
    }
    CHECK(succeeded_at > 1024);
}

static const TestCase CASES[] = {
    TEST(unknown_kinds_are_unsupported),
    TEST(arrays_must_exist_and_agree_in_length),
    TEST(a_vocabulary_must_have_tokens),
    TEST(special_ids_must_lie_in_the_vocabulary),
    TEST(merges_must_join_tokens_to_a_token),
    TEST(odd_tokens_are_no_reason_to_refuse),
    TEST(running_out_of_memory_at_any_place_is_an_error),
};
TEST_MAIN(CASES)
