#include "firmware/repl/oo_commands.h"

#include "firmware/base/mem.h"
#include "firmware/events/markers.gen.h"
#include "firmware/infer/choice.h"

/* ---- consults ---- */

static void tell_shares(Session *session, const f64 logprobs[OO_ACTIONS], const f64 shares[OO_ACTIONS]) {
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        event_oo_choice(&session->sink, action, logprobs[action], shares[action]);
    }
}

static bool ask_model(Session *session, f64 logprobs[OO_ACTIONS], Error *error) {
    char question[ADVICE_QUESTION_MAX];
    AdviceFacts facts = organism_facts(&session->organism);
    Str options[OO_ACTIONS];
    for (OoAction action = 0; action < OO_ACTIONS; action++) options[action] = str_from_c(ACTIONS[action].phrase);
    Choice choice = {advice_question(&facts, question), advice_question_blank(), options, OO_ACTIONS};
    event_oo_consult_start(&session->sink, facts.mode, facts.ram_mib, facts.ctx, facts.seq, facts.boots);
    return choice_score(&session->engine.conversation, &choice, &session->scratch, logprobs, error);
}

static void consult_model(Session *session) {
    f64 logprobs[OO_ACTIONS], shares[OO_ACTIONS];
    Advice advice;
    Error error;
    if (!ask_model(session, logprobs, &error)) {
        event_oo_consult_refused(&session->sink, REASON_ID_OO_CONSULT_NO_MEMORY);
        say_error(session, "the model was not consulted: %s", error.message);
        return;
    }
    advice_choose(logprobs, shares, &advice);
    tell_shares(session, logprobs, shares);
    organism_consult(&session->organism, &advice);
}

static bool can_consult(Session *session) {
    const OoSettings *settings = &session->config.oo;
    if (settings->enabled && settings->consult) return true;
    event_oo_consult_refused(&session->sink, REASON_ID_OO_CONSULT_DISABLED);
    say(session, "There are no consults: they need oo_enable=1 and oo_llm_consult=1 in repl.cfg.\n");
    return false;
}

void oo_consult(Session *session, Argument argument) {
    (void)argument;
    if (!can_consult(session)) return;
    if (session->engine.is_ready) {
        consult_model(session);
    } else {
        event_oo_consult_refused(&session->sink, REASON_ID_OO_CONSULT_NO_MODEL);
        say(session, "There is no model to consult; /models lists those on the volume.\n");
    }
}

void oo_consult_mock(Session *session, Argument argument) {
    Advice advice;
    if (!can_consult(session)) return;
    advice_parse(argument.text, &advice);
    organism_consult(&session->organism, &advice);
}

/* ---- logs ---- */

static bool is_kept(Session *session) {
    if (session->journal.is_open) return true;
    say(session, "Nothing is kept on the volume: that needs oo_enable=1, autotune=1 or guardrails=1 in repl.cfg, and a "
                 "volume that can be written.\n");
    return false;
}

static void show_record(void *argument, u64 number, Str text) {
    say(argument, "  event=%llu ", (unsigned long long)number);
    say_str(argument, text);
    say(argument, "\n");
}

static void show_log(Session *session, EventLog log, Argument argument) {
    Error error;
    ArenaMark mark = arena_mark(&session->scratch);
    if (is_kept(session) && !journal_recent(&session->journal, log, (usize)argument.number, &session->scratch,
                                            show_record, session, &error)) {
        say_error(session, "%s", error.message);
    }
    arena_release(&session->scratch, mark);
}

void oo_jour(Session *session, Argument argument) { show_log(session, EVENT_LOG_JOURNAL, argument); }

void oo_log(Session *session, Argument argument) { show_log(session, EVENT_LOG_CONSULT, argument); }

void oo_outcomes(Session *session, Argument argument) { show_log(session, EVENT_LOG_OUTCOME, argument); }

/** The record that is looked for: that of one event, or the last one. */
typedef struct Wanted {
    u64 number; /* 0: the last */
    u64 found;
    char text[RECORD_LINE_MAX];
    usize text_len;
} Wanted;

static void look_at(void *argument, u64 number, Str text) {
    Wanted *wanted = argument;
    if ((wanted->number > 0 && number != wanted->number) || text.len > sizeof(wanted->text)) return;
    wanted->found = number;
    wanted->text_len = text.len;
    memcpy(wanted->text, text.data, text.len);
}

