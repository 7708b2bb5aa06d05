#include "firmware/infer/transformer.h"

#include "firmware/base/math.h"
#include "firmware/base/mem.h"

enum { BATCH = 64 }; /* tokens that go through a layer together */

/** Everything but the cache holds one batch: rows of the width given, one a token. */
typedef struct TransformerState {
    f32 *keys;        /* layers * kv_heads * context rows of head_dim: one head's positions are contiguous */
    f32 *values;      /* the same */
    f32 *x;           /* dim: the residual stream */
    f32 *normed;      /* dim: input of a matrix */
    f32 *added;       /* dim: what a layer adds to x */
    f32 *query;       /* heads * head_dim */
    f32 *key, *value; /* kv_heads * head_dim */
    f32 *attended;    /* heads * head_dim */
    f32 *gate, *up;   /* hidden */
    f32 *cosine;      /* rope_dims / 2 */
    f32 *sine;        /* rope_dims / 2 */
    f32 *scores;      /* heads / kv_heads rows of context: one token's */
    f64 *frequency;   /* rope_dims / 2: radians a position */
    u8 *scratch;      /* of the matrix products */
} TransformerState;

static u32 widest_input(const ModelConfig *c) {
    return (u32)max_usize(max_usize(c->dim, c->hidden), (usize)c->heads * c->head_dim);
}

typedef struct Buffer {
    void *pointer; /* where the buffer's address goes */
    u64 size;      /* of an item */
    u64 items[4];
} Buffer;

enum { BUFFERS = 17 };

/** All memory of a transformer: the one list it is allocated from and measured by. */
static void list_buffers(const ModelConfig *c, u32 context, Transformer *t, TransformerState *s, Buffer out[BUFFERS]) {
    u64 scratch = kernels_scratch_bytes(widest_input(c), BATCH);
    const Buffer buffers[BUFFERS] = {
        {&s->keys, sizeof(f32), {c->layers, c->kv_heads, context, c->head_dim}},
        {&s->values, sizeof(f32), {c->layers, c->kv_heads, context, c->head_dim}},
        {&s->x, sizeof(f32), {BATCH, c->dim, 1, 1}},
        {&s->normed, sizeof(f32), {BATCH, c->dim, 1, 1}},
        {&s->added, sizeof(f32), {BATCH, c->dim, 1, 1}},
        {&s->query, sizeof(f32), {BATCH, c->heads, c->head_dim, 1}},
        {&s->key, sizeof(f32), {BATCH, c->kv_heads, c->head_dim, 1}},
        {&s->value, sizeof(f32), {BATCH, c->kv_heads, c->head_dim, 1}},
        {&s->attended, sizeof(f32), {BATCH, c->heads, c->head_dim, 1}},
        {&s->gate, sizeof(f32), {BATCH, c->hidden, 1, 1}},
        {&s->up, sizeof(f32), {BATCH, c->hidden, 1, 1}},
        {&s->cosine, sizeof(f32), {BATCH, c->rope_dims / 2, 1, 1}},
        {&s->sine, sizeof(f32), {BATCH, c->rope_dims / 2, 1, 1}},
        {&s->scores, sizeof(f32), {c->heads / c->kv_heads, context, 1, 1}},
        {&s->frequency, sizeof(f64), {c->rope_dims / 2, 1, 1, 1}},
        {&s->scratch, 1, {scratch, 1, 1, 1}},
        {&t->logits, sizeof(f32), {c->vocab, 1, 1, 1}},
    };
    memcpy(out, buffers, sizeof buffers);
}

/** UINT64_MAX stands for more than any machine has. */
static u64 buffer_bytes(const Buffer *buffer) {
    u64 bytes = buffer->size;
    for (usize i = 0; i < COUNT_OF(buffer->items); i++)
        if (__builtin_mul_overflow(bytes, buffer->items[i], &bytes)) return UINT64_MAX;
    return bytes;
}

