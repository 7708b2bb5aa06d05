#include "firmware/model/tokenizer.h"
#include "firmware/testing/check.h"
#include "firmware/testing/metadata_draft.h"

/* A vocabulary of the gpt2 kind. "Ġ" stands for a space, as the format writes it. */
static const char *const GPT2_TOKENS[] = {"<|endoftext|>",
                                          "<|im_start|>",
                                          "<|im_end|>",
                                          "<tool>",
                                          "<tool>>",
                                          "a",
                                          "b",
                                          "c",
                                          "Ġ",
                                          "1",
                                          "<",
                                          "|",
                                          ">",
                                          "ab",
                                          "bc",
                                          "abc",
                                          "Ġa",
                                          "aa",
                                          "aaaa",
                                          "é"};
static const i32 GPT2_TYPES[] = {3, 3, 3, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const char *const GPT2_MERGES[] = {"b c", "a b", "ab c", "Ġ a", "a a", "aa aa"};

static void gpt2_draft(MetadataDraft *draft) {
    *draft = (MetadataDraft){0};
    metadata_str(draft, "tokenizer.ggml.model", "gpt2");
    metadata_str(draft, "tokenizer.ggml.pre", "gpt-2");
    metadata_strings(draft, "tokenizer.ggml.tokens", GPT2_TOKENS, COUNT_OF(GPT2_TOKENS));
    metadata_i32s(draft, "tokenizer.ggml.token_type", GPT2_TYPES, COUNT_OF(GPT2_TYPES));
    metadata_strings(draft, "tokenizer.ggml.merges", GPT2_MERGES, COUNT_OF(GPT2_MERGES));
    metadata_u32(draft, "tokenizer.ggml.bos_token_id", 1);
    metadata_u32(draft, "tokenizer.ggml.eos_token_id", 2);
}

static const char *const LLAMA_TOKENS[] = {
    "<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "<0x0A>", "▁", "a", "b", "ab", "ba", "▁a", "aba", "<x>", "▁▁",
};
static const i32 LLAMA_TYPES[] = {2, 3, 3, 6, 6, 6, 1, 1, 1, 1, 1, 1, 1, 4, 1};
static const f32 LLAMA_SCORES[] = {0, 0, 0, 0, 0, 0, -9, -9, -9, -2, -2, -3, -5, 0, -1};

static void llama_draft(MetadataDraft *draft) {
    *draft = (MetadataDraft){0};
    metadata_str(draft, "tokenizer.ggml.model", "llama");
    metadata_strings(draft, "tokenizer.ggml.tokens", LLAMA_TOKENS, COUNT_OF(LLAMA_TOKENS));
    metadata_i32s(draft, "tokenizer.ggml.token_type", LLAMA_TYPES, COUNT_OF(LLAMA_TYPES));
    metadata_f32s(draft, "tokenizer.ggml.scores", LLAMA_SCORES, COUNT_OF(LLAMA_SCORES));
}

/* Loads a draft, encodes, and compares with `expected`: pieces of the ids joined by ';', control tokens included. */
static void check_encoding(MetadataDraft *draft, Str text, EncodeOptions options, const char *expected) {
    Arena arena = arena_new(test_pages(), 0);
    Arena scratch = arena_new(test_pages(), 0);
    Gguf gguf = metadata_gguf(draft);
    Tokenizer *tokenizer;
    Error error;
    CHECK_MSG(tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error), "%s", error.message);
    u32 ids[64];
    usize count;
    CHECK_MSG(tokenizer_encode(tokenizer, text, options, &scratch, ids, 64, &count, &error), "%s", error.message);
    CHECK_U64(scratch.allocated, 0);
    char joined[256] = "";
    usize used = 0;
    for (usize i = 0; i < count; i++) {
        Str piece = tokenizer_piece(tokenizer, ids[i], true);
        used += fmt(joined + used, sizeof joined - used, "%s%.*s", i ? ";" : "", STR_ARG(piece));
    }
    CHECK_STR(str_from_c(joined), str_from_c(expected));
    arena_free(&scratch);
    arena_free(&arena);
}

static const EncodeOptions PLAIN = {false, false};
static const EncodeOptions ADD = {true, false};
static const EncodeOptions PARSE = {false, true};

static void gpt2_merges_the_lowest_rank_first(void) {
    MetadataDraft draft;
    gpt2_draft(&draft);
    check_encoding(&draft, STR("abc"), PLAIN, "a;bc"); /* "b c" comes before "a b", and nothing joins "a" and "bc" */
    check_encoding(&draft, STR("ab a"), PLAIN, "ab; a");
    check_encoding(&draft, STR("aaaaa"), PLAIN, "aaaa;a");
    check_encoding(&draft, STR("aaa"), PLAIN, "aa;a"); /* leftmost among equals */
    check_encoding(&draft, STR(""), PLAIN, "");
}

