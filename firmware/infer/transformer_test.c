/* Small models from a seed, against a plain double-precision transformer written from the papers. */
#include "firmware/infer/transformer.h"

#include <math.h>

#include "firmware/testing/seeded_tensor.h"

enum { LAYERS = 3, DIM = 64, HIDDEN = 96, VOCAB = 50, CONTEXT = 160 };

static Arena arena;
static u64 seed;

static Tensor matrix(u32 rows, u32 cols, TensorType type) {
    u8 *data = arena_alloc(&arena, rows, tensor_row_bytes(type, cols), 32);
    return test_tensor(&seed, type, rows, cols, data);
}

static const f32 *vector(u32 n, f32 center) {
    f32 *x = ARENA_NEW(&arena, f32, n);
    test_fill(&seed, 0.5f, x, n);
    for (u32 i = 0; i < n; i++) x[i] += center;
    return x;
}

static LayerWeights new_layer(const ModelConfig *c, TensorType type, bool biases) {
    u32 q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    LayerWeights w = {.attention_norm = vector(DIM, 1), .ffn_norm = vector(DIM, 1)};
    w.wq = matrix(q, DIM, type), w.wk = matrix(kv, DIM, type), w.wv = matrix(kv, DIM, type),
    w.wo = matrix(DIM, q, type);
    w.gate = matrix(HIDDEN, DIM, type), w.up = matrix(HIDDEN, DIM, type), w.down = matrix(DIM, HIDDEN, type);
    if (biases) w.bias_q = vector(q, 0), w.bias_k = vector(kv, 0), w.bias_v = vector(kv, 0);
    return w;
}

/** `kv_heads`, `rope_dims` and `pairing` of `shape` are taken over; heads of 16 values. */
static Model new_model(ModelConfig shape, TensorType type, bool biases) {
    arena = arena_new(test_pages(), 0);
    seed = 7;
    Model m = {.config = shape};
    ModelConfig *c = &m.config;
    c->layers = LAYERS, c->dim = DIM, c->hidden = HIDDEN, c->heads = 4, c->head_dim = 16, c->vocab = VOCAB;
    c->context = CONTEXT, c->rms_epsilon = 1e-5f;
    m.embedding = matrix(VOCAB, DIM, TENSOR_F32);
    m.output = matrix(VOCAB, DIM, type);
    m.final_norm = vector(DIM, 1);
    m.layers = ARENA_NEW(&arena, LayerWeights, LAYERS);
    for (u32 i = 0; i < LAYERS; i++) m.layers[i] = new_layer(c, type, biases);
    return m;
}

/* The reference: whole sequence, one layer after another, nothing cached. */

static void multiply(const Tensor *w, const f64 *x, const f32 *bias, f64 *y) {
    f32 row[HIDDEN];
    for (u32 r = 0; r < w->rows; r++) {
        tensor_type_info(w->type)->dequantize(w->data + r * tensor_row_bytes(w->type, w->cols), row, w->cols);
        y[r] = bias ? bias[r] : 0;
        for (u32 c = 0; c < w->cols; c++) y[r] += row[c] * x[c];
    }
}

static void normalize(const f64 *x, const f32 *weight, f64 *out) {
    f64 squares = 0;
    for (u32 i = 0; i < DIM; i++) squares += x[i] * x[i];
    for (u32 i = 0; i < DIM; i++) out[i] = x[i] / sqrt(squares / DIM + 1e-5f) * weight[i];
}

static void rotate(const ModelConfig *c, f64 *head, u32 position) {
    u32 pairs = c->rope_dims / 2;
    for (u32 p = 0; p < pairs; p++) {
        u32 a = c->rope_pairing == ROPE_ADJACENT ? 2 * p : p, b = c->rope_pairing == ROPE_ADJACENT ? a + 1 : p + pairs;
        f64 angle = position / c->rope_scale * pow(c->rope_base, -2.0 * p / c->rope_dims);
        if (c->rope_factors) angle /= c->rope_factors[p];
        f64 x = head[a], y = head[b];
        head[a] = x * cos(angle) - y * sin(angle);
        head[b] = x * sin(angle) + y * cos(angle);
    }
}