u64 transformer_bytes(const ModelConfig *config, u32 context) {
    Transformer transformer;
    TransformerState state;
    Buffer buffers[BUFFERS];
    list_buffers(config, context, &transformer, &state, buffers);
    u64 total = sizeof state;
    for (usize i = 0; i < BUFFERS; i++)
        if (__builtin_add_overflow(total, buffer_bytes(&buffers[i]), &total)) return UINT64_MAX;
    return total;
}

/** Every weight is multiplied once a token; a query head multiplies with a key and a value of each position. */
f64 transformer_relative_cost(const ModelConfig *c, u32 position) {
    f64 heads = (f64)c->heads * c->head_dim, kv_heads = (f64)c->kv_heads * c->head_dim;
    f64 layer = c->dim * (2 * heads + 2 * kv_heads + 3.0 * c->hidden);
    f64 weights = c->layers * layer + (f64)c->vocab * c->dim;
    return 1 + c->layers * 2 * heads * position / weights;
}

static bool allocate(const ModelConfig *config, u32 context, Arena *arena, Transformer *t) {
    t->state = ARENA_NEW(arena, TransformerState, 1);
    if (!t->state) return false;
    Buffer buffers[BUFFERS];
    list_buffers(config, context, t, t->state, buffers);
    for (usize i = 0; i < BUFFERS; i++) {
        u64 bytes = buffer_bytes(&buffers[i]);
        void *memory = bytes < SIZE_MAX ? arena_alloc(arena, (usize)bytes, 1, 64) : NULL;
        if (!memory) return false;
        memcpy(buffers[i].pointer, &memory, sizeof memory);
    }
    return true;
}

/** Rotary embedding (Su et al., "RoFormer", section 3.2.2): pair i turns by base^(-2i / dims) a position. */
static void set_frequencies(const ModelConfig *c, f64 *frequency) {
    for (u32 i = 0; i < c->rope_dims / 2; i++) {
        frequency[i] = math_pow(c->rope_base, -2.0 * i / c->rope_dims) / c->rope_scale;
        if (c->rope_factors) frequency[i] /= c->rope_factors[i];
    }
}

bool transformer_new(const Model *model, const Kernels *kernels, u32 context, Arena *arena, Transformer *transformer,
                     Error *error) {
    const ModelConfig *config = &model->config;
    if (context == 0 || context > config->context)
        return fail(error, ERROR_LIMIT, "a context of %u tokens was asked for; this model takes 1 to %u", context,
                    config->context);
    ArenaMark mark = arena_mark(arena);
    *transformer = (Transformer){.model = model, .kernels = kernels, .context = context};
    if (!allocate(config, context, arena, transformer)) {
        arena_release(arena, mark);
        u64 mib = (transformer_bytes(config, context) >> 20) + 1;
        return fail(error, ERROR_OUT_OF_MEMORY,
                    "a context of %u tokens needs %llu MiB and there is less; choose a smaller one (ctx)", context,
                    (unsigned long long)mib);
    }
    set_frequencies(config, transformer->state->frequency);
    return true;
}

static void add(f32 *to, const f32 *from, usize n) {
    for (usize i = 0; i < n; i++) to[i] += from[i];
}

/** y = W x (+ bias) for `count` rows. */
static void project(Transformer *t, const Tensor *w, const f32 *bias, const f32 *x, u32 count, f32 *y) {
    t->kernels->matmul(w, x, count, t->state->scratch, y);
    for (u32 i = 0; bias && i < count; i++) add(y + (usize)i * w->rows, bias, w->rows);
}

static void normalize(Transformer *t, const f32 *weight, const f32 *x, u32 count, f32 *out) {
    const ModelConfig *c = &t->model->config;
    for (u32 i = 0; i < count; i++)
        t->kernels->rms_norm(out + (usize)i * c->dim, x + (usize)i * c->dim, weight, c->dim, c->rms_epsilon);
}

