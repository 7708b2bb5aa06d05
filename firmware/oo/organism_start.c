/* The start of a boot: what the state on the volume says about the boots before. */
#include "firmware/oo/organism_internal.h"

static const Str STATE_PATHS[2] = {STR("OOSTATE.BIN"), STR("OORECOV.BIN")};

/* ---- reading ---- */

/** Says what is wrong with the state files; true when anything is. */
static bool say_damaged(const Organism *organism) {
    bool is_damaged = false;
    for (usize i = 0; i < COUNT_OF(STATE_PATHS); i++) {
        SlotState state = organism->slots.states[i];
        if (state == SLOT_MISSING || state == SLOT_VALID) continue;
        event_oo_recovery(organism->sink, organism->slots.paths[i], str_from_c(organism->slots.problems[i].message));
        is_damaged = true;
    }
    return is_damaged;
}

/** The record of the newest slot is whole; its text need not be one that this program can read. */
static bool read_record(Organism *organism, Str record) {
    Error error;
    if (state_read(record, &organism->state, &error)) return true;
    event_oo_recovery(organism->sink, organism->slots.paths[organism->slots.newest], str_from_c(error.message));
    return false;
}

static u64 last_boot(const Organism *organism, const Platform *platform) {
    Arena scratch = arena_new(platform->pages, 0);
    u64 boot = journal_last_boot(organism->journal, &scratch);
    arena_free(&scratch);
    return boot;
}

/** Reads the state of the boot before. `*reason` is why it is unknown, when it is (stage BOOT_NONE). */
static void read_state(Organism *organism, const Platform *platform, ReasonId *reason) {
    Str record;
    bool is_there = slots_open(&organism->slots, platform, STATE_PATHS[0], STATE_PATHS[1], &record);
    bool is_damaged = say_damaged(organism);
    organism->state = state_new();
    if (is_there && !read_record(organism, record)) is_there = false, is_damaged = true;
    if (!is_there && is_damaged) organism->state.boot_count = last_boot(organism, platform);
    organism->state.recoveries = is_damaged ? organism->state.recoveries + 1 : 0;
    if (organism->state.trial_boot == 0) organism->state.trial = organism->state.confirmed;
    *reason = is_damaged ? REASON_ID_OO_MODE_RECOVERED : REASON_ID_OO_MODE_INIT;
}

/* ---- judging ---- */

static void count_boot(Organism *organism, OoHealth previous, ReasonId unknown) {
    OoState *state = &organism->state;
    ModeStep step = mode_next(state->mode, state->healthy_boots, previous);
    state->boot_count++;
    state->mode = step.mode;
    state->healthy_boots = step.healthy_boots;
    organism->journal->boot = state->boot_count;
    event_oo_boot(organism->sink, state->boot_count, step.mode, previous, step.healthy_boots,
                  previous == OO_HEALTH_NONE ? unknown : step.reason);
}

void organism_say_rollback(const Organism *organism, const OoValues *changes, ReasonId reason) {
    const OoValues *confirmed = &organism->state.confirmed;
    for (OoKey key = 0; key < OO_KEYS; key++) {
        if (changes->of[key] == confirmed->of[key]) continue;
        event_oo_rollback(organism->sink, key, changes->of[key], confirmed->of[key], reason);
    }
}

/** Judges what the boot before had applied or on trial. */
static void judge_before(Organism *organism, OoHealth previous) {
    OoState *state = &organism->state;
    Vitals before = state->vitals;
    bool was_trial = state->trial_boot > 0 && state->trial_boot <= before.boot;
    bool is_undone = was_trial && previous == OO_HEALTH_UNHEALTHY;
    if (is_undone) organism_say_rollback(organism, &state->trial, REASON_ID_OO_ROLLBACK_UNHEALTHY);
    organism_judge(organism, &before, previous);
    if (is_undone) state->trial = state->confirmed;
}

static bool is_changed(const OoState *state, OoKey key) {
    return state->trial.of[key] > 0 || state->confirmed.of[key] > 0;
}

/** What the operator has set anew since its change was made is the operator's again. */
static void follow_operator(Organism *organism, const OoValues *values) {
    OoState *state = &organism->state;
    for (OoKey key = 0; key < OO_KEYS; key++) {
        u32 now = values->of[key];
        if (is_changed(state, key) && now != state->operator_values.of[key]) {
            event_oo_rollback(organism->sink, key, state->trial.of[key], 0, REASON_ID_OO_OPERATOR_OVERRIDES);
            state->trial.of[key] = state->confirmed.of[key] = 0;
        }
        if (!is_changed(state, key)) state->operator_values.of[key] = now;
    }
}

/* ---- beginning ---- */

static void begin_boot(Organism *organism) {
    OoState *state = &organism->state;
    if (oo_values_equal(&state->trial, &state->confirmed)) state->trial_boot = 0;
    organism->is_trial = state->trial_boot > 0 && state->trial_boot <= state->boot_count;
    organism->in_force = organism->is_trial ? state->trial : state->confirmed;
    organism_drop_stale(organism);
    for (OoAction action = 0; action < OO_ACTIONS; action++) tally_age(&state->tallies[action]);
    state->stage = BOOT_STARTED;
    state->vitals = (Vitals){.boot = state->boot_count};
}

/** Nothing could be learnt from this boot: it runs without what is on trial, which waits for the next. */
static void suspend_trial(Organism *organism) {
    organism_say_rollback(organism, &organism->in_force, REASON_ID_OO_ROLLBACK_STATE_LOST);
    organism->in_force = organism->state.confirmed;
    organism->is_trial = false;
    organism->state.trial_boot = organism->state.boot_count + 1;
}

void organism_start(Organism *organism, const OrganismStart *start) {
    ReasonId unknown;
    *organism = (Organism){.is_alive = start->settings.enabled,
                           .sink = start->sink,
                           .journal = start->journal,
                           .settings = start->settings,
                           .ram_mib = start->ram_mib};
    if (!organism->is_alive) return;
    read_state(organism, start->platform, &unknown);
    OoHealth previous = boot_health(organism->state.stage);
    count_boot(organism, previous, unknown);
    judge_before(organism, previous);
    follow_operator(organism, &start->operator_values);
    begin_boot(organism);
    if (!organism_keep(organism) && organism->is_trial) suspend_trial(organism);
}
