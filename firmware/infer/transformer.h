/* One forward pass after another over a model, with a key-value cache. */
#ifndef FIRMWARE_INFER_TRANSFORMER_H
#define FIRMWARE_INFER_TRANSFORMER_H

#include "firmware/kernels/kernels.h"
#include "firmware/model/model.h"

typedef struct Transformer {
    const Model *model;
    const Kernels *kernels;
    u32 context;  /* positions the cache holds */
    u32 position; /* positions filled */
    f32 *logits;  /* vocab values for the last token given, valid until the next call */
    struct TransformerState *state;
} Transformer;

/** `context` is at most the model's own. ERROR_OUT_OF_MEMORY states how much was needed; `arena` is then unchanged. */
bool transformer_new(const Model *model, const Kernels *kernels, u32 context, Arena *arena, Transformer *transformer,
                     Error *error);
/** Bytes a transformer_new() with this context needs, without the weights. */
u64 transformer_bytes(const ModelConfig *config, u32 context);
/** Cost of a token at `position` relative to one at an empty context: both are counted in multiplications. */
f64 transformer_relative_cost(const ModelConfig *config, u32 position);
/**
 * Runs `count` tokens (ids below vocab) at the current position, in batches, and computes logits for the last one only.
 * ERROR_LIMIT, with nothing changed, when they do not fit in the context or an id is out of range.
 */
bool transformer_forward(Transformer *transformer, const u32 *tokens, u32 count, Error *error);
/** Like transformer_forward, and calls `each` with the logits after every token (perplexity, tests). */
typedef void LogitsVisitor(void *argument, u32 index, const f32 *logits);
bool transformer_forward_each(Transformer *transformer, const u32 *tokens, u32 count, LogitsVisitor *each,
                              void *argument, Error *error);
/** Forgets everything after `position` (0 forgets all). */
void transformer_rewind(Transformer *transformer, u32 position);

#endif
