#include "firmware/repl/talk.h"

#include "firmware/events/markers.gen.h"

/** A prompt that fits is a question; one that is refused asks nothing of the model. */
static void begin_answer(void *argument) {
    Session *session = argument;
    organism_asked(&session->organism);
    say(session, "AI: ");
}

static void show_text(void *argument, Str text) { say_str(argument, text); }

static void show_cleared(void *argument, u32 position, u32 prompt_tokens) {
    Session *session = argument;
    event_chat_cleared(&session->sink, position, prompt_tokens, session->engine.transformer.context);
    session->guards.metrics.kv_cache_resets++;
    session->guards.metrics.context_overflows++;
    organism_overflowed(&session->organism);
}

/** What /test_delay asks for: a token that takes longer, as one on a machine that has become slow. */
static void hold_up(const Session *session) {
    u64 end = session_now_us(session) + session->guards.delay_us;
    while (session->guards.delay_us > 0 && session_now_us(session) < end) {
    }
}

/** Esc and Ctrl-C end the answer, and a script with it. */
static bool is_interrupted(void *argument) {
    Session *session = argument;
    hold_up(session);
    return keys_interrupted(&session->keys);
}

static TurnVerdict watch_token(void *argument, const TokenTiming *timing) {
    Session *session = argument;
    return guards_token(&session->guards, timing);
}

static f64 per_second(u64 count, u64 us) { return us ? (f64)count * 1e6 / (f64)us : 0; }

static void report(Session *session, const TurnResult *result) {
    u64 prefill_us = platform_us(session->platform, result->prefill_cycles);
    u64 decode_us = platform_us(session->platform, result->decode_cycles);
    event_gen_end(&session->sink, result->tokens, result->reason, result->step, result->position, result->prompt_tokens,
                  prefill_us, decode_us, platform_us(session->platform, result->loop_cycles),
                  session->guards.guard.overruns, result->ids);
    if (!session->config.stats) return;
    event_stats(&session->sink, result->tokens, decode_us, per_second(result->tokens, decode_us),
                per_second(result->prompt_tokens, prefill_us));
}

static void report_error(Session *session, const Error *error, const TurnResult *result) {
    if (error->code == ERROR_OUT_OF_MEMORY) {
        session_out_of_memory(session, str_from_c(error->message));
        organism_failed(&session->organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    }
    if (error->code == ERROR_LIMIT) {
        u32 context = session->engine.transformer.context;
        event_limit(&session->sink, LIMIT_PROMPT_TOKENS, result->prompt_tokens ? result->prompt_tokens : context,
                    context);
    }
    say_error(session, "%s", error->message);
}

static void forget_after_trip(Session *session) {
    event_m181_kv_reset(&session->sink, session->engine.transformer.position, REASON_ID_M181_KV_RESET);
    session_forget(session);
}

/** Lets everybody who watches turns know how this one ended. */
static void conclude(Session *session, const TurnResult *result) {
    TurnEffects effects = guards_end_turn(&session->guards, result);
    if (effects.has_tripped) organism_guard_tripped(&session->organism);
    if (effects.resets_kv) forget_after_trip(session);
    if (session->guards.sentinel.is_tripped) {
        organism_failed(&session->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
    } else if (result->tokens > 0 || result->reason == STOP_REASON_USER) {
        organism_answered(&session->organism, result->decode_calls, effects.cpt);
    }
    if (result->reason == STOP_REASON_USER && session->autorun.is_running) {
        autorun_stop(&session->autorun, &session->sink);
    }
}

static bool is_able_to_talk(Session *session) {
    if (!session->engine.is_ready) {
        say_error(session, "there is no model to talk to; /models lists those on the volume, /help the commands");
    } else if (session->guards.sentinel.is_tripped) {
        say_error(session, "an internal check has failed (%.*s): nothing is answered until /reset",
                  STR_ARG(reason_id_word(session->guards.sentinel.reason)));
    } else {
        return true;
    }
    return false;
}

void talk(Session *session, Str line) {
    const Config *config = &session->config;
    TurnObserver observer = {.argument = session,
                             .started = begin_answer,
                             .text = show_text,
                             .cleared = show_cleared,
                             .interrupted = is_interrupted,
                             .timed = watch_token};
    TurnResult result;
    Error error;
    if (!is_able_to_talk(session)) return;
    Knobs knobs = guards_begin_turn(&session->guards);
    SamplerSettings *sampler = &session->engine.sampler.settings;
    *sampler = config->sampler;
    sampler->temperature = knobs.temperature;
    sampler->top_p = knobs.top_p;
    sampler->top_k = knobs.top_k;
    TurnLimits limits = {knobs.max_tokens, config->seq_len, config->stop_you, config->stop_nl};
    if (!generate_turn(&session->engine.conversation, line, limits, &observer, session->platform, &session->scratch,
                       &result, &error)) {
        report_error(session, &error, &result);
        return;
    }
    say(session, "\n");
    report(session, &result);
    conclude(session, &result);
}
