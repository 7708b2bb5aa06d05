#include "firmware/model/gguf.h"

#include "firmware/model/tensor.h"
#include "firmware/testing/check.h"
#include "firmware/testing/gguf_draft.h"

static Arena arena;
static Gguf gguf;
static Error error;

static bool parse(Str bytes) {
    error = (Error){0};
    return gguf_parse(bytes, bytes.len, &arena, &gguf, &error);
}

static void start_afresh(void) {
    arena_free(&arena);
    arena = arena_new(test_pages(), 0);
}

static bool parse_draft(const GgufDraft *draft) {
    start_afresh();
    return parse(draft_write(draft, &arena));
}

/** The draft is refused with `code`, and the message names `what`. */
static void refuse(const GgufDraft *draft, ErrorCode code, const char *what) {
    CHECK_MSG(!parse_draft(draft), "accepted, expected an error about %s", what);
    CHECK_ERROR(error, code);
    CHECK_MSG(strstr(error.message, what) != NULL, "\"%s\" does not name \"%s\"", error.message, what);
}

static void tables_and_typed_look_ups(void) {
    GgufDraft draft = draft_model("llama");
    draft_set(&draft, "a.bool", GGUF_BOOL, "\1", 1);
    draft_set(&draft, "a.double", GGUF_F64, &(f64){0.1}, 8);
    draft_set(&draft, "a.short", GGUF_I16, &(i16){300}, 2);
    draft_set(&draft, "a.negative", GGUF_I32, &(i32){-1}, 4);
    CHECK_MSG(parse_draft(&draft), "%s", error.message);
    u64 integer;
    f64 number;
    bool flag;
    Str text;
    CHECK_U64(gguf.version, 3);
    CHECK_U64(gguf.tensor_count, 11);
    CHECK(gguf_get_str(&gguf, STR("general.name"), &text));
    CHECK_STR(text, STR("Draft"));
    CHECK(gguf_get_bool(&gguf, STR("a.bool"), &flag) && flag);
    CHECK(gguf_get_f64(&gguf, STR("a.double"), &number) && number == 0.1);
    CHECK(gguf_get_f64(&gguf, STR("llama.attention.layer_norm_rms_epsilon"), &number) && (f32)number == 1e-5F);
    CHECK(gguf_get_u64(&gguf, STR("a.short"), &integer) && integer == 300);
    CHECK(!gguf_get_u64(&gguf, STR("a.negative"), &integer));
    CHECK(!gguf_get_u64(&gguf, STR("general.name"), &integer));
    CHECK(!gguf_get_u64(&gguf, STR("absent"), &integer));
    CHECK(!gguf_get_f64(&gguf, STR("a.bool"), &number));
    CHECK(!gguf_get_bool(&gguf, STR("a.short"), &flag));
    CHECK(!gguf_get_str(&gguf, STR("a.bool"), &text));
}

static void tensors_lie_where_the_aligned_data_section_says(void) {
    GgufDraft draft = draft_model("llama");
    draft.alignment = 64;
    draft_set_u32(&draft, "general.alignment", 64);
    CHECK_MSG(parse_draft(&draft), "%s", error.message);
    const GgufTensor *tensor = gguf_find_tensor(&gguf, STR("output_norm.weight"));
    CHECK(gguf.alignment == 64 && gguf.data_offset % 64 == 0);
    CHECK_U64(tensor->offset, gguf.data_offset + 192); /* after 5 rows of 8 floats, rounded up */
    CHECK_U64(tensor->bytes, 32);
    CHECK(gguf_find_tensor(&gguf, STR("absent")) == NULL);
}

static void version_2_is_read_and_others_are_named(void) {
    GgufDraft draft = draft_model("llama");
    draft.version = 2;
    CHECK(parse_draft(&draft));
    draft.version = 1;
    refuse(&draft, ERROR_UNSUPPORTED, "version 1");
    draft.version = 4;
    refuse(&draft, ERROR_UNSUPPORTED, "version 4");
    draft.version = 0x03000000;
    refuse(&draft, ERROR_UNSUPPORTED, "big-endian");
}

static void wrong_magic(void) {
    start_afresh();
    CHECK(!parse(STR("GGML\3\0\0\0")));
    CHECK_ERROR(error, ERROR_CORRUPT);
    CHECK(!parse(STR_NONE));
    CHECK_ERROR(error, ERROR_TRUNCATED);
}

static void strings_of_an_array_are_walked(void) {
    GgufDraft draft = draft_empty();
    const char words[] = "\x08\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0one\0\0\0\0\0\0\0\0"; /* "one" and "" */
    draft_set(&draft, "words", GGUF_ARRAY, words, sizeof(words) - 1);
    CHECK_MSG(parse_draft(&draft), "%s", error.message);
    const GgufValue *value = gguf_find(&gguf, STR("words"));
    usize cursor = 0;
    Str text;
    CHECK_U64(value->count, 2);
    CHECK(gguf_next_string(value, &cursor, &text));
    CHECK_STR(text, STR("one"));
    CHECK(gguf_next_string(value, &cursor, &text));
    CHECK_STR(text, STR(""));
    CHECK(!gguf_next_string(value, &cursor, &text));
}

