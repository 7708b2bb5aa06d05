#include "firmware/repl/repl.h"

#include "firmware/base/mem.h"
#include "firmware/events/markers.gen.h"
#include "firmware/repl/boot.h"
#include "firmware/repl/commands.h"
#include "firmware/repl/inform.h"
#include "firmware/repl/talk.h"

enum { SCRATCH_CHUNK_BYTES = 256 * 1024 };

static const char LOGO[] = "\n"
                           "  llm-baremetal: a language model, and no operating system\n"
                           "\n";

static Session *session_new(const Platform *platform, const BootOptions *options) {
    Arena arena = arena_new(platform->pages, 0);
    Session *session = ARENA_NEW(&arena, Session, 1);
    if (!session) return NULL;
    session->platform = platform;
    session->options = options;
    session->arena = arena;
    session->scratch = arena_new(platform->pages, SCRATCH_CHUNK_BYTES);
    session->free_at_start = platform->memory_free(platform->context);
    sink_init(&session->sink, platform);
    session->guards.platform = platform;
    session->guards.sink = &session->sink;
    session->guards.config = &session->config;
    session->keys.platform = platform;
    session->editor.sink = &session->sink;
    session->editor.keys = &session->keys;
    session->editor.complete = commands_complete;
    return session;
}

static void session_free(Session *session) {
    Arena arena = session->arena;
    if (session->engine.is_ready) engine_unload(&session->engine);
    arena_free(&session->scratch);
    arena_free(&arena);
}

/** What the key says about the machine once an autostarted script is over; `code` is 0 when it ran. */
static void shut_down_if_asked(Session *session, u32 code) {
    if (!session->config.autorun || !session->config.autorun_shutdown) return;
    session_conclude(session);
    event_autorun_shutdown(&session->sink);
    session->platform->power_off(session->platform->context, code);
}

static void start_autorun(Session *session) {
    Error error;
    Str path = session->config.autorun_file;
    if (!session->config.autorun) return;
    if (autorun_start(&session->autorun, session->platform, path, &session->sink, &error)) return;
    event_autorun_failed(&session->sink, path, str_from_c(error.message));
    shut_down_if_asked(session, 1);
}

/** An unattended run ends with its script, wherever the session goes from here. */
static void end_autorun(Session *session) {
    autorun_stop(&session->autorun, &session->sink);
    if (session->config.autorun) session_write_metrics(session);
    shut_down_if_asked(session, 0);
}

/** Esc and Ctrl-C stop a script between two lines too: one may run for ever by starting itself. */
static bool next_script_line(Session *session, Str *line) {
    if (!session->autorun.is_running) return false;
    if (!keys_interrupted(&session->keys) && autorun_next(&session->autorun, line)) {
        say(session, "You (autorun): ");
        say_str(session, *line);
        say(session, "\n");
        return true;
    }
    end_autorun(session);
    return false;
}

static bool next_typed_line(Session *session, Str *line) {
    switch (line_read(&session->editor, session->engine.is_ready ? STR("You: ") : STR("llmk> "), line)) {
    case LINE_READY:
        return true;
    case LINE_CANCELLED:
        break;
    case LINE_TOO_LONG:
        event_limit(&session->sink, LIMIT_LINE_BYTES, (u64)LINE_BYTES + session->editor.discarded, LINE_BYTES);
        say_error(session,
                  "the line is longer than %d bytes; its %zu bytes too many and the rest are not used: shorten it",
                  LINE_BYTES, session->editor.discarded);
        break;
    case LINE_END_OF_INPUT:
        session->has_ended = true;
        break;
    }
    return false;
}

/** The dispatcher works on a copy: a command may end the script or the editor's line that holds the original. */
static bool copy_line(Session *session, Str *line) {
    char *copy = ARENA_NEW(&session->scratch, char, line->len + 1);
    if (!copy) {
        session_out_of_memory(session, STR("no memory for the line: it is not run"));
        return false;
    }
    memcpy(copy, line->data, line->len);
    *line = str_trim((Str){copy, line->len});
    return true;
}

static void run_line(Session *session, Str line) {
    if (!copy_line(session, &line) || line.len == 0) return;
    if (commands_is_command(session, line)) {
        commands_run(session, line);
    } else {
        talk(session, line);
    }
}

static void converse(Session *session) {
    while (!session->has_ended) {
        Str line;
        ArenaMark mark = arena_mark(&session->scratch);
        if (next_script_line(session, &line) || next_typed_line(session, &line)) run_line(session, line);
        arena_release(&session->scratch, mark);
    }
}

/** What boot_verbose asks for. */
static void show_details(Session *session) {
    u32 level = session->config.boot_verbose;
    if (level >= 1) inform_cpu(session, (Argument){0});
    if (level >= 1 && session->engine.is_ready) inform_model_info(session, (Argument){0});
    if (level >= 2) inform_config(session, (Argument){0});
}

static void start(Session *session) {
    event_version(&session->sink, session->options->build_id, str_from_c(session->platform->name));
    boot_configure(session);
    if (session->config.boot_logo) say(session, "%s", LOGO);
    boot_load_model(session);
    show_details(session);
    boot_ready(session);
    if (session->engine.is_ready) {
        event_repl_ready(&session->sink);
    } else {
        event_repl_ready_no_model(&session->sink);
    }
    start_autorun(session);
}

ReplEnd repl_main(const Platform *platform, const BootOptions *options) {
    Session *session = session_new(platform, options);
    if (!session) {
        platform->console_write(platform->context, STR("error: no memory for a session: this machine is too small\n"));
        return REPL_END_NO_MEMORY;
    }
    start(session);
    converse(session);
    if (session->autorun.is_running) end_autorun(session);
    session_conclude(session);
    event_power(&session->sink, POWER_ACTION_EXIT);
    session_free(session);
    return REPL_END_EXIT;
}