static void gpt2_bytes_without_a_token_give_nothing(void) {
    MetadataDraft draft;
    gpt2_draft(&draft);
    check_encoding(&draft, STR("a\004zb"), PLAIN, "a;b");
    check_encoding(&draft, STR("\xE9"), PLAIN, "\xE9"); /* no UTF-8, and a byte of the vocabulary */
}

static void words_in_the_vocabulary_ignore_merges_for_llama_bpe(void) {
    MetadataDraft draft;
    gpt2_draft(&draft);
    metadata_str(&draft, "tokenizer.ggml.pre", "llama-bpe");
    check_encoding(&draft, STR("abc"), PLAIN, "abc");
    check_encoding(&draft, STR("abc"), ADD, "<|im_start|>;abc"); /* this pre-tokenizer adds BOS by default */
}

static void control_tokens_are_parsed_only_when_asked_for(void) {
    MetadataDraft draft;
    gpt2_draft(&draft);
    check_encoding(&draft, STR("a<|im_end|>b"), PARSE, "a;<|im_end|>;b");
    check_encoding(&draft, STR("<|im_end|>"), PLAIN, "<;|;|;>"); /* the letters have no token */
    check_encoding(&draft, STR("<|im_end|><|im_end|>"), PARSE, "<|im_end|>;<|im_end|>");
}

static void user_defined_tokens_are_always_cut_out_the_longest_first(void) {
    MetadataDraft draft;
    gpt2_draft(&draft);
    check_encoding(&draft, STR("a<tool>b"), PLAIN, "a;<tool>;b");
    check_encoding(&draft, STR("<tool>><tool>"), PLAIN, "<tool>>;<tool>");
}

static void tokens_of_chat_templates_are_control_tokens_whatever_the_file_says(void) {
    i32 types[COUNT_OF(GPT2_TYPES)];
    MetadataDraft draft;
    gpt2_draft(&draft);
    memcpy(types, GPT2_TYPES, sizeof types);
    types[1] = types[2] = 4;
    metadata_i32s(&draft, "tokenizer.ggml.token_type", types, COUNT_OF(types));
    check_encoding(&draft, STR("<|im_start|>a<tool>"), PLAIN, "<;|;a;|;>;a;<tool>");
    check_encoding(&draft, STR("<|im_start|>a<tool>"), PARSE, "<|im_start|>;a;<tool>");
}

static void bos_and_eos_follow_the_metadata(void) {
    MetadataDraft draft;
    gpt2_draft(&draft);
    check_encoding(&draft, STR("a"), ADD, "a");
    metadata_bool(&draft, "tokenizer.ggml.add_bos_token", true);
    metadata_bool(&draft, "tokenizer.ggml.add_eos_token", true);
    check_encoding(&draft, STR("a"), ADD, "<|im_start|>;a;<|im_end|>");
    check_encoding(&draft, STR("a"), PLAIN, "a");
    llama_draft(&draft);
    check_encoding(&draft, STR(""), ADD, "<s>");
    metadata_bool(&draft, "tokenizer.ggml.add_bos_token", false);
    check_encoding(&draft, STR(""), ADD, "");
}

static void llama_merges_the_highest_score_first(void) {
    MetadataDraft draft;
    llama_draft(&draft);
    metadata_bool(&draft, "tokenizer.ggml.add_space_prefix", false);
    check_encoding(&draft, STR("aba"), PLAIN, "aba"); /* "ab" and "ba" score the same: the left one first */
    check_encoding(&draft, STR("baba"), PLAIN, "ba;ba");
    check_encoding(&draft, STR("   a"), PLAIN, "  ; a");
}

static void llama_puts_a_space_before_text_and_after_special_tokens(void) {
    MetadataDraft draft;
    llama_draft(&draft);
    check_encoding(&draft, STR("a"), ADD, "<s>; a");
    check_encoding(&draft, STR("a</s>a"), PARSE, " a;</s>; a");
    check_encoding(&draft, STR("b<x>a"), PLAIN, " ;b;<x>; a");
}

