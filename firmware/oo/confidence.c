#include "firmware/oo/confidence.h"

enum { CONFIDENCE_BASE = 50, CONFIDENCE_MOST = 100 };

static i32 mode_part(OoMode mode) {
    static const i32 PARTS[OO_MODES] = {[OO_MODE_NORMAL] = 20, [OO_MODE_DEGRADED] = 10, [OO_MODE_SAFE] = 0};
    return PARTS[mode];
}

static i32 ram_part(u64 mib) { return mib >= 1024 ? 15 : mib >= 768 ? 8 : 2; }

/** Of a length in tokens: a short one is a bonus, a very long one the opposite. */
static i32 length_part(u32 length, u32 shortest) { return length <= shortest ? 5 : length > 2048 ? -5 : 0; }

static bool advises(const Advice *advice, ActionKind kind) {
    for (u32 i = 0; i < advice->count; i++) {
        if (ACTIONS[advice->actions[i]].kind == kind) return true;
    }
    return false;
}

static i32 advice_part(const Advice *advice, OoMode mode) {
    i32 part = advice->is_empty ? -15 : 0;
    if (advises(advice, ACTION_NOTHING)) part += 10;
    if (advises(advice, ACTION_REDUCE)) part += 5;
    if (advises(advice, ACTION_INCREASE) && mode != OO_MODE_NORMAL) part -= 10;
    if (advises(advice, ACTION_LOG_ONLY)) part -= 5;
    return part;
}

/** A share that is no number is as weak as one can be. */
static i32 strength_part(const Advice *advice) {
    if (advice->source != OO_SOURCE_MODEL) return 0;
    if (advice->share >= 0.6) return 10;
    if (advice->share >= 0.4) return 5;
    return advice->share >= 0.25 ? 0 : -10;
}

static i32 total(const Confidence *parts) {
    return parts->base + parts->mode + parts->ram + parts->ctx + parts->seq + parts->advice + parts->strength +
           parts->feedback;
}

Confidence confidence_score(const Advice *advice, const ConfidenceFacts *facts) {
    Confidence confidence = {
        .base = CONFIDENCE_BASE,
        .mode = mode_part(facts->mode),
        .ram = ram_part(facts->ram_mib),
        .ctx = length_part(facts->ctx, 512),
        .seq = length_part(facts->seq, 1024),
        .advice = advice_part(advice, facts->mode),
        .strength = strength_part(advice),
        .feedback = facts->feedback,
    };
    i32 sum = total(&confidence);
    confidence.score = (u32)(sum < 0 ? 0 : sum > CONFIDENCE_MOST ? CONFIDENCE_MOST : sum);
    return confidence;
}

bool confidence_gate(const Confidence *confidence, const OoSettings *settings, ReasonId *reason) {
    static const ReasonId REASONS[2][2] = {
        {REASON_ID_OO_CONF_LOG_ONLY_LOW, REASON_ID_OO_CONF_LOG_ONLY},
        {REASON_ID_OO_CONF_GATE_FAIL, REASON_ID_OO_CONF_GATE_PASS},
    };
    bool passes = confidence->score >= settings->conf_threshold;
    *reason = REASONS[settings->conf_gate][passes];
    return passes;
}