typedef struct Sequence {
    f64 x[CONTEXT][DIM], q[CONTEXT][DIM], k[CONTEXT][DIM], v[CONTEXT][DIM];
} Sequence;

static void attend(const ModelConfig *c, const Sequence *s, u32 token, u32 head, f64 *out) {
    f64 scores[CONTEXT], sum = 0;
    u32 kv = head / (c->heads / c->kv_heads) * c->head_dim, q = head * c->head_dim;
    for (u32 i = 0; i <= token; i++) {
        scores[i] = 0;
        for (u32 d = 0; d < c->head_dim; d++) scores[i] += s->q[token][q + d] * s->k[i][kv + d];
        scores[i] = exp(scores[i] / sqrt(c->head_dim));
        sum += scores[i];
    }
    for (u32 d = 0; d < c->head_dim; d++) {
        out[d] = 0;
        for (u32 i = 0; i <= token; i++) out[d] += scores[i] / sum * s->v[i][kv + d];
    }
}

static void reference_attention(const Model *m, const LayerWeights *w, Sequence *s, u32 count) {
    const ModelConfig *c = &m->config;
    f64 normed[DIM], attended[DIM], added[DIM];
    for (u32 i = 0; i < count; i++) {
        normalize(s->x[i], w->attention_norm, normed);
        multiply(&w->wq, normed, w->bias_q, s->q[i]);
        multiply(&w->wk, normed, w->bias_k, s->k[i]);
        multiply(&w->wv, normed, w->bias_v, s->v[i]);
        for (u32 h = 0; h < c->heads; h++) rotate(c, s->q[i] + h * c->head_dim, i);
        for (u32 h = 0; h < c->kv_heads; h++) rotate(c, s->k[i] + h * c->head_dim, i);
    }
    for (u32 i = 0; i < count; i++) {
        for (u32 h = 0; h < c->heads; h++) attend(c, s, i, h, attended + h * c->head_dim);
        multiply(&w->wo, attended, NULL, added);
        for (u32 d = 0; d < DIM; d++) s->x[i][d] += added[d];
    }
}

static void reference_feed_forward(const LayerWeights *w, Sequence *s, u32 count) {
    f64 normed[DIM], gate[HIDDEN], up[HIDDEN], added[DIM];
    for (u32 i = 0; i < count; i++) {
        normalize(s->x[i], w->ffn_norm, normed);
        multiply(&w->gate, normed, NULL, gate);
        multiply(&w->up, normed, NULL, up);
        for (u32 d = 0; d < HIDDEN; d++) gate[d] = gate[d] / (1 + exp(-gate[d])) * up[d];
        multiply(&w->down, gate, NULL, added);
        for (u32 d = 0; d < DIM; d++) s->x[i][d] += added[d];
    }
}

/** Logits after each of `count` tokens. */
static void reference(const Model *m, const u32 *tokens, u32 count, f64 (*logits)[VOCAB]) {
    Sequence *s = calloc(1, sizeof *s);
    const f32 *embedding = (const f32 *)(const void *)m->embedding.data;
    for (u32 i = 0; i < count; i++)
        for (u32 d = 0; d < DIM; d++) s->x[i][d] = embedding[tokens[i] * DIM + d];
    for (u32 layer = 0; layer < LAYERS; layer++) {
        reference_attention(m, &m->layers[layer], s, count);
        reference_feed_forward(&m->layers[layer], s, count);
    }
    f64 normed[DIM];
    for (u32 i = 0; i < count; i++) {
        normalize(s->x[i], m->final_norm, normed);
        multiply(&m->output, normed, NULL, logits[i]);
    }
    free(s);
}

typedef struct Comparison {
    f64 (*expected)[VOCAB];
    f64 tolerance; /* of the largest logit */
    u32 visited;
} Comparison;

