/* The table of commands, and the handlers that change something. */
#include "firmware/events/markers.gen.h"
#include "firmware/repl/guard_commands.h"
#include "firmware/repl/inform.h"
#include "firmware/repl/oo_commands.h"
#include "firmware/repl/presets.h"

static void run_clear(Session *session, Argument argument) {
    (void)argument;
    session_forget(session);
    say(session, "The conversation is forgotten.\n");
}

static void list_presets(Session *session) {
    for (usize i = 0; i < PRESET_COUNT; i++) {
        const Preset *p = &PRESETS[i];
        say(session, "  %-9s temp=%.2f min_p=%.2f top_p=%.2f top_k=%u repeat=%.2f norepeat=%u (also: %s)\n", p->name,
            (f64)p->temperature, (f64)p->min_p, (f64)p->top_p, p->top_k, (f64)p->repeat_penalty, p->no_repeat_ngram,
            p->alias);
    }
}

static void run_preset(Session *session, Argument argument) {
    const Preset *preset = preset_find(argument.text);
    if (argument.text.len == 0) {
        list_presets(session);
    } else if (!preset) {
        say_error(session, "/preset: expected one of these, found \"%.*s\"", STR_ARG(str_take(argument.text, 40)));
        list_presets(session);
    } else {
        preset_apply(preset, &session->config.sampler);
        inform_sampling(session, argument);
    }
}

static void run_autorun(Session *session, Argument argument) {
    Error error;
    Str path = argument.text.len > 0 ? argument.text : session->config.autorun_file;
    if (!autorun_start(&session->autorun, session->platform, path, &session->sink, &error)) {
        event_autorun_failed(&session->sink, path, str_from_c(error.message));
        say_error(session, "%s", error.message);
    }
}

static void run_autorun_stop(Session *session, Argument argument) {
    (void)argument;
    if (session->autorun.is_running) {
        autorun_stop(&session->autorun, &session->sink);
    } else {
        say(session, "No script is running.\n");
    }
}

/** ECMA-48: erase the display, cursor to the first place. */
static void run_clear_screen(Session *session, Argument argument) {
    (void)argument;
    session->platform->console_write(session->platform->context, STR("\x1B[2J\x1B[H"));
    session->sink.at_line_start = true;
}

static void run_power_off(Session *session, Argument argument) {
    (void)argument;
    session_conclude(session);
    event_power(&session->sink, POWER_ACTION_OFF);
    session->platform->power_off(session->platform->context, 0);
}

static void run_reboot(Session *session, Argument argument) {
    (void)argument;
    session_conclude(session);
    event_power(&session->sink, POWER_ACTION_REBOOT);
    session->platform->reboot(session->platform->context);
}

static void run_exit(Session *session, Argument argument) {
    (void)argument;
    session->has_ended = true;
}

const Command COMMANDS[] = {
    {"/help", "/commands", ARGUMENT_TEXT, "[FILTER]", 0, 0, 0, true, false, false, "/help /mod",
     "List the commands, or those that match.", inform_help},
    {"/models", "", ARGUMENT_TEXT, "[FOLDER]", 0, 0, 0, false, false, false, "/models",
     "List the models on the volume, with what they are.", inform_models},
    {"/model_info", "/model", ARGUMENT_TEXT, "[PATH]", 0, 0, 0, false, false, false, "/model_info",
     "Describe the loaded model, or a file.", inform_model_info},
    {"/ctx", "", ARGUMENT_NONE, "", 0, 0, 0, true, true, false, "/ctx", "Show how full the context is.",
     inform_context},
    {"/clear", "", ARGUMENT_NONE, "", 0, 0, 0, false, true, false, "/clear", "Forget the conversation.", run_clear},
    {"/reset", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, false, "/reset",
     "Forget the conversation, and answer again after an internal check failed.", guard_reset},
    {"/sampling", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/sampling", "Show the sampling settings.",
     inform_sampling},
    {"/preset", "", ARGUMENT_TEXT, "[NAME]", 0, 0, 0, false, false, false, "/preset stable",
     "Use a named set of sampling settings.", run_preset},
    {"/cfg", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/cfg", "Show every setting, and whose value it is.",
     inform_config},
    {"/metrics", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/metrics",
     "Write what this session did, and how long it took, to LLMK_METRICS.LOG.", guard_metrics},
    {"/autotune_status", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/autotune_status",
     "Show what autotune does.", guard_autotune_status},
    {"/guard_status", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/guard_status",
     "Show what the guardrails do.", guard_status},
    {"/oo_status", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, false, "/oo_status",
     "Show what the organism remembers.", oo_status},
    {"/oo_consult", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, false, "/oo_consult",
     "Ask the model for an action, and weigh its advice.", oo_consult},
    {"/oo_consult_mock", "", ARGUMENT_TEXT, "TEXT", 0, 0, 0, false, false, false, "/oo_consult_mock all is stable",
     "Weigh an advice as if the model had given it.", oo_consult_mock},
    {"/oo_explain", "", ARGUMENT_NUMBER, "[EVENT]", 1, UINT64_MAX, 0, true, false, false, "/oo_explain",
     "Show the last decision, or that of an event, and its reason.", oo_explain},
    {"/oo_jour", "/oo_journal", ARGUMENT_NUMBER, "[N]", 1, 1000, 10, true, false, false, "/oo_jour 3",
     "Show the last N decisions of OOJOUR.LOG.", oo_jour},
    {"/oo_log", "", ARGUMENT_NUMBER, "[N]", 1, 1000, 10, true, false, false, "/oo_log 3",
     "Show the last N consults of OOCONSULT.LOG.", oo_log},
    {"/oo_outcomes", "", ARGUMENT_NUMBER, "[N]", 1, 1000, 10, true, false, false, "/oo_outcomes 3",
     "Show the last N effects of OOOUTCOME.LOG.", oo_outcomes},
    {"/autorun", "", ARGUMENT_TEXT, "[FILE]", 0, 0, 0, false, false, false, "/autorun llmk-autorun.txt",
     "Run the lines of a file as if typed.", run_autorun},
    {"/autorun_stop", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/autorun_stop", "Stop the running script.",
     run_autorun_stop},
    {"/version", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, false, "/version", "Show which build this is.",
     inform_version},
    {"/cpu", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, false, "/cpu", "Show the processor and the kernels in use.",
     inform_cpu},
    {"/ram", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/ram", "Show the memory in use.", inform_memory},
    {"/log", "", ARGUMENT_NUMBER, "[N]", 1, EVENT_RING_LINES, 16, true, false, false, "/log 4",
     "Show the last N events.", inform_log},
    {"/cls", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/cls", "Clear the screen.", run_clear_screen},
    {"/test_delay", "", ARGUMENT_NUMBER, "[US]", 0, 10000000, 0, false, false, false, "/test_delay 0",
     "Rehearse a machine that has become slow: hold up every token by so many microseconds.", guard_test_delay},
    {"/test_failsafe", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, false, "/test_failsafe",
     "Rehearse a failed internal check: the next prompt meets one.", guard_test_failsafe},
    {"/poweroff", "/shutdown", ARGUMENT_NONE, "", 0, 0, 0, false, false, true, "/poweroff", "Switch the machine off.",
     run_power_off},
    {"/reboot", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, true, "/reboot", "Start the machine again.", run_reboot},
    {"/exit", "/quit", ARGUMENT_NONE, "", 0, 0, 0, true, false, true, "/exit",
     "Leave, back to whoever started this program.", run_exit},
};
const usize COMMAND_COUNT = COUNT_OF(COMMANDS);
