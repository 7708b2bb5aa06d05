#include "firmware/model/llama2c.h"

#include "firmware/testing/check.h"

enum { DIM = 8, HIDDEN = 12, LAYERS = 2, HEADS = 2, KV_HEADS = 1, VOCAB = 5, CONTEXT = 6 };
enum {
    LAYER_VALUES = 2 * DIM + 2 * DIM * DIM + 2 * DIM * DIM / 2 + 3 * DIM * HIDDEN,
    SHARED_VALUES = VOCAB * DIM + LAYERS * LAYER_VALUES + DIM + CONTEXT * DIM / HEADS,
    UNSHARED_VALUES = SHARED_VALUES + VOCAB * DIM,
};

/** Value i of the file is i, so that a binding says which part it points to. */
typedef struct File {
    i32 header[7];
    f32 values[UNSHARED_VALUES];
} File;

static Model model;
static Error error;
static Arena arena;

static File make_file(i32 vocab) {
    File file = {.header = {DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, vocab, CONTEXT}};
    for (u32 i = 0; i < UNSHARED_VALUES; i++) file.values[i] = (f32)i;
    return file;
}

static void start_afresh(void) {
    arena_free(&arena);
    arena = arena_new(test_pages(), 0);
}

static bool load(const File *file, usize values) {
    start_afresh();
    usize len = LLAMA2C_HEADER_BYTES + values * sizeof(f32);
    char *copy = arena_alloc(&arena, len, 1, 64);
    memcpy(copy, file, len);
    return model_from_bytes((Str){copy, len}, STR("m.bin"), &arena, &model, &error);
}

static void refuse(const File *file, usize values, ErrorCode code, const char *what) {
    CHECK_MSG(!load(file, values), "accepted, expected an error about %s", what);
    CHECK_ERROR(error, code);
    CHECK_MSG(strstr(error.message, what) && strstr(error.message, "m.bin"), "\"%s\" does not name \"%s\"",
              error.message, what);
}

static f32 first_of(const Tensor *tensor) { return *(const f32 *)(const void *)tensor->data; }

static void a_positive_vocabulary_shares_the_classifier(void) {
    File file = make_file(VOCAB);
    CHECK_MSG(load(&file, SHARED_VALUES), "%s", error.message);
    CHECK(model.tied_output && model.output.data == model.embedding.data);
    CHECK_U64(model.config.vocab, VOCAB);
    CHECK_U64(model.parameters, SHARED_VALUES - CONTEXT * DIM / HEADS);
    CHECK_STR(model.name, STR("m.bin"));
    CHECK_STR(model.architecture, STR("llama2.c"));
}

static void a_negative_vocabulary_has_one_of_its_own_after_the_rope_tables(void) {
    File file = make_file(-VOCAB);
    CHECK_MSG(load(&file, UNSHARED_VALUES), "%s", error.message);
    CHECK(!model.tied_output);
    CHECK_U64(model.config.vocab, VOCAB);
    CHECK(first_of(&model.output) == SHARED_VALUES);
}

static void arrays_follow_each_other_kind_by_kind(void) {
    File file = make_file(VOCAB);
    CHECK(load(&file, SHARED_VALUES));
    const LayerWeights *last = &model.layers[1];
    f32 at = VOCAB * DIM;
    CHECK(first_of(&model.embedding) == 0);
    CHECK(model.layers[0].attention_norm[0] == at && last->attention_norm[0] == at + DIM);
    at += LAYERS * DIM;
    CHECK(first_of(&last->wq) == at + DIM * DIM);
    at += LAYERS * DIM * DIM;
    CHECK(first_of(&last->wk) == at + DIM * DIM / 2.0F);
    CHECK(first_of(&last->wv) == at + (LAYERS + 1) * DIM * DIM / 2.0F);
    at += LAYERS * DIM * DIM;
    CHECK(first_of(&last->wo) == at + DIM * DIM);
    at += LAYERS * DIM * DIM;
    CHECK(last->ffn_norm[0] == at + DIM);
    at += LAYERS * DIM;
    CHECK(first_of(&last->gate) == at + DIM * HIDDEN);
    CHECK(first_of(&last->down) == at + (LAYERS + 1) * DIM * HIDDEN);
    CHECK(first_of(&last->up) == at + (2 * LAYERS + 1) * DIM * HIDDEN);
    CHECK(model.final_norm[0] == at + 3 * LAYERS * DIM * HIDDEN);
    CHECK_U64(last->down.rows, DIM);
    CHECK_U64(last->down.cols, HIDDEN);
    CHECK_U64(last->wk.rows, DIM / 2);
}