static void embed(Transformer *t, const u32 *tokens, u32 count) {
    const Tensor *embedding = &t->model->embedding;
    usize row_bytes = tensor_row_bytes(embedding->type, embedding->cols);
    for (u32 i = 0; i < count; i++) {
        f32 *x = t->state->x + (usize)i * embedding->cols;
        tensor_type_info(embedding->type)->dequantize(embedding->data + tokens[i] * row_bytes, x, embedding->cols);
    }
}

/** The angles of the batch's positions, once for all layers and heads. */
static void set_rotations(Transformer *t, u32 count) {
    TransformerState *s = t->state;
    usize pairs = t->model->config.rope_dims / 2;
    for (u32 i = 0; i < count; i++) {
        for (usize p = 0; p < pairs; p++) {
            f64 angle = (t->position + i) * s->frequency[p];
            s->cosine[i * pairs + p] = (f32)math_cos(angle);
            s->sine[i * pairs + p] = (f32)math_sin(angle);
        }
    }
}

static void rotate_head(f32 *head, const f32 *cosine, const f32 *sine, u32 pairs, RopePairing pairing) {
    u32 step = pairing == ROPE_ADJACENT ? 2 : 1, apart = pairing == ROPE_ADJACENT ? 1 : pairs;
    for (u32 p = 0; p < pairs; p++) {
        f32 *a = head + p * step, *b = a + apart;
        f32 turned = *a * cosine[p] - *b * sine[p];
        *b = *a * sine[p] + *b * cosine[p];
        *a = turned;
    }
}

static void rotate(Transformer *t, f32 *rows, u32 heads, u32 count) {
    const ModelConfig *c = &t->model->config;
    u32 pairs = c->rope_dims / 2;
    for (u32 i = 0; i < count; i++) {
        const f32 *cosine = t->state->cosine + (usize)i * pairs, *sine = t->state->sine + (usize)i * pairs;
        for (u32 h = 0; h < heads; h++)
            rotate_head(rows + ((usize)i * heads + h) * c->head_dim, cosine, sine, pairs, c->rope_pairing);
    }
}

/** First position of one head of one layer in the cache. */
static f32 *cached(const Transformer *t, f32 *cache, u32 layer, u32 kv_head) {
    const ModelConfig *c = &t->model->config;
    return cache + ((usize)layer * c->kv_heads + kv_head) * t->context * c->head_dim;
}

static void remember(Transformer *t, u32 layer, u32 count) {
    const ModelConfig *c = &t->model->config;
    usize bytes = c->head_dim * sizeof(f32);
    for (u32 i = 0; i < count; i++) {
        for (u32 h = 0; h < c->kv_heads; h++) {
            usize from = ((usize)i * c->kv_heads + h) * c->head_dim, to = ((usize)t->position + i) * c->head_dim;
            memcpy(cached(t, t->state->keys, layer, h) + to, t->state->key + from, bytes);
            memcpy(cached(t, t->state->values, layer, h) + to, t->state->value + from, bytes);
        }
    }
}

/** The query heads that share one key-value head, for one token: softmax(q K / sqrt(head_dim)) V over its past. */
static void attend_group(Transformer *t, u32 layer, u32 token, u32 kv_head) {
    const ModelConfig *c = &t->model->config;
    TransformerState *s = t->state;
    u32 group = c->heads / c->kv_heads, past = t->position + token + 1;
    usize first = ((usize)token * c->heads + (usize)kv_head * group) * c->head_dim;
    f32 scale = (f32)(1 / math_sqrt(c->head_dim));
    Tensor keys = {TENSOR_F32, past, c->head_dim, (const u8 *)cached(t, s->keys, layer, kv_head)};
    t->kernels->matmul(&keys, s->query + first, group, s->scratch, s->scores);
    for (u32 g = 0; g < group; g++) {
        f32 *scores = s->scores + (usize)g * past;
        for (u32 i = 0; i < past; i++) scores[i] *= scale;
        t->kernels->softmax(scores, past);
        t->kernels->weighted_sum(s->attended + first + (usize)g * c->head_dim, scores,
                                 cached(t, s->values, layer, kv_head), past, c->head_dim);
    }
}

