#include "firmware/model/model.h"

#include "firmware/testing/check.h"
#include "firmware/testing/gguf_draft.h"

static Arena arena;
static Model model;
static Error error;

static void start_afresh(void) {
    arena_free(&arena);
    arena = arena_new(test_pages(), 0);
    error = (Error){0};
}

static bool load_draft(const GgufDraft *draft) {
    start_afresh();
    return model_from_bytes(draft_write(draft, &arena), STR("models/m.gguf"), &arena, &model, &error);
}

/** The draft is refused with `code`; the message names the file and `what`; the arena is where it was. */
static void refuse(const GgufDraft *draft, ErrorCode code, const char *what) {
    start_afresh();
    Str bytes = draft_write(draft, &arena);
    usize before = arena.allocated;
    CHECK_MSG(!model_from_bytes(bytes, STR("models/m.gguf"), &arena, &model, &error),
              "accepted, expected an error about %s", what);
    CHECK_ERROR(error, code);
    CHECK_MSG(strstr(error.message, what) != NULL, "\"%s\" does not name \"%s\"", error.message, what);
    CHECK_MSG(strstr(error.message, "models/m.gguf: ") == error.message, "\"%s\"", error.message);
    CHECK_U64(arena.allocated, before);
}

static void a_llama_file_has_its_configuration_and_weights(void) {
    GgufDraft draft = draft_model("llama");
    CHECK_MSG(load_draft(&draft), "%s", error.message);
    const ModelConfig *c = &model.config;
    CHECK(c->layers == 1 && c->dim == 8 && c->hidden == 16 && c->heads == 2 && c->kv_heads == 1 && c->head_dim == 4);
    CHECK(c->vocab == 5 && c->context == 32 && c->rope_dims == 4 && c->rope_pairing == ROPE_ADJACENT);
    CHECK(c->rope_base == 10000 && c->rope_scale == 1 && c->rope_factors == NULL && c->rms_epsilon == 1e-5F);
    CHECK(model.tied_output && model.output.data == model.embedding.data);
    CHECK_STR(model.name, STR("Draft"));
    CHECK_STR(model.architecture, STR("llama"));
    CHECK_U64(model.dominant_type, TENSOR_F32);
    CHECK_U64(model.parameters, 5 * 8 + 8 + 2 * 8 + 2 * 64 + 2 * 32 + 3 * 128);
    CHECK(model.layers[0].bias_q == NULL);
    CHECK(model.layers[0].attention_norm[1] == 1 / 16.0F - 0.5F);
    CHECK_U64(model.layers[0].down.rows, 8);
    CHECK_U64(model.layers[0].down.cols, 16);
}

static void qwen2_rotates_halves_and_needs_its_biases(void) {
    GgufDraft draft = draft_model("qwen2");
    CHECK_MSG(load_draft(&draft), "%s", error.message);
    CHECK_U64(model.config.rope_pairing, ROPE_HALVES);
    CHECK(model.layers[0].bias_q && model.layers[0].bias_k && model.layers[0].bias_v[0] == -0.5F);
    draft_remove_tensor(&draft, "blk.0.attn_k.bias");
    refuse(&draft, ERROR_CORRUPT, "\"blk.0.attn_k.bias\" is missing");
}

static void an_output_of_its_own_is_not_tied(void) {
    GgufDraft draft = draft_model("llama");
    draft_tensor(&draft, "output.weight", TENSOR_F32, 8, 5);
    CHECK_MSG(load_draft(&draft), "%s", error.message);
    CHECK(!model.tied_output && model.output.data != model.embedding.data);
    draft_tensor(&draft, "output.weight", TENSOR_F32, 8, 6);
    refuse(&draft, ERROR_CORRUPT, "\"output.weight\" has shape [8, 6, 1, 1], the configuration needs [8, 5]");
}

static void norms_that_are_halves_become_floats(void) {
    GgufDraft draft = draft_model("llama");
    draft_tensor(&draft, "output_norm.weight", TENSOR_F16, 8, 0);
    draft_tensor(&draft, "blk.0.ffn_norm.weight", TENSOR_BF16, 8, 0);
    CHECK_MSG(load_draft(&draft), "%s", error.message);
    CHECK(model.final_norm[0] == 0 && model.final_norm[1] == -1.75F); /* the bytes of -0.5F, two by two */
    CHECK(model.layers[0].ffn_norm[0] == 0 && model.layers[0].ffn_norm[1] == -0.5F);
}

