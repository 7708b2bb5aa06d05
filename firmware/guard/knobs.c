#include "firmware/guard/knobs.h"

#define HIGHEST_F32 __FLT_MAX__

const Knobs KNOBS_UNBOUNDED = {HIGHEST_F32, HIGHEST_F32, 0, UINT32_MAX};

static f32 least_f32(f32 a, f32 b) { return b < a ? b : a; }

static u32 least_u32(u32 a, u32 b) { return b < a ? b : a; }

/* One less of each: 0, which is off, becomes the highest number. */
static u32 least_top_k(u32 a, u32 b) { return least_u32(a - 1, b - 1) + 1; }

Knobs knobs_least(Knobs a, Knobs b) {
    return (Knobs){least_f32(a.temperature, b.temperature), least_f32(a.top_p, b.top_p), least_top_k(a.top_k, b.top_k),
                   least_u32(a.max_tokens, b.max_tokens)};
}

Arbiter arbiter_new(void) { return (Arbiter){.is_active = {false}}; }

void arbiter_cap(Arbiter *arbiter, KnobLayer layer, Knobs caps) {
    arbiter->is_active[layer] = true;
    arbiter->caps[layer] = caps;
}

void arbiter_release(Arbiter *arbiter, KnobLayer layer) { arbiter->is_active[layer] = false; }

Knobs arbiter_below(const Arbiter *arbiter, KnobLayer layer, Knobs operator_values) {
    Knobs values = operator_values;
    for (KnobLayer below = KNOB_LAYER_OPERATOR + 1; below < layer; below++) {
        if (arbiter->is_active[below]) values = knobs_least(values, arbiter->caps[below]);
    }
    return values;
}

Knobs arbiter_effective(const Arbiter *arbiter, Knobs operator_values) {
    return arbiter_below(arbiter, KNOB_LAYERS, operator_values);
}

KnobLayer arbiter_owner(const Arbiter *arbiter, Knob knob, Knobs operator_values) {
    Knobs effective = arbiter_effective(arbiter, operator_values);
    KnobLayer layer = KNOB_LAYER_OPERATOR;
    for (; layer < KNOB_LAYER_SAFETY; layer++) {
        Knobs values = arbiter_below(arbiter, layer + 1, operator_values);
        if (knob_value(&values, knob) == knob_value(&effective, knob)) break;
    }
    return layer;
}

f64 knob_value(const Knobs *knobs, Knob knob) {
    switch (knob) {
    case KNOB_TEMP:
        return (f64)knobs->temperature;
    case KNOB_TOP_P:
        return (f64)knobs->top_p;
    case KNOB_TOP_K:
        return knobs->top_k;
    case KNOB_MAX_TOKENS:
        return knobs->max_tokens;
    }
    return 0;
}

bool knobs_equal(const Knobs *a, const Knobs *b) {
    return a->temperature == b->temperature && a->top_p == b->top_p && a->top_k == b->top_k &&
           a->max_tokens == b->max_tokens;
}