static void run_attention(Transformer *t, u32 layer, u32 count) {
    const ModelConfig *c = &t->model->config;
    const LayerWeights *w = &t->model->layers[layer];
    TransformerState *s = t->state;
    normalize(t, w->attention_norm, s->x, count, s->normed);
    project(t, &w->wq, w->bias_q, s->normed, count, s->query);
    project(t, &w->wk, w->bias_k, s->normed, count, s->key);
    project(t, &w->wv, w->bias_v, s->normed, count, s->value);
    rotate(t, s->query, c->heads, count);
    rotate(t, s->key, c->kv_heads, count);
    remember(t, layer, count);
    for (u32 i = 0; i < count; i++)
        for (u32 h = 0; h < c->kv_heads; h++) attend_group(t, layer, i, h);
    project(t, &w->wo, NULL, s->attended, count, s->added);
    add(s->x, s->added, (usize)count * c->dim);
}

static void run_feed_forward(Transformer *t, u32 layer, u32 count) {
    const ModelConfig *c = &t->model->config;
    const LayerWeights *w = &t->model->layers[layer];
    TransformerState *s = t->state;
    normalize(t, w->ffn_norm, s->x, count, s->normed);
    project(t, &w->gate, NULL, s->normed, count, s->gate);
    project(t, &w->up, NULL, s->normed, count, s->up);
    for (u32 i = 0; i < count; i++)
        t->kernels->swiglu(s->gate + (usize)i * c->hidden, s->up + (usize)i * c->hidden, c->hidden);
    project(t, &w->down, NULL, s->gate, count, s->added);
    add(s->x, s->added, (usize)count * c->dim);
}

static void run_batch(Transformer *t, const u32 *tokens, u32 count) {
    embed(t, tokens, count);
    set_rotations(t, count);
    for (u32 layer = 0; layer < t->model->config.layers; layer++) {
        run_attention(t, layer, count);
        run_feed_forward(t, layer, count);
    }
    t->position += count;
}

/** Logits after token `index` of the batch that ran last. */
static void classify(Transformer *t, u32 index) {
    TransformerState *s = t->state;
    normalize(t, t->model->final_norm, s->x + (usize)index * t->model->config.dim, 1, s->normed);
    project(t, &t->model->output, NULL, s->normed, 1, t->logits);
}

static bool check_tokens(const Transformer *t, const u32 *tokens, u32 count, Error *error) {
    if (count > t->context - t->position)
        return fail(error, ERROR_LIMIT, "%u tokens do not fit: the context of %u holds %u already", count, t->context,
                    t->position);
    for (u32 i = 0; i < count; i++)
        if (tokens[i] >= t->model->config.vocab)
            return fail(error, ERROR_LIMIT, "token %u of %u has the id %u; the vocabulary ends at %u", i + 1, count,
                        tokens[i], t->model->config.vocab - 1);
    return true;
}

bool transformer_forward(Transformer *transformer, const u32 *tokens, u32 count, Error *error) {
    if (!check_tokens(transformer, tokens, count, error)) return false;
    for (u32 done = 0; done < count; done += BATCH) {
        u32 batch = (u32)min_usize(BATCH, count - done);
        run_batch(transformer, tokens + done, batch);
        if (done + batch == count) classify(transformer, batch - 1);
    }
    return true;
}

bool transformer_forward_each(Transformer *transformer, const u32 *tokens, u32 count, LogitsVisitor *each,
                              void *argument, Error *error) {
    if (!check_tokens(transformer, tokens, count, error)) return false;
    for (u32 done = 0; done < count; done += BATCH) {
        u32 batch = (u32)min_usize(BATCH, count - done);
        run_batch(transformer, tokens + done, batch);
        for (u32 i = 0; i < batch; i++) {
            classify(transformer, i);
            each(argument, done + i, transformer->logits);
        }
    }
    return true;
}

void transformer_rewind(Transformer *transformer, u32 position) {
    if (position < transformer->position) transformer->position = position;
}