static void rotary_keys_are_read(void) {
    GgufDraft draft = draft_model("llama");
    draft_set_f32(&draft, "llama.rope.freq_base", 500000);
    draft_set_u32(&draft, "llama.rope.dimension_count", 2);
    draft_set_str(&draft, "llama.rope.scaling.type", "linear");
    draft_set_f32(&draft, "llama.rope.scaling.factor", 4);
    draft_tensor(&draft, "rope_freqs.weight", TENSOR_F32, 1, 0);
    CHECK_MSG(load_draft(&draft), "%s", error.message);
    CHECK(model.config.rope_base == 500000 && model.config.rope_dims == 2 && model.config.rope_scale == 4);
    CHECK(model.config.rope_factors[0] == -0.5F);
}

static void scaling_by_its_older_key_and_switched_off(void) {
    GgufDraft draft = draft_model("llama");
    draft_set_f32(&draft, "llama.rope.scale_linear", 2);
    CHECK(load_draft(&draft) && model.config.rope_scale == 2);
    draft_set_f32(&draft, "llama.rope.scale_linear", 0);
    CHECK(load_draft(&draft) && model.config.rope_scale == 1);
    draft_set_f32(&draft, "llama.rope.scaling.factor", 8);
    draft_set_str(&draft, "llama.rope.scaling.type", "none");
    CHECK(load_draft(&draft) && model.config.rope_scale == 1);
}

static void what_is_not_implemented_is_refused_by_name(void) {
    GgufDraft draft = draft_model("mamba");
    refuse(&draft, ERROR_UNSUPPORTED, "architecture \"mamba\"");
    draft = draft_model("two\nlines");
    refuse(&draft, ERROR_CORRUPT, "control characters");
    draft = draft_model("llama");
    draft_set_str(&draft, "general.architecture", "two\nlines");
    refuse(&draft, ERROR_UNSUPPORTED, "two?lines");
    draft = draft_model("llama");
    draft_set_str(&draft, "llama.rope.scaling.type", "yarn");
    refuse(&draft, ERROR_UNSUPPORTED, "rotary scaling \"yarn\"");
    draft_set_str(&draft, "llama.rope.scaling.type", "longrope");
    refuse(&draft, ERROR_UNSUPPORTED, "longrope");
    draft = draft_model("llama");
    draft_set_u32(&draft, "llama.expert_count", 8);
    refuse(&draft, ERROR_UNSUPPORTED, "mixture of 8 experts");
    draft = draft_model("llama");
    draft_set_u32(&draft, "llama.attention.value_length", 8);
    refuse(&draft, ERROR_UNSUPPORTED, "values of length 8");
    draft = draft_model("llama");
    draft_tensor(&draft, "blk.0.attn_q_norm.weight", TENSOR_F32, 4, 0);
    refuse(&draft, ERROR_UNSUPPORTED, "blk.0.attn_q_norm.weight");
}

static void keys_that_are_missing_or_of_another_kind(void) {
    static const char *const REQUIRED[] = {
        "general.architecture",      "llama.block_count",          "llama.embedding_length",
        "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon",
        "llama.context_length",
    };
    for (usize i = 0; i < COUNT_OF(REQUIRED); i++) {
        GgufDraft draft = draft_model("llama");
        draft_remove(&draft, REQUIRED[i]);
        refuse(&draft, ERROR_CORRUPT, REQUIRED[i]);
    }
    GgufDraft draft = draft_model("llama");
    draft_set_str(&draft, "llama.block_count", "one");
    refuse(&draft, ERROR_UNSUPPORTED, "llama.block_count");
    draft = draft_model("llama");
    draft_set(&draft, "llama.block_count", GGUF_U64, &(u64){1ULL << 32 | 1}, 8);
    refuse(&draft, ERROR_UNSUPPORTED, "llama.block_count");
    draft = draft_model("llama");
    draft_set_u32(&draft, "llama.rope.freq_base", 10000);
    refuse(&draft, ERROR_CORRUPT, "llama.rope.freq_base");
}

