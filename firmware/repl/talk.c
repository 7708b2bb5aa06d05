#include "firmware/repl/talk.h"

#include "firmware/events/markers.gen.h"

static void begin_answer(void *argument) { say(argument, "AI: "); }

static void show_text(void *argument, Str text) { say_str(argument, text); }

static void show_cleared(void *argument, u32 position, u32 prompt_tokens) {
    Session *session = argument;
    event_chat_cleared(&session->sink, position, prompt_tokens, session->engine.transformer.context);
}

/** Esc and Ctrl-C end the answer, and a script with it. */
static bool is_interrupted(void *argument) {
    Session *session = argument;
    return keys_interrupted(&session->keys);
}

static f64 per_second(u64 count, u64 us) { return us ? (f64)count * 1e6 / (f64)us : 0; }

static void report(Session *session, const TurnResult *result) {
    event_gen_end(&session->sink, result->tokens, result->reason, result->step, result->position, result->prompt_tokens,
                  result->prefill_us, result->decode_us, result->ids);
    if (!session->config.stats) return;
    event_stats(&session->sink, result->tokens, result->decode_us, per_second(result->tokens, result->decode_us),
                per_second(result->prompt_tokens, result->prefill_us));
}

static void report_error(Session *session, const Error *error) {
    if (error->code == ERROR_OUT_OF_MEMORY) event_mem_short(&session->sink, str_from_c(error->message));
    say_error(session, "%s", error->message);
}

void talk(Session *session, Str line) {
    const Config *config = &session->config;
    TurnLimits limits = {config->max_tokens, config->stop_you, config->stop_nl};
    TurnObserver observer = {.argument = session,
                             .started = begin_answer,
                             .text = show_text,
                             .cleared = show_cleared,
                             .interrupted = is_interrupted};
    TurnResult result;
    Error error;
    if (!session->engine.is_ready) {
        say_error(session, "there is no model to talk to; /models lists those on the volume, /help the commands");
        return;
    }
    session->engine.sampler.settings = config->sampler;
    if (!generate_turn(&session->engine.conversation, line, limits, &observer, session->platform, &session->scratch,
                       &result, &error)) {
        report_error(session, &error);
        return;
    }
    say(session, "\n");
    report(session, &result);
    if (result.reason == STOP_REASON_USER && session->autorun.is_running) {
        autorun_stop(&session->autorun, &session->sink);
    }
}