static void counts_larger_than_the_file(void) {
    const u64 counts[] = {1000, 1ULL << 32, UINT64_MAX};
    for (usize i = 0; i < COUNT_OF(counts); i++) {
        GgufDraft draft = draft_model("llama");
        draft.forced_pair_count = counts[i];
        refuse(&draft, ERROR_CORRUPT, "metadata keys");
        draft = draft_model("llama");
        draft.forced_tensor_count = counts[i];
        refuse(&draft, ERROR_CORRUPT, "tensors");
        CHECK_MSG(arena.allocated < 1 << 16, "%zu bytes allocated for a count of %llu", arena.allocated,
                  (unsigned long long)counts[i]);
    }
}

static void a_table_cut_short_is_told_from_a_count_the_file_could_hold(void) {
    GgufDraft draft = draft_model("llama");
    draft.forced_tensor_count = 12; /* one more than there are: its row is read from the data */
    CHECK(!parse_draft(&draft));
    CHECK(error.code != ERROR_NONE);
}

static void strings_longer_than_the_file(void) {
    const u64 lengths[] = {100000, 1ULL << 40, UINT64_MAX, UINT64_MAX - 7};
    for (usize i = 0; i < COUNT_OF(lengths); i++) {
        GgufDraft draft = draft_model("llama");
        draft_set(&draft, "huge", GGUF_STRING, &lengths[i], 8);
        refuse(&draft, ERROR_TRUNCATED, "a string");
        char array[20] = {GGUF_STRING, 0, 0, 0, 1};
        memcpy(array + 12, &lengths[i], 8);
        draft_set(&draft, "huge", GGUF_ARRAY, array, sizeof(array));
        refuse(&draft, ERROR_TRUNCATED, "huge");
    }
}

static void arrays_longer_than_the_file_or_nested(void) {
    GgufDraft draft = draft_empty();
    char array[12] = {GGUF_U64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20}; /* 2^61 elements of 8 bytes */
    draft_set(&draft, "numbers", GGUF_ARRAY, array, sizeof(array));
    refuse(&draft, ERROR_CORRUPT, "numbers");
    array[0] = GGUF_ARRAY;
    draft_set(&draft, "numbers", GGUF_ARRAY, array, sizeof(array));
    refuse(&draft, ERROR_UNSUPPORTED, "numbers");
    draft_set(&draft, "numbers", 13, array, sizeof(array));
    refuse(&draft, ERROR_UNSUPPORTED, "unknown type 13");
}

static void names_are_short_printable_and_unique(void) {
    static char long_key[2000];
    memset(long_key, 'k', sizeof(long_key) - 1);
    GgufDraft draft = draft_empty();
    draft_set_u32(&draft, long_key, 1);
    refuse(&draft, ERROR_CORRUPT, "1999 bytes long");
    draft = draft_empty();
    draft_set_u32(&draft, "two\nlines", 1);
    refuse(&draft, ERROR_CORRUPT, "control characters");
    draft = draft_empty();
    draft_set_u32(&draft, "twice", 1);
    draft_set_u32(&draft, "other", 1);
    draft.pairs[1].key = "twice";
    refuse(&draft, ERROR_CORRUPT, "\"twice\" occurs twice");
    draft = draft_model("llama");
    draft.tensors[3].name = draft.tensors[2].name;
    refuse(&draft, ERROR_CORRUPT, "occurs twice");
}

static void tensors_outside_the_data_or_off_its_grid(void) {
    const u64 offsets[] = {1ULL << 20, UINT64_MAX - 31, 1ULL << 63};
    for (usize i = 0; i < COUNT_OF(offsets); i++) {
        GgufDraft draft = draft_model("llama");
        draft.tensors[4].offset = offsets[i];
        draft.tensors[4].is_offset_forced = true;
        refuse(&draft, ERROR_CORRUPT, draft.tensors[4].name);
    }
    GgufDraft draft = draft_model("llama");
    draft.tensors[4].offset = 4;
    draft.tensors[4].is_offset_forced = true;
    refuse(&draft, ERROR_CORRUPT, "multiple of 32");
}

static void impossible_extents(void) {
    const u64 extents[] = {0, 1ULL << 62, UINT64_MAX, 1ULL << 40};
    for (usize i = 0; i < COUNT_OF(extents); i++) {
        GgufDraft draft = draft_model("llama");
        draft.tensors[0].extent[1] = extents[i];
        refuse(&draft, ERROR_CORRUPT, draft.tensors[0].name);
    }
    GgufDraft draft = draft_model("llama");
    draft.tensors[2].dimensions = 0;
    refuse(&draft, ERROR_CORRUPT, "0 dimensions");
    draft.tensors[2].dimensions = 5;
    refuse(&draft, ERROR_CORRUPT, "5 dimensions");
}