static void values_no_model_has(void) {
    static const struct {
        const char *key;
        u32 value;
        const char *what;
    } ROWS[] = {
        {"llama.block_count", 0, "layers"},
        {"llama.block_count", 100000, "layers"},
        {"llama.embedding_length", 0, "embedding length"},
        {"llama.embedding_length", UINT32_MAX, "embedding length"},
        {"llama.feed_forward_length", 0, "hidden length"},
        {"llama.context_length", 0, "context"},
        {"llama.attention.head_count", 0, "head_count is 0"},
        {"llama.attention.head_count", UINT32_MAX, "heads"},
        {"llama.attention.head_count_kv", 0, "key-value heads"},
        {"llama.attention.head_count_kv", 3, "key-value heads"},
        {"llama.rope.dimension_count", 0, "even number"},
        {"llama.rope.dimension_count", 3, "even number"},
        {"llama.rope.dimension_count", 6, "even number"},
    };
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        GgufDraft draft = draft_model("llama");
        draft_set_u32(&draft, ROWS[i].key, ROWS[i].value);
        refuse(&draft, ERROR_CORRUPT, ROWS[i].what);
    }
}

static void numbers_that_would_poison_every_result(void) {
    static const struct {
        const char *key;
        f32 value;
        const char *what;
    } ROWS[] = {
        {"llama.rope.freq_base", 0, "base"},
        {"llama.rope.freq_base", __builtin_nanf(""), "base"},
        {"llama.rope.scaling.factor", -1, "scaling factor"},
        {"llama.rope.scaling.factor", __builtin_inff(), "scaling factor"},
        {"llama.attention.layer_norm_rms_epsilon", -1, "epsilon"},
        {"llama.attention.layer_norm_rms_epsilon", __builtin_nanf(""), "epsilon"},
    };
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        GgufDraft draft = draft_model("llama");
        draft_set_f32(&draft, ROWS[i].key, ROWS[i].value);
        refuse(&draft, ERROR_CORRUPT, ROWS[i].what);
    }
}

static void every_tensor_is_needed_and_has_the_shape_of_the_configuration(void) {
    GgufDraft whole = draft_model("llama");
    for (usize i = 0; i < whole.tensor_count; i++) {
        const char *name = whole.tensors[i].name;
        GgufDraft draft = whole;
        draft_remove_tensor(&draft, name);
        refuse(&draft, ERROR_CORRUPT, name);
        bool is_embedding = strcmp(name, "token_embd.weight") == 0; /* whose rows are the vocabulary */
        draft = whole;
        draft_tensor(&draft, name, TENSOR_F32, is_embedding ? 16 : whole.tensors[i].extent[0], 3);
        refuse(&draft, ERROR_CORRUPT, name);
    }
}

static void a_file_that_is_no_model_says_so(void) {
    start_afresh();
    CHECK(!model_from_bytes(STR("This is a text file of some length.\n"), STR("a.txt"), &arena, &model, &error));
    CHECK_MSG(strstr(error.message, "no llama2.c model"), "%s", error.message);
    CHECK(!model_from_bytes(STR("This is a text file of some length.\n"), STR("A.GGUF"), &arena, &model, &error));
    CHECK_MSG(strstr(error.message, "no GGUF model"), "%s", error.message);
}

/* A platform of one file in memory. */

typedef struct Disk {
    Str content;
    u64 claimed_size;
    u32 opens, closes, reads;
    usize longest_read;
    bool fails;
} Disk;

static bool disk_open(void *context, Str path, File **file, u64 *size, Error *problem) {
    Disk *disk = context;
    if (!str_eq(path, STR("m.gguf"))) return fail(problem, ERROR_NOT_FOUND, "%.*s: not found", STR_ARG(path));
    disk->opens++;
    *file = (File *)disk;
    *size = disk->claimed_size ? disk->claimed_size : disk->content.len;
    return true;
}

static bool disk_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *problem) {
    Disk *disk = context;
    CHECK((File *)disk == file && offset + bytes <= disk->content.len);
    if (disk->fails) return fail(problem, ERROR_IO, "the device reported an error at byte %zu", (usize)offset);
    disk->reads++;
    disk->longest_read = max_usize(disk->longest_read, bytes);
    memcpy(to, disk->content.data + offset, bytes);
    return true;
}

static void disk_close(void *context, File *file) {
    CHECK(file == context);
    ((Disk *)context)->closes++;
}

