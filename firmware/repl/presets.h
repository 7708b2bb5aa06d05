/* Named sets of sampling settings. */
#ifndef FIRMWARE_REPL_PRESETS_H
#define FIRMWARE_REPL_PRESETS_H

#include "firmware/base/str.h"
#include "firmware/infer/sampler.h"

typedef struct Preset {
    const char *name;
    const char *alias;
    f32 temperature, min_p, top_p;
    u32 top_k;
    f32 repeat_penalty;
    u32 no_repeat_ngram;
} Preset;

extern const Preset PRESETS[];
extern const usize PRESET_COUNT;

/** By name or alias; NULL when there is none. */
const Preset *preset_find(Str name);
void preset_apply(const Preset *preset, SamplerSettings *settings);

#endif
