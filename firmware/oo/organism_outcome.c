/* The outcomes of applied actions: what waits to be judged, and what came of it. */
#include "firmware/oo/organism_internal.h"

static void say(const Organism *organism, const Pending *pending, const Outcome *outcome) {
    const ActionInfo *info = &ACTIONS[pending->action];
    event_oo_outcome(organism->sink, pending->action, pending->event, pending->boot, info->quantity, info->direction,
                     outcome->before, outcome->after, outcome->label, outcome->improved, outcome->reason);
}

static void close(Organism *organism, Pending *pending, const Outcome *outcome) {
    say(organism, pending, outcome);
    tally_add(&organism->state.tallies[pending->action], outcome->label);
    *pending = (Pending){0};
}

void organism_say_unmeasured(const Organism *organism, const Pending *pending) {
    Outcome outcome = {.label = OO_LABEL_PENDING, .reason = REASON_ID_OO_OUTCOME_NO_EVIDENCE};
    vitals_quantity(&pending->before, ACTIONS[pending->action].quantity, &outcome.before);
    say(organism, pending, &outcome);
}

static u32 value_in(const Vitals *vitals, OoKey key) { return key == OO_KEY_CTX_LEN ? vitals->ctx : vitals->seq; }

/** Whether a boot had a change. One that reached the prompt ran with its value, whatever else was in the way of it (a
 * mode, a policy, memory); one that did not is known by what was in force. */
static bool had_change(const OoState *state, const Pending *pending, const Vitals *boot, OoHealth health) {
    OoKey key = ACTIONS[pending->action].key;
    if (pending->boot >= boot->boot) return false;
    if (health != OO_HEALTH_UNHEALTHY) return value_in(boot, key) == pending->new;
    bool was_trial = state->trial_boot > 0 && state->trial_boot <= boot->boot;
    return was_trial || state->confirmed.of[key] == pending->new;
}

bool organism_judge(Organism *organism, const Vitals *after, OoHealth health) {
    bool has_judged = false;
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        Pending *pending = &organism->state.pending[i];
        if (!pending->is_used || !had_change(&organism->state, pending, after, health)) continue;
        Outcome outcome = outcome_judge(pending->action, &pending->before, after, health);
        if (outcome.reason == REASON_ID_OO_OUTCOME_NO_EVIDENCE) continue;
        close(organism, pending, &outcome);
        has_judged = true;
    }
    return has_judged;
}

static bool is_stale(const Organism *organism, const Pending *pending) {
    u32 in_force = organism->in_force.of[ACTIONS[pending->action].key];
    return in_force != pending->new || organism->state.boot_count - pending->boot > PENDING_BOOTS_MAX;
}

void organism_drop_stale(Organism *organism) {
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        Pending *pending = &organism->state.pending[i];
        if (!pending->is_used || !is_stale(organism, pending)) continue;
        organism_say_unmeasured(organism, pending);
        *pending = (Pending){0};
    }
}

static Pending *free_place(Organism *organism) {
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        if (!organism->state.pending[i].is_used) return &organism->state.pending[i];
    }
    return NULL;
}

/** The order in which they make room: first what this boot has changed again itself, which no boot will ever have. */
static u64 rank(const OoState *state, const Pending *pending) {
    bool is_superseded = state->trial.of[ACTIONS[pending->action].key] != pending->new;
    return pending->boot == state->boot_count && is_superseded ? 0 : pending->boot;
}

Pending organism_make_room(Organism *organism) {
    const OoState *state = &organism->state;
    Pending *first = &organism->state.pending[0];
    if (free_place(organism)) return (Pending){0};
    for (usize i = 1; i < STATE_PENDING_MAX; i++) {
        Pending *pending = &organism->state.pending[i];
        if (rank(state, pending) < rank(state, first)) first = pending;
    }
    Pending dropped = *first;
    *first = (Pending){0};
    return dropped;
}

Pending *organism_add_pending(Organism *organism, OoAction action, u32 old, u32 new) {
    Pending *pending = free_place(organism);
    *pending = (Pending){.is_used = true, .action = action, .boot = organism->state.boot_count, .old = old, .new = new};
    return pending;
}
