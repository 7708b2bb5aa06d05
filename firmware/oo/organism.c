#include "firmware/oo/organism_internal.h"

/* ---- writing ---- */

/** Evidence gathered after a consult counts as before its actions, too. */
static void refresh_pending(OoState *state) {
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        Pending *pending = &state->pending[i];
        if (pending->is_used && pending->boot == state->boot_count) pending->before = state->vitals;
    }
}

bool organism_save(Organism *organism, Error *error) {
    refresh_pending(&organism->state);
    Str payload = {organism->text, state_write(&organism->state, organism->text)};
    organism->can_save = slots_save(&organism->slots, payload, error);
    return organism->can_save;
}

void organism_say_write_failed(Organism *organism, const Error *error) {
    if (organism->has_write_failed) return;
    organism->has_write_failed = true;
    event_oo_write_failed(organism->sink, str_from_c(error->message));
}

bool organism_keep(Organism *organism) {
    Error error;
    if (organism_save(organism, &error)) return true;
    organism_say_write_failed(organism, &error);
    return false;
}

/* ---- what is in force ---- */

OoValues organism_values(const Organism *organism) { return organism->in_force; }

u32 organism_clamp(Organism *organism, u32 wanted) {
    u32 cap = organism->is_alive ? mode_context_cap(organism->state.mode) : 0;
    if (cap == 0 || (wanted > 0 && wanted <= cap)) return wanted;
    event_oo_clamp(organism->sink, wanted, cap, organism->state.mode, REASON_ID_OO_CLAMP_MODE);
    return cap;
}

AdviceFacts organism_facts(const Organism *organism) {
    const Vitals *vitals = &organism->state.vitals;
    return (AdviceFacts){.mode = organism->state.mode,
                         .ram_mib = organism->ram_mib,
                         .ctx = vitals->ctx,
                         .seq = vitals->seq,
                         .boots = organism->state.boot_count,
                         .overflows = vitals->overflows,
                         .allocation_failures = vitals->allocation_failures,
                         .turns = vitals->turns};
}

/* ---- health ---- */

static void lose_health(Organism *organism, ReasonId reason) {
    bool is_first = organism->state.stage != BOOT_LOST;
    organism->state.stage = BOOT_LOST;
    organism_keep(organism);
    if (is_first) event_oo_health(organism->sink, OO_HEALTH_UNHEALTHY, reason);
}

void organism_failed(Organism *organism, ReasonId reason) {
    Vitals *vitals = &organism->state.vitals;
    if (!organism->is_alive) return;
    if (reason == REASON_ID_OO_HEALTH_LOST_SENTINEL) vitals->sentinel_trips++;
    if (reason == REASON_ID_OO_HEALTH_LOST_MEMORY) vitals->allocation_failures++;
    lose_health(organism, reason);
}

static void take_measures(Organism *organism, const OrganismReady *ready) {
    Vitals *vitals = &organism->state.vitals;
    vitals->stratum = ready->stratum;
    vitals->free_kib = ready->free_kib;
    vitals->context_kib = ready->context_kib;
    vitals->ctx = ready->ctx;
    vitals->seq = ready->seq;
    if (ready->allocation_failures > vitals->allocation_failures) {
        vitals->allocation_failures = ready->allocation_failures;
    }
    organism->model_context = ready->model_context;
    organism->rates = (EstimateFacts){.bytes_per_token = ready->bytes_per_token,
                                      .relative_cost_per_token = ready->relative_cost_per_token};
}

