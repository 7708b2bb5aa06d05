#include "firmware/model/tokenizer.h"
#include "firmware/testing/check.h"

enum { VOCAB = 8 };

/* A tokenizer.bin in memory. */
typedef struct Draft {
    char bytes[512];
    usize len;
} Draft;

static void put(Draft *draft, const void *bytes, usize len) {
    memcpy(draft->bytes + draft->len, bytes, len);
    draft->len += len;
}

static void put_token(Draft *draft, const char *piece, f32 score) {
    i32 length = (i32)strlen(piece);
    put(draft, &score, sizeof score);
    put(draft, &length, sizeof length);
    put(draft, piece, (usize)length);
}

static Draft good_draft(void) {
    Draft draft = {.len = 0};
    i32 longest = 7;
    put(&draft, &longest, sizeof longest);
    put_token(&draft, "<unk>", 0);
    put_token(&draft, "\n<s>\n", 0);
    put_token(&draft, "\n</s>\n", 0);
    put_token(&draft, "<0x21>", 0);
    put_token(&draft, " ", -5);
    put_token(&draft, "a", -4);
    put_token(&draft, "b", -3);
    put_token(&draft, " ab", -1);
    return draft;
}

/* The bytes in memory of exactly their size, so that the sanitizer sees a read past them. */
static Str exact_copy(const Draft *draft, usize len) {
    char *copy = malloc(len ? len : 1);
    memcpy(copy, draft->bytes, len);
    return (Str){copy, len};
}

static void check_refused(const Draft *draft, usize len, u32 vocab, ErrorCode code) {
    Arena arena = arena_new(test_pages(), 0);
    Str bytes = exact_copy(draft, len);
    Tokenizer *tokenizer;
    Error error;
    CHECK_MSG(!tokenizer_from_llama2c(bytes, vocab, &arena, &tokenizer, &error), "%zu bytes accepted", len);
    CHECK_ERROR(error, code);
    CHECK_U64(arena.allocated, 0);
    free((char *)bytes.data);
    arena_free(&arena);
}

static void a_good_file_encodes_with_bos_space_and_bytes(void) {
    Draft draft = good_draft();
    Arena arena = arena_new(test_pages(), 0);
    Str bytes = exact_copy(&draft, draft.len);
    Tokenizer *tokenizer;
    Error error;
    CHECK_MSG(tokenizer_from_llama2c(bytes, VOCAB, &arena, &tokenizer, &error), "%s", error.message);
    free((char *)bytes.data); /* the tokenizer keeps nothing of the file */
    u32 ids[8];
    usize count;
    EncodeOptions options = {.add_special = true};
    CHECK(tokenizer_encode(tokenizer, STR("a!b"), options, &arena, ids, 8, &count, &error));
    static const u32 EXPECTED[] = {1, 4, 5, 3, 6}; /* <s>, space, a, byte 0x21, b */
    CHECK_U64(count, COUNT_OF(EXPECTED));
    CHECK(memcmp(ids, EXPECTED, sizeof EXPECTED) == 0);
    CHECK_STR(tokenizer_piece(tokenizer, 3, false), STR("!"));
    CHECK_STR(tokenizer_piece(tokenizer, 1, true), STR("<s>"));
    CHECK_STR(tokenizer_piece(tokenizer, 2, false), STR_NONE);
    CHECK(tokenizer_ends_turn(tokenizer, 2));
    arena_free(&arena);
}

static void every_cut_is_an_error(void) {
    Draft draft = good_draft();
    for (usize len = 0; len < draft.len; len++) check_refused(&draft, len, VOCAB, ERROR_TRUNCATED);
}

static void a_file_for_another_model_is_an_error(void) {
    Draft draft = good_draft();
    check_refused(&draft, draft.len, VOCAB - 1, ERROR_CORRUPT);
    check_refused(&draft, draft.len, VOCAB + 1, ERROR_TRUNCATED);
    check_refused(&draft, draft.len, 0xFFFFFFFF, ERROR_TRUNCATED);
    check_refused(&draft, draft.len, 0, ERROR_TRUNCATED);
}

static void lengths_out_of_bounds_are_an_error(void) {
    static const i32 LENGTHS[] = {-1, INT32_MIN, INT32_MAX, 4096};
    for (usize i = 0; i < COUNT_OF(LENGTHS); i++) {
        Draft draft = good_draft();
        memcpy(draft.bytes + 8, &LENGTHS[i], sizeof LENGTHS[i]);
        check_refused(&draft, draft.len, VOCAB, ERROR_TRUNCATED);
    }
}

static const TestCase CASES[] = {
    TEST(a_good_file_encodes_with_bos_space_and_bytes),
    TEST(every_cut_is_an_error),
    TEST(a_file_for_another_model_is_an_error),
    TEST(lengths_out_of_bounds_are_an_error),
};
TEST_MAIN(CASES)