static u64 ten_mebibytes(void *context) {
    (void)context;
    return 10 << 20;
}

static void *small_alloc(void *context, usize bytes) {
    return bytes > 1 << 30 ? NULL : test_pages().alloc(context, bytes);
}

static Platform platform_of(Disk *disk) {
    PageSource pages = test_pages();
    pages.alloc = small_alloc;
    arena_free(&arena);
    arena = arena_new(pages, 0);
    return (Platform){.context = disk,
                      .memory_free = ten_mebibytes,
                      .file_open = disk_open,
                      .file_read = disk_read,
                      .file_close = disk_close};
}

static void count_call(void *argument, u64 done, u64 total) {
    u32 *calls = argument;
    CHECK(done <= total);
    ++*calls;
}

static Str file_of(const GgufDraft *draft, Arena *keeper) {
    *keeper = arena_new(test_pages(), 0);
    return draft_write(draft, keeper);
}

static void a_load_opens_once_and_reports_progress(void) {
    Arena keeper;
    GgufDraft draft = draft_model("llama");
    Disk disk = {.content = file_of(&draft, &keeper)};
    Platform platform = platform_of(&disk);
    u32 calls = 0;
    CHECK_MSG(model_load(&platform, STR("m.gguf"), &arena, count_call, &calls, &model, &error), "%s", error.message);
    CHECK(disk.opens == 1 && disk.closes == 1 && disk.reads == 1 && calls == 1 && model.reads == 1);
    CHECK_U64((usize)model.bytes.data % 64, 0);
    CHECK_U64(model.file_size, disk.content.len);
    arena_free(&keeper);
}

static void large_files_are_read_in_large_pieces(void) {
    enum { SIZE = 70 << 20 };
    Disk disk = {.content = {calloc(1, SIZE), SIZE}};
    Platform platform = platform_of(&disk);
    u32 calls = 0;
    CHECK(!model_load(&platform, STR("m.gguf"), &arena, count_call, &calls, &model, &error));
    CHECK_ERROR(error, ERROR_CORRUPT);
    CHECK(disk.reads == 3 && calls == 3 && disk.longest_read >= 16 << 20);
    CHECK_U64(arena.allocated, 0);
    free((char *)disk.content.data);
}

static void a_model_larger_than_memory_says_how_much_it_needs(void) {
    Disk disk = {.claimed_size = 5ULL << 30};
    Platform platform = platform_of(&disk);
    CHECK(!model_load(&platform, STR("m.gguf"), &arena, NULL, NULL, &model, &error));
    CHECK_ERROR(error, ERROR_OUT_OF_MEMORY);
    CHECK_MSG(strstr(error.message, "m.gguf: needs 5121 MiB") && strstr(error.message, "10 MiB are free"), "%s",
              error.message);
    CHECK(disk.closes == 1 && arena.allocated == 0);
    disk.claimed_size = UINT64_MAX;
    CHECK(!model_load(&platform, STR("m.gguf"), &arena, NULL, NULL, &model, &error));
    CHECK_ERROR(error, ERROR_OUT_OF_MEMORY);
}

static void a_device_error_or_missing_file_is_passed_on(void) {
    Arena keeper;
    GgufDraft draft = draft_model("llama");
    Disk disk = {.content = file_of(&draft, &keeper), .fails = true};
    Platform platform = platform_of(&disk);
    CHECK(!model_load(&platform, STR("m.gguf"), &arena, NULL, NULL, &model, &error));
    CHECK_ERROR(error, ERROR_IO);
    CHECK(strstr(error.message, "m.gguf: the device") == error.message);
    CHECK(disk.closes == 1 && arena.allocated == 0);
    CHECK(!model_load(&platform, STR("n.gguf"), &arena, NULL, NULL, &model, &error));
    CHECK_ERROR(error, ERROR_NOT_FOUND);
    arena_free(&keeper);
}

static void inspecting_reads_the_head_only(void) {
    Arena keeper;
    GgufDraft draft = draft_model("qwen2");
    Disk disk = {.content = file_of(&draft, &keeper)};
    Platform platform = platform_of(&disk);
    CHECK_MSG(model_inspect(&platform, STR("m.gguf"), &arena, &model, &error), "%s", error.message);
    CHECK_STR(model.architecture, STR("qwen2"));
    CHECK_U64(model.config.vocab, 5);
    CHECK(model.layers == NULL && model.embedding.data == NULL);
    CHECK(disk.closes == 1 && model.reads == 1);
    arena_free(&keeper);
}