void organism_ready(Organism *organism, const OrganismReady *ready) {
    if (!organism->is_alive) return;
    take_measures(organism, ready);
    if (ready->model == MODEL_MISSED) {
        lose_health(organism, REASON_ID_OO_HEALTH_LOST_MODEL);
    } else if (organism->state.vitals.allocation_failures > 0) {
        lose_health(organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    } else if (organism->state.stage == BOOT_LOST) {
        organism_keep(organism);
    } else if (ready->model == MODEL_NONE_ON_PURPOSE) {
        organism->state.stage = BOOT_HEALTHY;
        organism_keep(organism);
        event_oo_health(organism->sink, OO_HEALTH_HEALTHY, REASON_ID_OO_HEALTH_NO_MODEL);
    } else {
        organism->state.stage = BOOT_READY;
        organism_keep(organism);
    }
}

/* ---- turns ---- */

void organism_asked(Organism *organism) {
    if (!organism->is_alive || organism->state.stage != BOOT_READY) return;
    organism->state.stage = BOOT_ASKED;
    organism_keep(organism);
}

static u64 median(u64 *values, usize count) {
    for (usize i = 1; i < count; i++) {
        u64 value = values[i];
        usize at = i;
        for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
        values[at] = value;
    }
    u64 low = values[(count - 1) / 2], high = values[count / 2];
    return low + (high - low) / 2;
}

static void measure_turn(Organism *organism, u64 cpt) {
    u64 cpts[ORGANISM_TURNS];
    if (cpt == 0) return;
    organism->turn_cpts[organism->measured_turns++ % ORGANISM_TURNS] = cpt;
    usize count = min_usize(organism->measured_turns, ORGANISM_TURNS);
    for (usize i = 0; i < count; i++) cpts[i] = organism->turn_cpts[i];
    organism->state.vitals.decode_cpt = median(cpts, count);
}

static u32 sum_to_most(u32 a, u32 b) { return b > UINT32_MAX - a ? UINT32_MAX : a + b; }

static void count_turn(Organism *organism, u32 tokens, u64 cpt) {
    Vitals *vitals = &organism->state.vitals;
    vitals->turns = sum_to_most(vitals->turns, 1);
    vitals->tokens = sum_to_most(vitals->tokens, tokens);
    measure_turn(organism, cpt);
}

/** What this boot runs with has proved itself; what it has applied itself has not. */
static void confirm_trial(Organism *organism) {
    OoState *state = &organism->state;
    state->confirmed = organism->in_force;
    state->trial_boot = oo_values_equal(&state->trial, &state->confirmed) ? 0 : state->boot_count + 1;
    organism->is_trial = false;
}

static void say_confirmed(const Organism *organism, const OoValues *before) {
    for (OoKey key = 0; key < OO_KEYS; key++) {
        u32 value = organism->state.confirmed.of[key];
        if (value == before->of[key]) continue;
        event_oo_trial(organism->sink, key, value, REASON_ID_OO_TRIAL_CONFIRMED);
    }
}

/** Writes the state with the trial confirmed; without that it stays a trial. */
static void keep_confirmed(Organism *organism) {
    OoState before = organism->state;
    confirm_trial(organism);
    if (organism_keep(organism)) return;
    organism->state.confirmed = before.confirmed;
    organism->state.trial_boot = before.trial_boot;
    organism->is_trial = true;
}

static bool is_power_of_two(u32 n) { return (n & (n - 1)) == 0; }

void organism_answered(Organism *organism, u32 tokens, u64 cpt) {
    OoState *state = &organism->state;
    if (!organism->is_alive) return;
    OoValues confirmed = state->confirmed;
    bool is_first = state->stage == BOOT_READY || state->stage == BOOT_ASKED;
    count_turn(organism, tokens, cpt);
    if (is_first) state->stage = BOOT_HEALTHY;
    if (organism->is_trial && state->stage == BOOT_HEALTHY) {
        keep_confirmed(organism);
    } else if (is_first || is_power_of_two(state->vitals.turns)) {
        organism_keep(organism);
    }
    if (is_first) event_oo_health(organism->sink, OO_HEALTH_HEALTHY, REASON_ID_OO_HEALTH_ANSWERED);
    say_confirmed(organism, &confirmed);
}

void organism_overflowed(Organism *organism) {
    if (!organism->is_alive) return;
    organism->state.vitals.overflows++;
    organism_keep(organism);
}

void organism_guard_tripped(Organism *organism) {
    if (!organism->is_alive) return;
    organism->state.vitals.guard_trips++;
    organism_keep(organism);
}

/** What the last vitals say is judged only once they are on the volume: a start after a cut of power comes to the same.
 */
void organism_end(Organism *organism) {
    if (!organism->is_alive) return;
    if (!organism_keep(organism) || organism->state.stage != BOOT_HEALTHY) return;
    if (organism_judge(organism, &organism->state.vitals, OO_HEALTH_HEALTHY)) organism_keep(organism);
}
