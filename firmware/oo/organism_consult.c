/* B1 to B3 in one consult: an advice is weighed, and every action of it gets a decision. */
#include "firmware/oo/organism_internal.h"

typedef struct Consult {
    Organism *organism;
    const Advice *advice;
    Confidence confidence;
    bool passes; /* the score reaches the threshold */
    u32 applied, simulated, blocked;
} Consult;

static OoGate gate_of(const OoSettings *settings) { return settings->conf_gate ? OO_GATE_ENFORCED : OO_GATE_LOG_ONLY; }

/* ---- weighing ---- */

/** The advised action with the worst outcomes; OO_ACTION_STABLE, which has none, when nothing is advised. */
static OoAction worst_of(const Consult *consult) {
    const Advice *advice = consult->advice;
    const Tally *tallies = consult->organism->state.tallies;
    OoAction worst = advice->count > 0 ? advice->actions[0] : OO_ACTION_STABLE;
    for (u32 i = 1; i < advice->count; i++) {
        OoAction action = advice->actions[i];
        if (tally_bias(action, &tallies[action]) < tally_bias(worst, &tallies[worst])) worst = action;
    }
    return worst;
}

static void say_confidence(const Consult *consult, ReasonId reason) {
    const OoSettings *settings = &consult->organism->settings;
    const Confidence *c = &consult->confidence;
    event_oo_confidence(consult->organism->sink, c->score, c->base, c->mode, c->ram, c->ctx, c->seq, c->advice,
                        c->strength, c->feedback, settings->conf_threshold, gate_of(settings), consult->passes, reason);
}

static void weigh(Consult *consult) {
    const Organism *organism = consult->organism;
    const Vitals *vitals = &organism->state.vitals;
    ReasonId reason;
    OoAction worst = worst_of(consult);
    const Tally *tally = &organism->state.tallies[worst];
    i32 bias = tally_bias(worst, tally);
    ConfidenceFacts facts = {organism->state.mode, organism->ram_mib, vitals->ctx, vitals->seq, bias};
    consult->confidence = confidence_score(consult->advice, &facts);
    consult->passes = confidence_gate(&consult->confidence, &organism->settings, &reason);
    say_confidence(consult, reason);
    event_oo_feedback(organism->sink, (f64)tally->good_milli / 1000, (f64)tally->bad_milli / 1000, bias);
}

static ReasonId plan_reason(const Organism *organism, u32 remain) {
    if (organism->is_hard_stopped) return REASON_ID_OO_PLAN_HARD_STOP;
    return remain > 0 ? REASON_ID_OO_PLAN_ACTIVE : REASON_ID_OO_PLAN_EXHAUSTED;
}

static void say_plan(const Organism *organism) {
    const OoSettings *settings = &organism->settings;
    u32 max = plan_max(settings), remain = max > organism->applied ? max - organism->applied : 0;
    event_oo_plan(organism->sink, settings->plan_enable, max, organism->applied, remain, organism->is_hard_stopped,
                  plan_reason(organism, remain));
}

/* ---- applying ---- */

/** Before the first action of a boot: the state it would return to is on the volume. */
static bool checkpoint(Organism *organism, Error *error) {
    if (organism->is_checkpointed) return true;
    if (!organism_save(organism, error)) return false;
    organism->is_checkpointed = true;
    event_oo_checkpoint(organism->sink, organism->slots.generation, REASON_ID_OO_PLAN_CHECKPOINT);
    return true;
}

/** The next boot has the change, on trial like those that this boot has on trial. */
static Pending *change_state(Organism *organism, OoAction action, const PlanStep *step) {
    OoState *state = &organism->state;
    state->trial.of[ACTIONS[action].key] = step->new;
    if (state->trial_boot == 0) state->trial_boot = state->boot_count + 1;
    return organism_add_pending(organism, action, step->old, step->new);
}

/** Reads the state back from the volume, as the next boot will, and compares all of it. */
static bool verify(Organism *organism, Error *error) {
    Str record;
    OoState state;
    if (!slots_reload(&organism->slots, &record, error) || !state_read(record, &state, error)) return false;
    Str wanted = {organism->text, state_write(&organism->state, organism->text)};
    return str_eq(record, wanted) ||
           fail(error, ERROR_CORRUPT, "the state on the volume is not the one that was written");
}

/** Back to the state before, here and on the volume. */
static void revert(Organism *organism, const OoState *before, const Error *error) {
    Error other;
    organism->state = *before;
    organism->is_hard_stopped = true;
    bool is_restored = organism_save(organism, &other);
    if (!is_restored || error->code != ERROR_CORRUPT) organism_say_write_failed(organism, error);
}

/** The place of the action among those to be judged; NULL, with everything as before, when it could not be applied.
 * What it takes the place of is dropped only with it. */
static Pending *apply(Organism *organism, OoAction action, const PlanStep *step, Error *error) {
    OoState before = organism->state;
    if (checkpoint(organism, error)) {
        Pending dropped = organism_make_room(organism);
        Pending *pending = change_state(organism, action, step);
        if (organism_save(organism, error) && verify(organism, error)) {
            if (dropped.is_used) organism_say_unmeasured(organism, &dropped);
            return pending;
        }
    }
    revert(organism, &before, error);
    return NULL;
}

