/* The table of commands, and the handlers that change something. */
#include "firmware/events/markers.gen.h"
#include "firmware/repl/inform.h"
#include "firmware/repl/presets.h"

static void run_clear(Session *session, Argument argument) {
    (void)argument;
    conversation_clear(&session->engine.conversation);
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
    event_power(&session->sink, POWER_ACTION_OFF);
    session->platform->power_off(session->platform->context, 0);
}

static void run_reboot(Session *session, Argument argument) {
    (void)argument;
    event_power(&session->sink, POWER_ACTION_REBOOT);
    session->platform->reboot(session->platform->context);
}

static void run_exit(Session *session, Argument argument) {
    (void)argument;
    session->has_ended = true;
}

const Command COMMANDS[] = {
    {"/help", "/commands", ARGUMENT_TEXT, "[FILTER]", 0, 0, 0, true, false, "List the commands, or those that match.",
     inform_help},
    {"/models", "", ARGUMENT_TEXT, "[FOLDER]", 0, 0, 0, false, false, "List the models on the volume.", inform_models},
    {"/model_info", "/model", ARGUMENT_TEXT, "[PATH]", 0, 0, 0, false, false, "Describe the loaded model, or a file.",
     inform_model_info},
    {"/ctx", "", ARGUMENT_NONE, "", 0, 0, 0, true, true, "Show how full the context is.", inform_context},
    {"/clear", "", ARGUMENT_NONE, "", 0, 0, 0, false, true, "Forget the conversation.", run_clear},
    {"/sampling", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Show the sampling settings.", inform_sampling},
    {"/preset", "", ARGUMENT_TEXT, "[NAME]", 0, 0, 0, false, false, "Use a named set of sampling settings.",
     run_preset},
    {"/cfg", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Show every setting.", inform_config},
    {"/autorun", "", ARGUMENT_TEXT, "[FILE]", 0, 0, 0, false, false, "Run the lines of a file as if typed.",
     run_autorun},
    {"/autorun_stop", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Stop the running script.", run_autorun_stop},
    {"/version", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, "Show which build this is.", inform_version},
    {"/cpu", "", ARGUMENT_NONE, "", 0, 0, 0, true, false, "Show the processor and the kernels in use.", inform_cpu},
    {"/ram", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Show the memory in use.", inform_memory},
    {"/log", "", ARGUMENT_NUMBER, "[N]", 1, EVENT_RING_LINES, 16, true, false, "Show the last N events.", inform_log},
    {"/cls", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Clear the screen.", run_clear_screen},
    {"/poweroff", "/shutdown", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Switch the machine off.", run_power_off},
    {"/reboot", "", ARGUMENT_NONE, "", 0, 0, 0, false, false, "Start the machine again.", run_reboot},
    {"/exit", "/quit", ARGUMENT_NONE, "", 0, 0, 0, true, false, "Leave, back to whoever started this program.",
     run_exit},
};
const usize COMMAND_COUNT = COUNT_OF(COMMANDS);