/** The word behind "reason_id=", up to what cannot be part of one. */
static Str reason_of(Str text) {
    static const Str KEY = STR("reason_id=");
    Str word = str_skip(text, str_find(text, KEY) + KEY.len);
    usize len = 0;
    while (len < word.len && word.data[len] != ' ' && word.data[len] != ')' && word.data[len] != ',') len++;
    return str_take(word, len);
}

static void explain(Session *session, const Wanted *wanted) {
    Str text = {wanted->text, wanted->text_len};
    Str reason = reason_of(text);
    show_record(session, wanted->found, text);
    for (ReasonId id = 0; id < REASON_ID_VALUES; id++) {
        if (!str_eq(reason_id_word(id), reason)) continue;
        say(session, "  %.*s: %.*s\n", STR_ARG(reason), STR_ARG(reason_id_doc(id)));
        return;
    }
    say(session, "  its reason is none that this build knows\n");
}

void oo_explain(Session *session, Argument argument) {
    Error error;
    if (!is_kept(session)) return;
    ArenaMark mark = arena_mark(&session->scratch);
    Wanted *wanted = ARENA_NEW(&session->scratch, Wanted, 1);
    if (!wanted) {
        session_out_of_memory(session, STR("no memory to look into the journal"));
        return;
    }
    wanted->number = argument.number;
    if (!journal_recent(&session->journal, EVENT_LOG_JOURNAL, SIZE_MAX, &session->scratch, look_at, wanted, &error)) {
        say_error(session, "%s", error.message);
    } else if (wanted->found > 0) {
        explain(session, wanted);
    } else if (wanted->number > 0) {
        say_error(session, "event %llu is not in the journal: /oo_jour lists the last ones",
                  (unsigned long long)wanted->number);
    } else {
        say(session, "The journal is empty.\n");
    }
    arena_release(&session->scratch, mark);
}

/* ---- status ---- */

static const char *stage_text(BootStage stage) {
    static const char *const TEXTS[] = {
        [BOOT_NONE] = "no boot",        [BOOT_STARTED] = "started",
        [BOOT_READY] = "at the prompt", [BOOT_ASKED] = "asked, not answered yet",
        [BOOT_HEALTHY] = "healthy",     [BOOT_LOST] = "unhealthy",
    };
    return TEXTS[stage];
}

static void show_changes(Session *session) {
    const Organism *organism = &session->organism;
    for (OoKey key = 0; key < OO_KEYS; key++) {
        u32 now = organism->in_force.of[key];
        if (now > 0) {
            bool is_on_trial = organism->is_trial && now != organism->state.confirmed.of[key];
            say(session, "  %.*s=%u, %s\n", STR_ARG(oo_key_word(key)), now,
                is_on_trial ? "on trial in this boot" : "confirmed");
        }
        u32 next = organism->state.trial.of[key];
        if (organism->state.trial_boot > 0 && next != now)
            say(session, "  %.*s=%u from the next boot\n", STR_ARG(oo_key_word(key)), next);
    }
}

static void show_pending(Session *session) {
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        const Pending *pending = &session->organism.state.pending[i];
        if (!pending->is_used) continue;
        say(session, "  %.*s (%u to %u) of boot %llu, event %llu: its effect is not known yet\n",
            STR_ARG(oo_action_word(pending->action)), pending->old, pending->new, (unsigned long long)pending->boot,
            (unsigned long long)pending->event);
    }
}

static void show_tallies(Session *session) {
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        const Tally *tally = &session->organism.state.tallies[action];
        if (!action_changes(action)) continue;
        say(session, "  %-12.*s helpful %.3f harmful %.3f\n", STR_ARG(oo_action_word(action)),
            (f64)tally->good_milli / 1000, (f64)tally->bad_milli / 1000);
    }
}

void oo_status(Session *session, Argument argument) {
    (void)argument;
    const Organism *organism = &session->organism;
    if (!organism->is_alive) {
        say(session, "The organism is off: oo_enable=1 in repl.cfg turns it on.\n");
        return;
    }
    const OoState *state = &organism->state;
    say(session, "  boot %llu, mode %.*s, %s, %u healthy in a row\n", (unsigned long long)state->boot_count,
        STR_ARG(oo_mode_word(state->mode)), stage_text(state->stage), state->healthy_boots);
    say(session, "  plan: %u of %u actions applied%s\n", organism->applied, plan_max(&organism->settings),
        organism->is_hard_stopped ? ", stopped for this boot" : "");
    say(session, "  state: %s, last event %llu\n", organism->can_save ? "kept" : "cannot be kept",
        (unsigned long long)session->journal.event);
    show_changes(session);
    show_pending(session);
    show_tallies(session);
}