static void what_the_header_leaves_out_is_that_of_the_format(void) {
    File file = make_file(VOCAB);
    CHECK(load(&file, SHARED_VALUES));
    CHECK(model.config.rope_base == 10000 && model.config.rms_epsilon == 1e-5F && model.config.rope_scale == 1);
    CHECK(model.config.rope_pairing == ROPE_ADJACENT && model.config.rope_dims == DIM / HEADS);
}

static void header_values_no_model_has(void) {
    static const struct {
        u32 field;
        i32 value;
        const char *what;
    } ROWS[] = {
        {0, 0, "0 values"},
        {0, -8, "-8 values"},
        {1, 0, "hidden length"},
        {1, -1, "hidden length"},
        {2, 0, "layers"},
        {2, INT32_MAX, "layers"},
        {3, 0, "0 heads"},
        {3, -2, "-2 heads"},
        {3, 3, "3 heads"},
        {3, 8, "even number"},
        {4, 0, "key-value heads"},
        {4, -1, "key-value heads"},
        {4, 3, "key-value heads"},
        {5, 0, "vocabulary"},
        {5, INT32_MIN, "vocabulary"},
        {5, INT32_MAX, "vocabulary"},
        {6, 0, "context"},
        {6, INT32_MAX, "context"},
        {0, INT32_MAX - 1, "length"},
    };
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        File file = make_file(VOCAB);
        file.header[ROWS[i].field] = ROWS[i].value;
        refuse(&file, SHARED_VALUES, ERROR_CORRUPT, ROWS[i].what);
    }
}

static void the_size_is_exactly_that_of_the_header(void) {
    File file = make_file(VOCAB);
    refuse(&file, SHARED_VALUES - 1, ERROR_TRUNCATED, "bytes");
    refuse(&file, SHARED_VALUES + 1, ERROR_CORRUPT, "bytes");
    file = make_file(-VOCAB);
    refuse(&file, SHARED_VALUES, ERROR_TRUNCATED, "bytes");
    file.header[2] = 1000; /* many layers, in a file of few bytes */
    refuse(&file, UNSHARED_VALUES, ERROR_TRUNCATED, "bytes");
}

static void later_versions_are_recognised_and_refused(void) {
    File file = make_file(VOCAB);
    memcpy(file.header, "24ka", 4);
    for (i32 version = 1; version <= 2; version++) {
        file.header[1] = version;
        refuse(&file, SHARED_VALUES, ERROR_UNSUPPORTED, version == 1 ? "version 1" : "version 2");
    }
}

static void a_file_cut_at_any_byte_is_refused(void) {
    File file = make_file(VOCAB);
    usize whole = LLAMA2C_HEADER_BYTES + SHARED_VALUES * sizeof(f32);
    start_afresh();
    for (usize len = 0; len < whole; len++) {
        ArenaMark mark = arena_mark(&arena);
        char *copy = arena_alloc(&arena, len, 1, 64);
        memcpy(copy, &file, len);
        CHECK(!model_from_bytes((Str){copy, len}, STR("m.bin"), &arena, &model, &error));
        CHECK_ERROR(error, ERROR_TRUNCATED);
        arena_release(&arena, mark);
    }
}

static const TestCase CASES[] = {
    TEST(a_positive_vocabulary_shares_the_classifier),
    TEST(a_negative_vocabulary_has_one_of_its_own_after_the_rope_tables),
    TEST(arrays_follow_each_other_kind_by_kind),
    TEST(what_the_header_leaves_out_is_that_of_the_format),
    TEST(header_values_no_model_has),
    TEST(the_size_is_exactly_that_of_the_header),
    TEST(later_versions_are_recognised_and_refused),
    TEST(a_file_cut_at_any_byte_is_refused),
};

int main(int argc, char **argv) {
    int status = test_main(argc, argv, CASES, COUNT_OF(CASES));
    arena_free(&arena);
    return status;
}
