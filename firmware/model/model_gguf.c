#include "firmware/model/model_gguf.h"

enum { KEY_BYTES = 128, SHOWN_BYTES = 48 };

typedef struct Architecture {
    const char *name;
    RopePairing pairing;
    bool has_biases; /* of query, key and value: always there, or only if the file has them */
} Architecture;

/** Rows by general.architecture. The llama converter permutes wq and wk so that rotated pairs are neighbours. */
static const Architecture ARCHITECTURES[] = {
    {"llama", ROPE_ADJACENT, false},
    {"qwen2", ROPE_HALVES, true},
};

static bool find_architecture(const Gguf *gguf, const Architecture **architecture, Error *error) {
    Str name;
    if (!gguf_get_str(gguf, STR("general.architecture"), &name)) {
        return fail(error, ERROR_CORRUPT, "the key general.architecture is missing, so this is no language model");
    }
    for (usize i = 0; i < COUNT_OF(ARCHITECTURES); i++) {
        *architecture = &ARCHITECTURES[i];
        if (str_eq(name, str_from_c((*architecture)->name))) return true;
    }
    return fail(error, ERROR_UNSUPPORTED, "architecture \"%.*s\" is not supported, only llama and qwen2 are",
                STR_ARG(str_take(name, SHOWN_BYTES)));
}

/** Look-ups of "<architecture>.<name>" keys; `key` holds the last one's spelling. */
typedef struct Keys {
    const Gguf *gguf;
    const char *architecture;
    char key[KEY_BYTES];
    Error *error;
} Keys;

static Str spell(Keys *keys, const char *name) {
    usize len = fmt(keys->key, sizeof(keys->key), "%s.%s", keys->architecture, name);
    return (Str){keys->key, len};
}

static bool has_key(Keys *keys, const char *name) { return gguf_find(keys->gguf, spell(keys, name)) != NULL; }

/** An integer that fits 32 bits. */
static bool get_u32(Keys *keys, const char *name, u32 *out) {
    u64 value;
    if (!has_key(keys, name)) return fail(keys->error, ERROR_CORRUPT, "the key %s is missing", keys->key);
    if (!gguf_get_u64(keys->gguf, spell(keys, name), &value) || value > UINT32_MAX) {
        return fail(keys->error, ERROR_UNSUPPORTED, "the key %s is not a single integer of 32 bits", keys->key);
    }
    *out = (u32)value;
    return true;
}

static bool get_u32_or(Keys *keys, const char *name, u32 fallback, u32 *out) {
    *out = fallback;
    return !has_key(keys, name) || get_u32(keys, name, out);
}

static bool get_f64_or(Keys *keys, const char *name, f64 fallback, f64 *out) {
    *out = fallback;
    if (!has_key(keys, name) || gguf_get_f64(keys->gguf, spell(keys, name), out)) return true;
    return fail(keys->error, ERROR_CORRUPT, "the key %s is not a floating-point number", keys->key);
}

static bool read_epsilon(Keys *keys, ModelConfig *c) {
    f64 epsilon;
    if (!has_key(keys, "attention.layer_norm_rms_epsilon")) {
        return fail(keys->error, ERROR_CORRUPT, "the key %s is missing", keys->key);
    }
    if (!get_f64_or(keys, "attention.layer_norm_rms_epsilon", 0, &epsilon)) return false;
    c->rms_epsilon = (f32)epsilon;
    return true;
}

static bool read_heads(Keys *keys, ModelConfig *c) {
    u32 value_dim;
    if (!get_u32(keys, "attention.head_count", &c->heads)) return false;
    if (c->heads == 0) return fail(keys->error, ERROR_CORRUPT, "the key %s is 0", keys->key);
    if (!get_u32_or(keys, "attention.head_count_kv", c->heads, &c->kv_heads)) return false;
    if (!get_u32_or(keys, "attention.key_length", c->dim / c->heads, &c->head_dim)) return false;
    if (!get_u32_or(keys, "attention.value_length", c->head_dim, &value_dim)) return false;
    if (value_dim == c->head_dim) return true;
    return fail(keys->error, ERROR_UNSUPPORTED, "values of length %u beside keys of length %u are not supported",
                value_dim, c->head_dim);
}