static void compare(void *argument, u32 index, const f32 *logits) {
    Comparison *comparison = argument;
    const f64 *expected = comparison->expected[index];
    CHECK_U64(index, comparison->visited++);
    f64 largest = 0;
    for (u32 i = 0; i < VOCAB; i++) largest = fmax(largest, fabs(expected[i]));
    for (u32 i = 0; i < VOCAB; i++)
        CHECK_MSG(fabs(logits[i] - expected[i]) <= comparison->tolerance * largest,
                  "token %u logit %u: %g, expected %g", index, i, logits[i], expected[i]);
}

static void some_tokens(u32 *tokens, u32 count) {
    u64 token_seed = 3;
    for (u32 i = 0; i < count; i++) tokens[i] = test_random(&token_seed) % VOCAB;
}

static Transformer new_transformer(const Model *m, const char *set, u32 context) {
    Transformer t;
    Error error = {0};
    const Kernels *kernels = kernels_by_name(set);
    CHECK_MSG(transformer_new(m, kernels ? kernels : kernels_by_name("scalar"), context, &arena, &t, &error), "%s",
              error.message);
    return t;
}

static void check_against_reference(const Model *m, const char *set, f64 tolerance) {
    static f64 expected[CONTEXT][VOCAB];
    u32 tokens[CONTEXT];
    some_tokens(tokens, CONTEXT);
    Transformer t = new_transformer(m, set, CONTEXT);
    reference(m, tokens, CONTEXT, expected);
    Comparison comparison = {expected, tolerance, 0};
    Error error = {0};
    CHECK(transformer_forward_each(&t, tokens, CONTEXT, compare, &comparison, &error));
    CHECK_U64(comparison.visited, CONTEXT);
    CHECK_U64(t.position, CONTEXT);
    transformer_rewind(&t, 0);
    CHECK(transformer_forward(&t, tokens, 100, &error));
    comparison.visited = 99;
    compare(&comparison, 99, t.logits);
}

static const ModelConfig PLAIN = {
    .kv_heads = 2, .rope_base = 10000, .rope_scale = 1, .rope_dims = 16, .rope_pairing = ROPE_ADJACENT};

static void every_shape_agrees_with_the_reference(void) {
    static const f32 factors[8] = {1, 1, 1.5f, 2, 3, 5, 8, 8};
    ModelConfig shapes[] = {PLAIN, PLAIN, PLAIN, PLAIN};
    shapes[1].rope_pairing = ROPE_HALVES, shapes[1].kv_heads = 1, shapes[1].rope_base = 1e6;
    shapes[2].rope_scale = 4, shapes[2].kv_heads = 4, shapes[2].rope_factors = factors;
    shapes[3].rope_pairing = ROPE_HALVES, shapes[3].rope_dims = 8;
    for (usize i = 0; i < COUNT_OF(shapes); i++) {
        Model m = new_model(shapes[i], TENSOR_F32, i % 2);
        check_against_reference(&m, "scalar", 2e-5);
        check_against_reference(&m, "avx2", 2e-5);
        arena_free(&arena);
    }
}

static void quantised_models_agree_with_the_reference(void) {
    static const TensorType types[] = {TENSOR_F16,  TENSOR_BF16, TENSOR_Q4_0, TENSOR_Q4_1,
                                       TENSOR_Q5_0, TENSOR_Q5_1, TENSOR_Q8_0};
    for (usize i = 0; i < COUNT_OF(types); i++) {
        Model m = new_model(PLAIN, types[i], false);
        check_against_reference(&m, "scalar", 2e-5);
        check_against_reference(&m, "avx2", tensor_type_info(types[i])->block_values == 1 ? 2e-5 : 5e-4);
        arena_free(&arena);
    }
}