static void types_we_do_not_read_and_rows_of_part_of_a_block(void) {
    GgufDraft draft = draft_model("llama");
    draft.tensors[2].type = 16; /* IQ2_XXS */
    refuse(&draft, ERROR_UNSUPPORTED, "type 16");
    draft.tensors[2].type = TENSOR_Q8_0;
    refuse(&draft, ERROR_CORRUPT, "multiple of 32 for Q8_0");
}

static void alignment_is_a_power_of_two(void) {
    const u32 wrong[] = {0, 1, 4, 24, 1U << 21, UINT32_MAX};
    for (usize i = 0; i < COUNT_OF(wrong); i++) {
        GgufDraft draft = draft_empty();
        draft_set_u32(&draft, "general.alignment", wrong[i]);
        refuse(&draft, ERROR_CORRUPT, "general.alignment");
    }
    GgufDraft draft = draft_empty();
    draft_set_str(&draft, "general.alignment", "32");
    refuse(&draft, ERROR_CORRUPT, "general.alignment");
}

static Str prefix_of(Str bytes, usize len) {
    char *copy = arena_alloc(&arena, len, 1, 64);
    memcpy(copy, bytes.data, len);
    return (Str){copy, len};
}

static void a_file_cut_at_any_byte_is_refused(void) {
    GgufDraft draft = draft_model("qwen2");
    CHECK(parse_draft(&draft));
    Str bytes = draft_write(&draft, &arena);
    for (usize len = 0; len < bytes.len - 24; len++) { /* the last bytes may be padding */
        ArenaMark mark = arena_mark(&arena);
        CHECK_MSG(!parse(prefix_of(bytes, len)), "accepted %zu of %zu bytes", len, bytes.len);
        CHECK(error.message[0] != 0);
        arena_release(&arena, mark);
    }
}

static void a_prefix_asks_for_more_until_the_head_is_whole(void) {
    GgufDraft draft = draft_model("llama");
    CHECK(parse_draft(&draft));
    Str bytes = draft_write(&draft, &arena);
    for (usize len = 0; len < gguf.data_offset; len += 5) {
        ArenaMark mark = arena_mark(&arena);
        Gguf partial;
        if (!gguf_parse(prefix_of(bytes, len), bytes.len, &arena, &partial, &error)) {
            CHECK_ERROR(error, ERROR_TRUNCATED);
        }
        arena_release(&arena, mark);
    }
    CHECK(gguf_parse(prefix_of(bytes, (usize)gguf.data_offset), bytes.len, &arena, &gguf, &error));
}

static void a_flipped_bit_never_reads_outside(void) {
    GgufDraft draft = draft_model("llama");
    CHECK(parse_draft(&draft));
    Str bytes = draft_write(&draft, &arena);
    for (usize bit = 0; bit < gguf.data_offset * 8; bit++) {
        ArenaMark mark = arena_mark(&arena);
        Str flipped = prefix_of(bytes, bytes.len);
        ((char *)flipped.data)[bit / 8] ^= (char)(1 << bit % 8);
        Gguf parsed;
        bool accepted = gguf_parse(flipped, flipped.len, &arena, &parsed, &error);
        for (usize i = 0; accepted && i < parsed.tensor_count; i++) {
            CHECK(parsed.tensors[i].offset + parsed.tensors[i].bytes <= flipped.len);
        }
        arena_release(&arena, mark);
    }
}

static const TestCase CASES[] = {
    TEST(tables_and_typed_look_ups),
    TEST(tensors_lie_where_the_aligned_data_section_says),
    TEST(version_2_is_read_and_others_are_named),
    TEST(wrong_magic),
    TEST(strings_of_an_array_are_walked),
    TEST(counts_larger_than_the_file),
    TEST(a_table_cut_short_is_told_from_a_count_the_file_could_hold),
    TEST(strings_longer_than_the_file),
    TEST(arrays_longer_than_the_file_or_nested),
    TEST(names_are_short_printable_and_unique),
    TEST(tensors_outside_the_data_or_off_its_grid),
    TEST(impossible_extents),
    TEST(types_we_do_not_read_and_rows_of_part_of_a_block),
    TEST(alignment_is_a_power_of_two),
    TEST(a_file_cut_at_any_byte_is_refused),
    TEST(a_prefix_asks_for_more_until_the_head_is_whole),
    TEST(a_flipped_bit_never_reads_outside),
};

int main(int argc, char **argv) {
    int status = test_main(argc, argv, CASES, COUNT_OF(CASES));
    arena_free(&arena);
    return status;
}
