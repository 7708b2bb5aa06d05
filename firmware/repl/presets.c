#include "firmware/repl/presets.h"

const Preset PRESETS[] = {
    {"stable", "safe", 0.70f, 0.05f, 0.90f, 40, 1.10f, 4},
    {"creative", "wild", 1.00f, 0.05f, 0.95f, 80, 1.05f, 3},
    {"greedy", "deterministic", 0, 0, 1, 0, 1, 0},
};
const usize PRESET_COUNT = COUNT_OF(PRESETS);

const Preset *preset_find(Str name) {
    for (usize i = 0; i < PRESET_COUNT; i++) {
        if (str_eq_nocase(name, str_from_c(PRESETS[i].name)) || str_eq_nocase(name, str_from_c(PRESETS[i].alias))) {
            return &PRESETS[i];
        }
    }
    return NULL;
}

void preset_apply(const Preset *preset, SamplerSettings *settings) {
    settings->temperature = preset->temperature;
    settings->min_p = preset->min_p;
    settings->top_p = preset->top_p;
    settings->top_k = preset->top_k;
    settings->repeat_penalty = preset->repeat_penalty;
    settings->no_repeat_ngram = preset->no_repeat_ngram;
}
