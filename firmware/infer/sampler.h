/* From logits to the next token. Order: no-repeat n-gram, repeat penalty, greedy or (temperature, min_p, top_k, top_p,
 * draw). */
#ifndef FIRMWARE_INFER_SAMPLER_H
#define FIRMWARE_INFER_SAMPLER_H

#include "firmware/base/arena.h"

typedef struct SamplerSettings {
    f32 temperature;     /* 0 is greedy: the largest logit, the lowest id among equals */
    f32 min_p;           /* keep p >= min_p * max p; 0 is off */
    f32 top_p;           /* the smallest set of likeliest tokens whose mass reaches top_p; 1 is off */
    u32 top_k;           /* the k likeliest; 0 is off */
    f32 repeat_penalty;  /* once per distinct token of the window: l > 0 ? l / p : l * p; 1 is off */
    u32 repeat_window;   /* how many last tokens of the turn count */
    u32 no_repeat_ngram; /* no n-gram of the turn occurs twice; 0 is off */
    u64 seed;
} SamplerSettings;

extern const SamplerSettings SAMPLER_DEFAULTS;

typedef struct Sampler {
    SamplerSettings settings;
    u64 random_state;
    u32 vocab;
    struct SamplerCandidate *candidates; /* vocab of them */
} Sampler;

/** NULL candidates on failure: returns false when `arena` is full. */
bool sampler_new(const SamplerSettings *settings, u32 vocab, Arena *arena, Sampler *sampler);
/** Restarts the random sequence. */
void sampler_seed(Sampler *sampler, u64 seed);
/** Picks a token; `logits` (vocab values) are overwritten. `turn` holds the tokens generated in this turn. */
u32 sampler_pick(Sampler *sampler, f32 *logits, const u32 *turn, usize turn_count);

#endif