/** Says that an action is applied, and keeps the number of that event with it. */
static void say_applied(Organism *organism, OoAction action, const PlanStep *step, Pending *pending) {
    u64 last = organism->journal->event;
    event_oo_applied(organism->sink, action, step->old, step->new, step->reason);
    if (organism->journal->event == last) return;
    pending->event = organism->journal->event;
    organism_keep(organism);
}

static void do_apply(Consult *consult, OoAction action, const PlanStep *step) {
    Organism *organism = consult->organism;
    Error error;
    Pending *pending = apply(organism, action, step, &error);
    if (pending) {
        consult->applied++;
        organism->applied++;
        say_applied(organism, action, step, pending);
        return;
    }
    consult->blocked++;
    event_oo_apply_failed(organism->sink, action, step->old, step->new,
                          error.code == ERROR_CORRUPT ? REASON_ID_OO_APPLY_VERIFY_FAILED
                                                      : REASON_ID_OO_APPLY_WRITE_FAILED);
}

/* ---- deciding ---- */

static void do_simulate(Consult *consult, OoAction action, const PlanStep *step) {
    const Organism *organism = consult->organism;
    EstimateFacts facts = organism->rates;
    facts.now = organism->state.vitals;
    Outcome estimate = outcome_estimate(action, step->old, step->new, &facts);
    consult->simulated++;
    event_oo_simulated(organism->sink, action, step->old, step->new, estimate.label, ACTIONS[action].quantity,
                       estimate.before, estimate.after, step->reason);
}

static void do_block(Consult *consult, OoAction action, const PlanStep *step) {
    consult->blocked++;
    event_oo_blocked(consult->organism->sink, action, step->old, step->new, consult->confidence.score,
                     consult->organism->settings.conf_threshold, step->reason);
}

static void do_log(Consult *consult, OoAction action, const PlanStep *step) {
    bool is_stable = ACTIONS[action].kind == ACTION_NOTHING;
    event_oo_decided(consult->organism->sink, is_stable ? OO_DECISION_SYSTEM_STABLE : OO_DECISION_LOGGED_ONLY,
                     step->reason);
}

/** The value that the next boot would have. */
static u32 next_value(const Organism *organism, OoKey key, u32 running) {
    u32 change = organism->state.trial.of[key];
    return change == organism->in_force.of[key] ? running : change;
}

static PlanFacts plan_facts(const Consult *consult, u32 index) {
    const Organism *organism = consult->organism;
    const Vitals *vitals = &organism->state.vitals;
    return (PlanFacts){.settings = &organism->settings,
                       .mode = organism->state.mode,
                       .ram_mib = organism->ram_mib,
                       .ctx = next_value(organism, OO_KEY_CTX_LEN, vitals->ctx),
                       .seq = next_value(organism, OO_KEY_SEQ_LEN, vitals->seq),
                       .model_context = organism->model_context,
                       .gate_blocks = organism->settings.conf_gate && !consult->passes,
                       .is_hard_stopped = organism->is_hard_stopped,
                       .can_save = organism->can_save,
                       .applied = organism->applied,
                       .index = index};
}

static void decide(Consult *consult, u32 index) {
    static void (*const DO[])(Consult *, OoAction, const PlanStep *) = {
        [PLAN_APPLY] = do_apply, [PLAN_SIMULATE] = do_simulate, [PLAN_BLOCK] = do_block, [PLAN_DECIDE] = do_log};
    OoAction action = consult->advice->actions[index];
    PlanFacts facts = plan_facts(consult, index);
    PlanStep step = plan_step(action, &facts);
    DO[step.verdict](consult, action, &step);
}

static void decide_all(Consult *consult) {
    for (u32 i = 0; i < consult->advice->count; i++) decide(consult, i);
    if (consult->advice->count > 0) return;
    event_oo_decided(consult->organism->sink, OO_DECISION_IGNORED, REASON_ID_OO_NO_ACTIONABLE_KEYWORD);
}

static Str words_of(const Advice *advice) { return (Str){advice->text, advice->text_len}; }

static void say_consulted(const Consult *consult) {
    const Organism *organism = consult->organism;
    const OoSettings *settings = &organism->settings;
    const Vitals *vitals = &organism->state.vitals;
    event_oo_consulted(organism->sink, organism->state.mode, organism->ram_mib, vitals->ctx, vitals->seq,
                       consult->advice->source, words_of(consult->advice), consult->applied, consult->simulated,
                       consult->blocked, consult->confidence.score, settings->conf_threshold, gate_of(settings),
                       REASON_ID_OO_CONSULT_DONE);
}

void organism_consult(Organism *organism, const Advice *advice) {
    if (!organism->is_alive || !organism->settings.consult) {
        event_oo_consult_refused(organism->sink, REASON_ID_OO_CONSULT_DISABLED);
        return;
    }
    Consult consult = {.organism = organism, .advice = advice};
    event_oo_suggested(organism->sink, words_of(advice), advice->source, advice->margin);
    weigh(&consult);
    say_plan(organism);
    decide_all(&consult);
    say_consulted(&consult);
}