static void inspecting_a_cut_file_ends(void) {
    Arena keeper;
    GgufDraft draft = draft_model("llama");
    Disk disk = {.content = file_of(&draft, &keeper)};
    disk.content.len = 200;
    Platform platform = platform_of(&disk);
    CHECK(!model_inspect(&platform, STR("m.gguf"), &arena, &model, &error));
    CHECK_ERROR(error, ERROR_TRUNCATED);
    CHECK(strstr(error.message, "m.gguf: ") == error.message);
    CHECK(disk.closes == 1 && arena.allocated == 0);
    arena_free(&keeper);
}

static void a_longer_head_is_fetched_when_the_first_piece_ends_inside_it(void) {
    enum { SIZE = 3 << 20 };
    Disk disk = {.content = {calloc(1, SIZE), SIZE}};
    char *file = (char *)disk.content.data;
    memcpy(file, "GGUF\3\0\0\0", 8);
    memcpy(file + 16, "\1", 1);                                           /* one key, */
    memcpy(file + 24, "\1\0\0\0\0\0\0\0k\x08\0\0\0\0\0\x20\0\0\0\0", 21); /* a string of 2 MiB */
    Platform platform = platform_of(&disk);
    CHECK(!model_inspect(&platform, STR("m.gguf"), &arena, &model, &error));
    CHECK_MSG(strstr(error.message, "general.architecture is missing"), "%s", error.message);
    CHECK_U64(disk.reads, 2);
    free(file);
}

/** Pages that run out after a number of allocations. */
static void *counted_alloc(void *context, usize bytes) {
    u32 *left = context;
    if (*left == 0) return NULL;
    --*left;
    return test_pages().alloc(NULL, bytes);
}

static void memory_that_runs_out_anywhere_is_an_error(void) {
    Arena keeper;
    GgufDraft draft = draft_model("qwen2");
    draft_remove(&draft, "general.name");
    draft_tensor(&draft, "output_norm.weight", TENSOR_F16, 8, 0);
    Str bytes = file_of(&draft, &keeper);
    for (u32 allowed = 0;; allowed++) {
        u32 left = allowed;
        PageSource pages = test_pages();
        pages.alloc = counted_alloc;
        pages.context = &left;
        Arena small = arena_new(pages, 0);
        bool loaded = model_from_bytes(bytes, STR("m.gguf"), &small, &model, &error);
        CHECK_U64(loaded ? allowed : small.allocated, loaded ? 6 : 0); /* tables, name, marks, norm, layers */
        if (!loaded) CHECK_ERROR(error, ERROR_OUT_OF_MEMORY);
        arena_free(&small);
        if (loaded) break;
    }
    arena_free(&keeper);
}

static const TestCase CASES[] = {
    TEST(a_llama_file_has_its_configuration_and_weights),
    TEST(qwen2_rotates_halves_and_needs_its_biases),
    TEST(an_output_of_its_own_is_not_tied),
    TEST(norms_that_are_halves_become_floats),
    TEST(rotary_keys_are_read),
    TEST(scaling_by_its_older_key_and_switched_off),
    TEST(what_is_not_implemented_is_refused_by_name),
    TEST(keys_that_are_missing_or_of_another_kind),
    TEST(values_no_model_has),
    TEST(numbers_that_would_poison_every_result),
    TEST(every_tensor_is_needed_and_has_the_shape_of_the_configuration),
    TEST(a_file_that_is_no_model_says_so),
    TEST(a_load_opens_once_and_reports_progress),
    TEST(large_files_are_read_in_large_pieces),
    TEST(a_model_larger_than_memory_says_how_much_it_needs),
    TEST(a_device_error_or_missing_file_is_passed_on),
    TEST(inspecting_reads_the_head_only),
    TEST(inspecting_a_cut_file_ends),
    TEST(a_longer_head_is_fetched_when_the_first_piece_ends_inside_it),
    TEST(memory_that_runs_out_anywhere_is_an_error),
};

int main(int argc, char **argv) {
    int status = test_main(argc, argv, CASES, COUNT_OF(CASES));
    arena_free(&arena);
    return status;
}
