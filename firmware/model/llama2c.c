#include "firmware/model/llama2c.h"

#include "firmware/base/mem.h"

/* Neither is in the file: every llama2.c model was trained with these. */
static const f32 RMS_EPSILON = 1e-5F;
static const f64 ROPE_BASE = 10000.0;

typedef struct Header {
    i32 dim, hidden, layers, heads, kv_heads, vocab, context;
} Header;

static bool read_header(Str bytes, Header *header, Error *error) {
    if (bytes.len < LLAMA2C_HEADER_BYTES) {
        return fail(error, ERROR_TRUNCATED, "a llama2.c model has a header of %d bytes, the file has only %zu",
                    LLAMA2C_HEADER_BYTES, bytes.len);
    }
    memcpy(header, bytes.data, LLAMA2C_HEADER_BYTES);
    if (!str_starts_with(bytes, STR("24ka"))) return true; /* the number 0x616b3432, "ak42", in little-endian */
    return fail(error, ERROR_UNSUPPORTED,
                "this is a llama2.c export of version %u; export the model again with --version 0",
                (u32)header->hidden);
}

/** A negative number becomes one over every limit, so that the checks refuse it. */
static u32 size_of_field(i32 field) { return field < 0 ? UINT32_MAX : (u32)field; }

static bool config_from_header(const Header *h, ModelConfig *config, Error *error) {
    if (h->heads < 1 || h->dim < 1 || h->dim % h->heads != 0) {
        return fail(error, ERROR_CORRUPT,
                    "the header says %d heads over an embedding of %d values, so this is no llama2.c model", h->heads,
                    h->dim);
    }
    *config = (ModelConfig){
        .layers = size_of_field(h->layers),
        .dim = size_of_field(h->dim),
        .hidden = size_of_field(h->hidden),
        .heads = size_of_field(h->heads),
        .kv_heads = size_of_field(h->kv_heads),
        .head_dim = (u32)(h->dim / h->heads),
        .vocab = h->vocab < 0 ? 0U - (u32)h->vocab : (u32)h->vocab,
        .context = size_of_field(h->context),
        .rms_epsilon = RMS_EPSILON,
        .rope_base = ROPE_BASE,
        .rope_scale = 1,
        .rope_dims = (u32)(h->dim / h->heads),
        .rope_pairing = ROPE_ADJACENT,
    };
    return model_config_check(config, error);
}

static u64 layer_parameters(const ModelConfig *c) {
    u64 query = (u64)c->heads * c->head_dim, key = (u64)c->kv_heads * c->head_dim;
    return 2 * (u64)c->dim + 2 * (query + key) * c->dim + 3 * (u64)c->hidden * c->dim;
}

/** cos and sin of every position and pair of the context: stored in the file, computed by us. */
static u64 rope_table_values(const ModelConfig *c) { return (u64)c->context * c->head_dim; }

static u64 parameters(const Model *model) {
    const ModelConfig *c = &model->config;
    u64 embeddings = (u64)c->vocab * c->dim * (model->tied_output ? 1 : 2);
    return embeddings + c->layers * layer_parameters(c) + c->dim;
}

bool llama2c_describe(Str bytes, u64 file_size, Model *model, Error *error) {
    Header header;
    *model = (Model){.format = MODEL_LLAMA2C, .architecture = STR("llama2.c"), .dominant_type = TENSOR_F32};
    if (!read_header(bytes, &header, error) || !config_from_header(&header, &model->config, error)) return false;
    model->tied_output = header.vocab > 0; /* a negative vocabulary marks a classifier of its own */
    model->file_size = file_size;
    model->parameters = parameters(model);
    u64 expected = LLAMA2C_HEADER_BYTES + (model->parameters + rope_table_values(&model->config)) * sizeof(f32);
    if (file_size == expected) return true;
    return fail(error, file_size < expected ? ERROR_TRUNCATED : ERROR_CORRUPT,
                "the header describes a llama2.c model of %zu bytes, the file has %zu; copy or export it again",
                (usize)expected, (usize)file_size);
}

/** Hands out the file's arrays in order. */
typedef struct Cursor {
    const f32 *at;
} Cursor;

static const f32 *next_array(Cursor *cursor, u64 values) {
    const f32 *array = cursor->at;
    cursor->at += values;
    return array;
}

static Tensor next_matrix(Cursor *cursor, u32 rows, u32 cols) {
    return (Tensor){TENSOR_F32, rows, cols, (const u8 *)next_array(cursor, (u64)rows * cols)};
}

/** In the file one kind of matrix follows for all layers, then the next kind. */
static void bind_attention(Cursor *cursor, const ModelConfig *c, LayerWeights *layers) {
    u32 query = c->heads * c->head_dim, key = c->kv_heads * c->head_dim;
    for (u32 i = 0; i < c->layers; i++) layers[i].attention_norm = next_array(cursor, c->dim);
    for (u32 i = 0; i < c->layers; i++) layers[i].wq = next_matrix(cursor, query, c->dim);
    for (u32 i = 0; i < c->layers; i++) layers[i].wk = next_matrix(cursor, key, c->dim);
    for (u32 i = 0; i < c->layers; i++) layers[i].wv = next_matrix(cursor, key, c->dim);
    for (u32 i = 0; i < c->layers; i++) layers[i].wo = next_matrix(cursor, c->dim, query);
}

static void bind_feed_forward(Cursor *cursor, const ModelConfig *c, LayerWeights *layers) {
    for (u32 i = 0; i < c->layers; i++) layers[i].ffn_norm = next_array(cursor, c->dim);
    for (u32 i = 0; i < c->layers; i++) layers[i].gate = next_matrix(cursor, c->hidden, c->dim);
    for (u32 i = 0; i < c->layers; i++) layers[i].down = next_matrix(cursor, c->dim, c->hidden);
    for (u32 i = 0; i < c->layers; i++) layers[i].up = next_matrix(cursor, c->hidden, c->dim);
}

bool llama2c_bind(Str bytes, Arena *arena, Model *model, Error *error) {
    const ModelConfig *c = &model->config;
    Cursor cursor = {(const f32 *)(const void *)(bytes.data + LLAMA2C_HEADER_BYTES)};
    model->layers = ARENA_NEW(arena, LayerWeights, c->layers);
    if (!model->layers) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for the table of %u layers", c->layers);
    model->embedding = next_matrix(&cursor, c->vocab, c->dim);
    bind_attention(&cursor, c, model->layers);
    bind_feed_forward(&cursor, c, model->layers);
    model->final_norm = next_array(&cursor, c->dim);
    next_array(&cursor, rope_table_values(c));
    model->output = model->tied_output ? model->embedding : next_matrix(&cursor, c->vocab, c->dim);
    return true;
}
