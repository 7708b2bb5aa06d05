#include "firmware/oo/outcome.h"

enum { TALLY_ONE = 1000 };

bool vitals_quantity(const Vitals *vitals, OoQuantity quantity, u64 *value) {
    *value = 0;
    switch (quantity) {
    case OO_QUANTITY_FREE_MEMORY_KIB:
        *value = vitals->free_kib;
        return vitals->free_kib > 0 && vitals->context_kib > 0;
    case OO_QUANTITY_DECODE_CYCLES_PER_TOKEN:
        if (vitals->tokens < OUTCOME_LEAST_TOKENS) return false;
        *value = vitals->decode_cpt;
        return vitals->decode_cpt > 0;
    case OO_QUANTITY_CONTEXT_OVERFLOWS_PER_MILLE:
        if (vitals->turns < OUTCOME_LEAST_TURNS) return false;
        *value = (u64)vitals->overflows * 1000 / vitals->turns;
        return true;
    }
    return false;
}

static Outcome labelled(Outcome outcome, OoLabel label, ReasonId reason) {
    static const i32 IMPROVED[OO_LABEL_VALUES] = {[OO_LABEL_HELPFUL] = 1, [OO_LABEL_HARMFUL] = -1};
    outcome.label = label;
    outcome.improved = IMPROVED[label];
    outcome.reason = reason;
    return outcome;
}

/** Labels two measured values; `scale` is what the least effect is a share of. */
static Outcome compared(Outcome outcome, OoDirection direction, u64 scale) {
    bool is_more = outcome.after > outcome.before;
    u64 difference = is_more ? outcome.after - outcome.before : outcome.before - outcome.after;
    if (difference == 0 || (f64)difference * 1000 < (f64)scale * OUTCOME_LEAST_EFFECT) {
        return labelled(outcome, OO_LABEL_NEUTRAL, REASON_ID_OO_OUTCOME_SAME);
    }
    if (is_more == (direction == OO_DIRECTION_UP)) {
        return labelled(outcome, OO_LABEL_HELPFUL, REASON_ID_OO_OUTCOME_BETTER);
    }
    return labelled(outcome, OO_LABEL_HARMFUL, REASON_ID_OO_OUTCOME_WORSE);
}

static u64 effect_scale(OoAction action, const Vitals *before, u64 value) {
    return ACTIONS[action].quantity == OO_QUANTITY_FREE_MEMORY_KIB ? before->context_kib : value;
}

Outcome outcome_judge(OoAction action, const Vitals *before, const Vitals *after, OoHealth health) {
    const ActionInfo *info = &ACTIONS[action];
    Outcome outcome = {0};
    bool is_known = vitals_quantity(before, info->quantity, &outcome.before);
    is_known &= vitals_quantity(after, info->quantity, &outcome.after);
    if (health == OO_HEALTH_UNHEALTHY) return labelled(outcome, OO_LABEL_HARMFUL, REASON_ID_OO_OUTCOME_UNHEALTHY);
    if (before->stratum != after->stratum) {
        return labelled(outcome, OO_LABEL_PENDING, REASON_ID_OO_OUTCOME_OTHER_MACHINE);
    }
    if (!is_known || health != OO_HEALTH_HEALTHY) {
        return labelled(outcome, OO_LABEL_PENDING, REASON_ID_OO_OUTCOME_NO_EVIDENCE);
    }
    return compared(outcome, info->direction, effect_scale(action, before, outcome.before));
}

/** What a value of so many cycles a token becomes when a turn's middle is at `new` / 2 instead of `old` / 2. */
static u64 cycles_at(u64 cycles, u32 old, u32 new, f64 relative_cost_per_token) {
    f64 was = 1 + relative_cost_per_token * old / 2, is = 1 + relative_cost_per_token * new / 2;
    return (u64)((f64)cycles * is / was);
}

static u64 memory_with(u64 free_kib, u32 old, u32 new, u64 bytes_per_token) {
    if (new <= old) return free_kib + (old - new) * bytes_per_token / 1024;
    u64 taken = (new - old) * bytes_per_token / 1024;
    return free_kib > taken ? free_kib - taken : 0;
}

static u64 estimated(OoQuantity quantity, u64 value, u32 old, u32 new, const EstimateFacts *facts) {
    switch (quantity) {
    case OO_QUANTITY_FREE_MEMORY_KIB:
        return memory_with(value, old, new, facts->bytes_per_token);
    case OO_QUANTITY_DECODE_CYCLES_PER_TOKEN:
        return cycles_at(value, old, new, facts->relative_cost_per_token);
    case OO_QUANTITY_CONTEXT_OVERFLOWS_PER_MILLE:
        break;
    }
    return new > 0 ? (u64)((f64)value * old / new) : value;
}

Outcome outcome_estimate(OoAction action, u32 old, u32 new, const EstimateFacts *facts) {
    const ActionInfo *info = &ACTIONS[action];
    Outcome outcome = {0};
    if (!vitals_quantity(&facts->now, info->quantity, &outcome.before)) {
        return labelled(outcome, OO_LABEL_PENDING, REASON_ID_OO_SIMULATED);
    }
    outcome.after = estimated(info->quantity, outcome.before, old, new, facts);
    outcome = compared(outcome, info->direction, effect_scale(action, &facts->now, outcome.before));
    return labelled(outcome, outcome.label, REASON_ID_OO_SIMULATED);
}

static u32 share_of(u32 value, u32 parts, u32 of) { return (u32)((u64)value * parts / of); }

static void keep(Tally *tally, u32 parts, u32 of) {
    tally->good_milli = share_of(tally->good_milli, parts, of);
    tally->bad_milli = share_of(tally->bad_milli, parts, of);
}

void tally_add(Tally *tally, OoLabel label) {
    if (label == OO_LABEL_PENDING) return;
    keep(tally, 7, 8);
    if (label == OO_LABEL_HELPFUL) tally->good_milli += TALLY_ONE;
    if (label == OO_LABEL_HARMFUL) tally->bad_milli += TALLY_ONE;
}

void tally_age(Tally *tally) { keep(tally, 31, 32); }

/** From the best to the worst, in thousandths. */
typedef struct BiasTable {
    i64 much_good, good, bad, much_bad;
    i32 biases[4];
} BiasTable;

i32 tally_bias(OoAction action, const Tally *tally) {
    static const BiasTable TABLES[] = {
        [ACTION_REDUCE] = {3000, 500, -500, -3000, {8, 4, -5, -10}},
        [ACTION_INCREASE] = {2000, 500, -500, -2000, {6, 3, -4, -8}},
    };
    if (!action_changes(action)) return 0;
    const BiasTable *table = &TABLES[ACTIONS[action].kind];
    i64 balance = (i64)tally->good_milli - (i64)tally->bad_milli;
    if (balance >= table->much_good) return table->biases[0];
    if (balance >= table->good) return table->biases[1];
    if (balance <= table->much_bad) return table->biases[3];
    return balance <= table->bad ? table->biases[2] : 0;
}