/** A factor of 0 means the same as none. */
static bool read_linear_scale(Keys *keys, ModelConfig *c) {
    const char *name = has_key(keys, "rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
    if (!get_f64_or(keys, name, 1, &c->rope_scale)) return false;
    if (c->rope_scale == 0) c->rope_scale = 1;
    return true;
}

static bool read_rope(Keys *keys, ModelConfig *c) {
    Str scaling = STR("linear");
    c->rope_scale = 1;
    if (!get_u32_or(keys, "rope.dimension_count", c->head_dim, &c->rope_dims)) return false;
    if (!get_f64_or(keys, "rope.freq_base", 10000, &c->rope_base)) return false;
    gguf_get_str(keys->gguf, spell(keys, "rope.scaling.type"), &scaling);
    if (str_eq(scaling, STR("none"))) return true;
    if (str_eq(scaling, STR("linear"))) return read_linear_scale(keys, c);
    return fail(keys->error, ERROR_UNSUPPORTED, "rotary scaling \"%.*s\" is not supported, only none and linear are",
                STR_ARG(str_take(scaling, SHOWN_BYTES)));
}

static bool refuse_experts(Keys *keys) {
    u32 experts;
    if (!get_u32_or(keys, "expert_count", 0, &experts)) return false;
    if (experts == 0) return true;
    return fail(keys->error, ERROR_UNSUPPORTED, "a mixture of %u experts is not supported, only dense models are",
                experts);
}

/** The embedding has one row a token, whatever the metadata says about the vocabulary. */
static bool read_vocab(Keys *keys, ModelConfig *c) {
    const GgufTensor *embedding = gguf_find_tensor(keys->gguf, STR("token_embd.weight"));
    if (!embedding) return fail(keys->error, ERROR_CORRUPT, "tensor \"token_embd.weight\" is missing");
    c->vocab = (u32)(embedding->extent[1] > UINT32_MAX ? UINT32_MAX : embedding->extent[1]);
    return true;
}

static bool read_config(Keys *keys, ModelConfig *c) {
    return get_u32(keys, "block_count", &c->layers) && get_u32(keys, "embedding_length", &c->dim) &&
           get_u32(keys, "feed_forward_length", &c->hidden) && get_u32(keys, "context_length", &c->context) &&
           read_heads(keys, c) && read_rope(keys, c) && read_epsilon(keys, c) && refuse_experts(keys) &&
           read_vocab(keys, c);
}

static u64 values_of(const GgufTensor *tensor) {
    return tensor->extent[0] * tensor->extent[1] * tensor->extent[2] * tensor->extent[3];
}

static u64 values_of_type(const Gguf *gguf, u32 type) {
    u64 values = 0;
    for (usize i = 0; i < gguf->tensor_count; i++) {
        if (gguf->tensors[i].type == type) values += values_of(&gguf->tensors[i]);
    }
    return values;
}

/** Sets the number of weights, and the type that holds most of them. */
static void count_parameters(Model *model) {
    u64 most = 0;
    model->parameters = 0;
    for (u32 type = 0; type <= TENSOR_BF16; type++) {
        u64 values = values_of_type(&model->gguf, type);
        model->parameters += values;
        if (values <= most) continue;
        most = values;
        model->dominant_type = (TensorType)type;
    }
}

bool model_gguf_describe(Model *model, Error *error) {
    const Architecture *architecture;
    if (!find_architecture(&model->gguf, &architecture, error)) return false;
    Keys keys = {.gguf = &model->gguf, .architecture = architecture->name, .error = error};
    model->architecture = str_from_c(architecture->name);
    model->config = (ModelConfig){.rope_pairing = architecture->pairing};
    gguf_get_str(&model->gguf, STR("general.name"), &model->name);
    if (!str_is_printable(model->name)) model->name = STR_NONE;
    count_parameters(model);
    model->tied_output = !gguf_find_tensor(&model->gguf, STR("output.weight"));
    return read_config(&keys, &model->config) && model_config_check(&model->config, error);
}

/** Finds tensors by name, and remembers which were found so that a file with others is noticed. */
typedef struct Binder {
    const Gguf *gguf;
    const Architecture *architecture;
    Str bytes;
    Arena *arena;
    bool *bound; /* one a tensor of the file */
    Error *error;
} Binder;

static bool find_tensor(Binder *binder, Str name, u64 rows, u64 cols, const GgufTensor **out) {
    const GgufTensor *tensor = gguf_find_tensor(binder->gguf, name);
    *out = tensor;
    if (!tensor) return fail(binder->error, ERROR_CORRUPT, "tensor \"%.*s\" is missing", STR_ARG(name));
    binder->bound[tensor - binder->gguf->tensors] = true;
    if (tensor->extent[0] == cols && tensor->extent[1] == rows && values_of(tensor) == rows * cols) return true;
    return fail(binder->error, ERROR_CORRUPT,
                "tensor \"%.*s\" has shape [%zu, %zu, %zu, %zu], the configuration needs [%zu, %zu]", STR_ARG(name),
                (usize)tensor->extent[0], (usize)tensor->extent[1], (usize)tensor->extent[2], (usize)tensor->extent[3],
                (usize)cols, (usize)rows);
}

static bool bind_matrix(Binder *binder, Str name, u32 rows, u32 cols, Tensor *out) {
    const GgufTensor *tensor;
    if (!find_tensor(binder, name, rows, cols, &tensor)) return false;
    *out = (Tensor){(TensorType)tensor->type, rows, cols, (const u8 *)binder->bytes.data + tensor->offset};
    return true;
}

static bool bind_vector(Binder *binder, Str name, u32 values, const f32 **out) {
    const GgufTensor *tensor;
    if (!find_tensor(binder, name, 1, values, &tensor)) return false;
    const void *data = binder->bytes.data + tensor->offset;
    *out = data;
    if (tensor->type == TENSOR_F32) return true;
    f32 *expanded = ARENA_NEW(binder->arena, f32, values);
    if (!expanded) return fail(binder->error, ERROR_OUT_OF_MEMORY, "no memory for tensor \"%.*s\"", STR_ARG(name));
    tensor_type_info(tensor->type)->dequantize(data, expanded, values);
    *out = expanded;
    return true;
}

/** NULL when the file has no such tensor. */
static bool bind_optional_vector(Binder *binder, Str name, u32 values, const f32 **out) {
    *out = NULL;
    return !gguf_find_tensor(binder->gguf, name) || bind_vector(binder, name, values, out);
}

/** One weight of a layer: "blk.<layer>.<suffix>", and where it goes. */
typedef struct LayerMatrix {
    const char *suffix;
    u32 rows, cols;
    Tensor *out;
} LayerMatrix;

typedef struct LayerVector {
    const char *suffix;
    u32 values;
    bool optional;
    const f32 **out;
} LayerVector;

static bool bind_layer_matrices(Binder *binder, const ModelConfig *c, u32 layer, LayerWeights *w) {
    u32 query = c->heads * c->head_dim, key = c->kv_heads * c->head_dim;
    const LayerMatrix matrices[] = {
        {"attn_q.weight", query, c->dim, &w->wq},         {"attn_k.weight", key, c->dim, &w->wk},
        {"attn_v.weight", key, c->dim, &w->wv},           {"attn_output.weight", c->dim, query, &w->wo},
        {"ffn_gate.weight", c->hidden, c->dim, &w->gate}, {"ffn_up.weight", c->hidden, c->dim, &w->up},
        {"ffn_down.weight", c->dim, c->hidden, &w->down},
    };
    for (usize i = 0; i < COUNT_OF(matrices); i++) {
        const LayerMatrix *m = &matrices[i];
        char name[KEY_BYTES];
        Str spelled = {name, fmt(name, sizeof(name), "blk.%u.%s", layer, m->suffix)};
        if (!bind_matrix(binder, spelled, m->rows, m->cols, m->out)) return false;
    }
    return true;
}

static bool bind_layer_vectors(Binder *binder, const ModelConfig *c, u32 layer, LayerWeights *w) {
    u32 query = c->heads * c->head_dim, key = c->kv_heads * c->head_dim;
    bool no_biases = !binder->architecture->has_biases;
    const LayerVector vectors[] = {
        {"attn_norm.weight", c->dim, false, &w->attention_norm},
        {"ffn_norm.weight", c->dim, false, &w->ffn_norm},
        {"attn_q.bias", query, no_biases, &w->bias_q},
        {"attn_k.bias", key, no_biases, &w->bias_k},
        {"attn_v.bias", key, no_biases, &w->bias_v},
    };
    for (usize i = 0; i < COUNT_OF(vectors); i++) {
        const LayerVector *v = &vectors[i];
        char name[KEY_BYTES];
        Str spelled = {name, fmt(name, sizeof(name), "blk.%u.%s", layer, v->suffix)};
        bool bound = v->optional ? bind_optional_vector(binder, spelled, v->values, v->out)
                                 : bind_vector(binder, spelled, v->values, v->out);
        if (!bound) return false;
    }
    return true;
}

static bool bind_layers(Binder *binder, Model *model) {
    const ModelConfig *c = &model->config;
    model->layers = ARENA_NEW(binder->arena, LayerWeights, c->layers);
    if (!model->layers) {
        return fail(binder->error, ERROR_OUT_OF_MEMORY, "no memory for the table of %u layers", c->layers);
    }
    for (u32 i = 0; i < c->layers; i++) {
        if (!bind_layer_matrices(binder, c, i, &model->layers[i])) return false;
        if (!bind_layer_vectors(binder, c, i, &model->layers[i])) return false;
    }
    return true;
}

static bool bind_ends(Binder *binder, Model *model) {
    ModelConfig *c = &model->config;
    if (!bind_matrix(binder, STR("token_embd.weight"), c->vocab, c->dim, &model->embedding)) return false;
    model->output = model->embedding;
    if (!model->tied_output && !bind_matrix(binder, STR("output.weight"), c->vocab, c->dim, &model->output)) {
        return false;
    }
    return bind_vector(binder, STR("output_norm.weight"), c->dim, &model->final_norm) &&
           bind_optional_vector(binder, STR("rope_freqs.weight"), c->rope_dims / 2, &c->rope_factors);
}

/** A weight we would leave out (a bias, a norm of queries) changes what the model says: better to refuse. */
static bool refuse_unknown_tensors(const Binder *binder) {
    for (usize i = 0; i < binder->gguf->tensor_count; i++) {
        if (binder->bound[i]) continue;
        return fail(
            binder->error, ERROR_UNSUPPORTED,
            "tensor \"%.*s\" is no part of the architecture %s as this program knows it; the model is a variant "
            "that is not supported",
            STR_ARG(binder->gguf->tensors[i].name), binder->architecture->name);
    }
    return true;
}

bool model_gguf_bind(Str bytes, Arena *arena, Model *model, Error *error) {
    usize count = model->gguf.tensor_count;
    Binder binder = {.gguf = &model->gguf, .bytes = bytes, .arena = arena, .error = error};
    if (!find_architecture(&model->gguf, &binder.architecture, error)) return false;
    binder.bound = ARENA_NEW(arena, bool, count);
    if (!binder.bound) return fail(error, ERROR_OUT_OF_MEMORY, "no memory to check off %zu tensors", count);
    return bind_ends(&binder, model) && bind_layers(&binder, model) && refuse_unknown_tensors(&binder);
}