static void llama_falls_back_to_bytes(void) {
    MetadataDraft draft;
    llama_draft(&draft);
    metadata_bool(&draft, "tokenizer.ggml.add_space_prefix", false);
    check_encoding(&draft, STR("a\xC3\xA9\n"), PLAIN, "a;\xC3;\xA9;\n");
    check_encoding(&draft, STR("z"), PLAIN, "<unk>"); /* not even a byte token */
    check_encoding(&draft, STR("a▁a"), PLAIN, "a; a");
    check_encoding(&draft, STR("</s>"), PLAIN, "<unk>;<unk>;<unk>;<unk>");
}

static void too_many_tokens_are_an_error_that_says_how_many(void) {
    MetadataDraft draft;
    Arena arena = arena_new(test_pages(), 0);
    Tokenizer *tokenizer;
    Error error;
    gpt2_draft(&draft);
    Gguf gguf = metadata_gguf(&draft);
    CHECK(tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error));
    u32 ids[2];
    usize count;
    CHECK(!tokenizer_encode(tokenizer, STR("1b1"), PLAIN, &arena, ids, 2, &count, &error));
    CHECK_ERROR(error, ERROR_LIMIT);
    CHECK(strstr(error.message, "makes 3 tokens and there is room for 2") != NULL);
    CHECK_U64(count, 2);
    arena_free(&arena);
}

static void tokens_are_looked_up_by_text_and_by_role(void) {
    MetadataDraft draft;
    Arena arena = arena_new(test_pages(), 0);
    Tokenizer *tokenizer;
    Error error;
    gpt2_draft(&draft);
    Gguf gguf = metadata_gguf(&draft);
    CHECK(tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error));
    CHECK_U64(tokenizer_vocab(tokenizer), COUNT_OF(GPT2_TOKENS));
    CHECK_U64(tokenizer_find(tokenizer, STR("<|im_end|>")), 2);
    CHECK_U64(tokenizer_find(tokenizer, STR(" a")), 16);
    CHECK_U64(tokenizer_find(tokenizer, STR("absent")), TOKEN_NONE);
    CHECK_U64(tokenizer_bos(tokenizer), 1);
    CHECK_U64(tokenizer_eos(tokenizer), 2);
    CHECK(tokenizer_ends_turn(tokenizer, 0)); /* <|endoftext|> */
    CHECK(tokenizer_ends_turn(tokenizer, 2));
    CHECK(!tokenizer_ends_turn(tokenizer, 1));
    CHECK(!tokenizer_ends_turn(tokenizer, TOKEN_NONE));
    CHECK_STR(tokenizer_piece(tokenizer, 2, false), STR_NONE);
    CHECK_STR(tokenizer_piece(tokenizer, 999, true), STR_NONE);
    arena_free(&arena);
}

/* A 100 KB line without a space, as a person's stuck key types it; its pieces join to the line again. */
static void a_long_line_without_spaces_is_encoded(void) {
    static char line[100000];
    static u32 ids[sizeof line + 1];
    memset(line, 'a', sizeof line);
    for (usize kind = 0; kind < 2; kind++) {
        MetadataDraft draft;
        (kind ? llama_draft : gpt2_draft)(&draft);
        metadata_bool(&draft, "tokenizer.ggml.add_space_prefix", false);
        Arena arena = arena_new(test_pages(), 0);
        Gguf gguf = metadata_gguf(&draft);
        Tokenizer *tokenizer;
        Error error;
        usize count, used = 0;
        CHECK(tokenizer_from_gguf(&gguf, &arena, &tokenizer, &error));
        Str text = {line, sizeof line};
        CHECK(tokenizer_encode(tokenizer, text, PARSE, &arena, ids, COUNT_OF(ids), &count, &error));
        for (usize i = 0; i < count; i++) used += tokenizer_piece(tokenizer, ids[i], true).len;
        CHECK_U64(used, sizeof line);
        arena_free(&arena);
    }
}

static const TestCase CASES[] = {
    TEST(gpt2_merges_the_lowest_rank_first),
    TEST(gpt2_bytes_without_a_token_give_nothing),
    TEST(words_in_the_vocabulary_ignore_merges_for_llama_bpe),
    TEST(control_tokens_are_parsed_only_when_asked_for),
    TEST(user_defined_tokens_are_always_cut_out_the_longest_first),
    TEST(tokens_of_chat_templates_are_control_tokens_whatever_the_file_says),
    TEST(bos_and_eos_follow_the_metadata),
    TEST(llama_merges_the_highest_score_first),
    TEST(llama_puts_a_space_before_text_and_after_special_tokens),
    TEST(llama_falls_back_to_bytes),
    TEST(too_many_tokens_are_an_error_that_says_how_many),
    TEST(tokens_are_looked_up_by_text_and_by_role),
    TEST(a_long_line_without_spaces_is_encoded),
};
TEST_MAIN(CASES)
