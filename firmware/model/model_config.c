#include "firmware/model/model.h"

typedef struct Range {
    const char *name;
    u32 value;
    u32 limit;
} Range;

static bool check_sizes(const ModelConfig *c, Error *error) {
    const Range ranges[] = {
        {"layers", c->layers, MODEL_MAX_LAYERS},           {"embedding length", c->dim, MODEL_MAX_DIM},
        {"hidden length", c->hidden, MODEL_MAX_HIDDEN},    {"heads", c->heads, MODEL_MAX_HEADS},
        {"key-value heads", c->kv_heads, MODEL_MAX_HEADS}, {"head length", c->head_dim, MODEL_MAX_DIM},
        {"vocabulary", c->vocab, MODEL_MAX_VOCAB},         {"context", c->context, MODEL_MAX_CONTEXT},
    };
    for (usize i = 0; i < COUNT_OF(ranges); i++) {
        if (ranges[i].value < 1 || ranges[i].value > ranges[i].limit) {
            return fail(error, ERROR_CORRUPT, "the model's %s is %u, expected 1 to %u", ranges[i].name, ranges[i].value,
                        ranges[i].limit);
        }
    }
    return true;
}

static bool check_heads(const ModelConfig *c, Error *error) {
    if (c->heads % c->kv_heads != 0) {
        return fail(error, ERROR_CORRUPT, "%u heads cannot share %u key-value heads evenly", c->heads, c->kv_heads);
    }
    if ((u64)c->heads * c->head_dim > MODEL_MAX_DIM) {
        return fail(error, ERROR_CORRUPT, "%u heads of length %u are over %u values together", c->heads, c->head_dim,
                    MODEL_MAX_DIM);
    }
    return true;
}

/** The comparisons are written so that a NaN fails them. */
static bool check_rope(const ModelConfig *c, Error *error) {
    if (c->rope_dims < 2 || c->rope_dims % 2 != 0 || c->rope_dims > c->head_dim) {
        return fail(error, ERROR_CORRUPT, "%u values of a head are rotated, expected an even number from 2 to %u",
                    c->rope_dims, c->head_dim);
    }
    if (!(c->rope_base >= 1 && c->rope_base <= 1e12)) {
        return fail(error, ERROR_CORRUPT, "the rotary embedding's base is %f, expected 1 to 1e12", c->rope_base);
    }
    if (!(c->rope_scale >= 1e-3 && c->rope_scale <= 1e6)) {
        return fail(error, ERROR_CORRUPT, "the rotary embedding's scaling factor is %f, expected 0.001 to 1e6",
                    c->rope_scale);
    }
    return true;
}

bool model_config_check(const ModelConfig *config, Error *error) {
    if (!check_sizes(config, error) || !check_heads(config, error) || !check_rope(config, error)) return false;
    if (config->rms_epsilon >= 0 && config->rms_epsilon < 1) return true;
    return fail(error, ERROR_CORRUPT, "the norm's epsilon is %f, expected 0 to 1", (f64)config->rms_epsilon);
}
