#include "firmware/repl/guard_commands.h"

#include "firmware/events/markers.gen.h"

void guard_metrics(Session *session, Argument argument) {
    (void)argument;
    if (!session_write_metrics(session)) say_error(session, "the metrics are not on the volume; /log 1 says why");
}

void guard_autotune_status(Session *session, Argument argument) {
    (void)argument;
    const Guards *guards = &session->guards;
    AutotuneSettings settings = guards_autotune_settings(guards);
    u64 hi, lo;
    autotune_thresholds(&settings, guards->calibration.median, &hi, &lo);
    event_m18_status(&session->sink, settings.enabled, hi, lo, settings.step_top_k, settings.step_max_tokens,
                     settings.step_temp_milli, guards->autotune.last_action, guards->autotune.last_cpt,
                     settings.enabled ? guards->autotune.last_reason : REASON_ID_M18_HOLD_DISABLED);
    guards_show_knobs(guards);
}

void guard_status(Session *session, Argument argument) {
    (void)argument;
    const Guards *guards = &session->guards;
    const Config *config = &session->config;
    event_m181_status(&session->sink, config->guardrails, config->guard_hard_stop, config->guard_safe_turns,
                      config->guard_reset_kv, guards->guard.deadline, guards->guard.safe_turns_left,
                      guards->guard.trips, guards->guard.last_trip_overruns);
    guards_show_knobs(guards);
}

/** What was built on the failure is thrown away; the model and its tokenizer, which nothing writes to, stay. */
void guard_reset(Session *session, Argument argument) {
    (void)argument;
    if (session->engine.is_ready) session_forget(session);
    guards_reset(&session->guards);
    event_sentinel_reset(&session->sink, REASON_ID_SENTINEL_RESET);
}

void guard_test_delay(Session *session, Argument argument) {
    session->guards.delay_us = (u32)argument.number;
    say(session, "Every token is held up by %u microseconds.\n", session->guards.delay_us);
}

void guard_test_failsafe(Session *session, Argument argument) {
    (void)argument;
    session->guards.sentinel.is_armed = true;
    say(session, "The next prompt meets a failed internal check; /reset makes the session usable again.\n");
}