static void logits_do_not_depend_on_the_batches(void) {
    Model m = new_model(PLAIN, TENSOR_Q4_1, true);
    Error error = {0};
    u32 tokens[CONTEXT];
    some_tokens(tokens, CONTEXT);
    Transformer whole = new_transformer(&m, "avx2", CONTEXT), single = new_transformer(&m, "avx2", CONTEXT);
    CHECK(transformer_forward(&whole, tokens, CONTEXT, &error));
    for (u32 i = 0; i < CONTEXT; i++) CHECK(transformer_forward(&single, tokens + i, 1, &error));
    CHECK(memcmp(whole.logits, single.logits, VOCAB * sizeof(f32)) == 0);
    transformer_rewind(&whole, 90);
    CHECK_U64(whole.position, 90);
    CHECK(transformer_forward(&whole, tokens + 90, CONTEXT - 90, &error));
    CHECK(memcmp(whole.logits, single.logits, VOCAB * sizeof(f32)) == 0);
    transformer_rewind(&whole, CONTEXT + 1);
    CHECK_U64(whole.position, CONTEXT);
    arena_free(&arena);
}

static void tokens_that_cannot_be_run_change_nothing(void) {
    Model m = new_model(PLAIN, TENSOR_F32, false);
    Error error = {0};
    Transformer t = new_transformer(&m, "avx2", 8);
    u32 tokens[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    CHECK(transformer_forward(&t, tokens, 3, &error));
    f32 before = t.logits[0];
    CHECK(!transformer_forward(&t, tokens, 6, &error));
    CHECK_ERROR(error, ERROR_LIMIT);
    CHECK(!transformer_forward(&t, (u32[]){1, VOCAB}, 2, &error));
    CHECK_ERROR(error, ERROR_LIMIT);
    CHECK(strstr(error.message, "id 50") != NULL);
    CHECK(!transformer_forward_each(&t, tokens, 9, compare, NULL, &error));
    CHECK_ERROR(error, ERROR_LIMIT);
    CHECK(t.position == 3 && t.logits[0] == before);
    CHECK(transformer_forward(&t, tokens, 5, &error));
    arena_free(&arena);
}

/** A page source with room for `*left` bytes. */
static void *limited_alloc(void *left, usize bytes) {
    if (bytes > *(usize *)left) return NULL;
    *(usize *)left -= bytes;
    return test_pages().alloc(NULL, bytes);
}

static void limited_free(void *left, void *memory, usize bytes) {
    *(usize *)left += bytes;
    test_pages().free(NULL, memory, bytes);
}

static void memory_is_measured_before_it_is_needed(void) {
    Model m = new_model(PLAIN, TENSOR_F32, false);
    usize before = arena.allocated;
    (void)new_transformer(&m, "avx2", CONTEXT);
    u64 bytes = transformer_bytes(&m.config, CONTEXT);
    CHECK_MSG(arena.allocated - before <= bytes && arena.allocated - before + 4096 > bytes, "%zu of %llu bytes",
              arena.allocated - before, (unsigned long long)bytes);
    usize left = (usize)bytes / 2;
    Arena small = arena_new((PageSource){limited_alloc, limited_free, &left}, 0);
    Transformer t;
    Error error = {0};
    CHECK(!transformer_new(&m, kernels_by_name("scalar"), CONTEXT, &small, &t, &error));
    CHECK_ERROR(error, ERROR_OUT_OF_MEMORY);
    CHECK(strstr(error.message, "MiB") != NULL);
    CHECK_U64(small.allocated, 0);
    CHECK(!transformer_new(&m, kernels_by_name("scalar"), CONTEXT + 1, &arena, &t, &error));
    CHECK_ERROR(error, ERROR_LIMIT);
    CHECK(!transformer_new(&m, kernels_by_name("scalar"), 0, &arena, &t, &error));
    CHECK_ERROR(error, ERROR_LIMIT);
    ModelConfig absurd = m.config;
    absurd.layers = absurd.kv_heads = absurd.head_dim = UINT32_MAX;
    CHECK_U64(transformer_bytes(&absurd, UINT32_MAX), UINT64_MAX);
    arena_free(&arena);
}

static const TestCase CASES[] = {
    TEST(every_shape_agrees_with_the_reference),  TEST(quantised_models_agree_with_the_reference),
    TEST(logits_do_not_depend_on_the_batches),    TEST(tokens_that_cannot_be_run_change_nothing),
    TEST(memory_is_measured_before_it_is_needed),
};
TEST_MAIN(CASES)
