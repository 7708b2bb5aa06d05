#include "firmware/repl/boot.h"

#include "firmware/events/markers.gen.h"
#include "firmware/repl/text_file.h"

static const Str DEFAULT_CONFIG_PATH = STR("repl.cfg");

static void report_warning(void *argument, u32 line, Str key, Str problem) {
    Session *session = argument;
    event_cfg_warning(&session->sink, line, key, problem);
}

static void read_config_file(Session *session, Str path, ConfigReport *report) {
    Str text;
    u64 size;
    Error error;
    if (!text_file_read(session->platform, path, &session->arena, &text, &size, &error)) {
        event_cfg_none(&session->sink, path, str_from_c(error.message));
        return;
    }
    config_read(&session->config, text, report);
    event_cfg_loaded(&session->sink, path, report->keys, report->warnings);
}

void boot_configure(Session *session) {
    const BootOptions *options = session->options;
    ConfigReport report = {.argument = session, .warning = report_warning};
    session->config = config_defaults();
    read_config_file(session, options->config_path.len ? options->config_path : DEFAULT_CONFIG_PATH, &report);
    for (usize i = 0; i < options->setting_count; i++) {
        config_read_line(&session->config, options->settings[i], 0, &report);
    }
}

enum { PROGRESS_DOTS = 10 };

typedef struct Loading {
    Session *session;
    u64 dots;
} Loading;

static void show_progress(void *argument, u64 done, u64 total) {
    Loading *loading = argument;
    while (total > 0 && loading->dots < done * PROGRESS_DOTS / total) {
        say(loading->session, ".");
        loading->dots++;
    }
}

static void show_context_reduced(void *argument, u32 from, u32 to) {
    const Loading *loading = argument;
    const Platform *platform = loading->session->platform;
    event_mem_context_reduced(&loading->session->sink, from, to, platform->memory_free(platform->context));
}

static void show_kernels_unknown(void *argument, Str name, const char *used) {
    const Loading *loading = argument;
    char text[96];
    usize len =
        fmt(text, sizeof(text), "unknown or not for this processor, see /cpu: %.*s; %s is used", STR_ARG(name), used);
    event_cfg_warning(&loading->session->sink, 0, STR("kernels"), (Str){text, len});
}

/** Loads one model, saying how it goes. */
static bool try_model(Session *session, Str path) {
    Error error;
    Loading loading = {session, 0};
    EngineObserver observer = {&loading, show_progress, show_context_reduced, show_kernels_unknown};
    u64 start = session_now_us(session);
    say(session, "Loading %.*s ", STR_ARG(path));
    if (!engine_load(&session->engine, session->platform, path, &session->config, &observer, &error)) {
        event_model_failed(&session->sink, path, str_from_c(error_code_name(error.code)), str_from_c(error.message));
        say(session, "Cannot load %.*s: %s\n", STR_ARG(path), error.message);
        return false;
    }
    u64 ms = (session_now_us(session) - start) / 1000;
    say(session, " %s in %llu ms\n", byte_text(session->engine.model.file_size).text, (unsigned long long)ms);
    return true;
}

static void show_menu(Session *session) {
    const ModelList *list = &session->models;
    say(session, "Several models:\n");
    for (usize i = 0; i < list->count; i++) {
        say(session, "  %2zu  %9s  %.*s\n", i + 1, byte_text(list->files[i].size).text,
            STR_ARG(models_path(&list->files[i])));
    }
    say(session, "Press a key within %u s to choose; otherwise the first is loaded.\n",
        session->config.model_picker_seconds);
}

static bool is_attended(Session *session) {
    i32 key = keys_next(&session->keys, session->config.model_picker_seconds * 1000);
    if (key == KEY_NONE || key == KEY_EOF) return false;
    if (key != '\n') keys_unread(&session->keys, key);
    return true;
}

/** Asks for a number until there is one; an empty line and the end of input mean the first. */
static usize ask_number(Session *session, usize count) {
    for (;;) {
        Str line;
        u64 number;
        LineEnd end = line_read(&session->editor, STR("Model number [1]: "), &line);
        line = str_trim(line);
        if (end == LINE_END_OF_INPUT || (end == LINE_READY && line.len == 0)) return 0;
        if (end == LINE_READY && str_to_u64(line, &number) && number >= 1 && number <= count) return (usize)number - 1;
        say_error(session, "expected a number from 1 to %zu", count);
    }
}

/** The index of the model to load first, among several. */
static usize pick(Session *session) {
    const ModelList *list = &session->models;
    bool asks = session->config.model_picker && !session->config.autorun;
    if (asks) show_menu(session);
    if (asks && is_attended(session)) return ask_number(session, list->count);
    event_model_chosen(&session->sink, models_path(&list->files[0]), list->count);
    return 0;
}

static Str choose(Session *session) {
    const ModelList *list = &session->models;
    Str wanted = session->config.model;
    models_list_all(session->platform, &session->models);
    if (wanted.len > 0) {
        const ModelFile *found = models_find(list, wanted);
        return found ? models_path(found) : wanted;
    }
    if (list->count == 0) return STR_NONE;
    return models_path(&list->files[list->count == 1 ? 0 : pick(session)]);
}

static void fall_back(Session *session, Str requested) {
    const ModelList *list = &session->models;
    for (usize i = 0; i < list->count && !session->engine.is_ready; i++) {
        Str path = models_path(&list->files[i]);
        if (str_eq(path, requested)) continue;
        say(session, "Falling back to another model.\n");
        if (try_model(session, path)) event_model_fallback(&session->sink, requested, path);
    }
}

static void say_no_model(Session *session) {
    say(session,
        "There is no model to talk to: put a .gguf file into the models folder of the boot volume, or name one "
        "with model= in repl.cfg. The session goes on without; /help lists what works.\n");
}

/** The clock of a platform starts with the program, so that the time of the choice is also how long it took. */
static void announce(Session *session, u64 chosen) {
    const Engine *engine = &session->engine;
    const Model *model = &engine->model;
    event_model_loaded(&session->sink, engine->path, model->parameters,
                       str_from_c(tensor_type_info(model->dominant_type)->name), engine->transformer.context,
                       model->file_size);
    event_obs_startup(&session->sink, chosen, session_now_us(session) - chosen,
                      model->format == MODEL_GGUF ? FILE_FORMAT_GGUF : FILE_FORMAT_BIN);
}

void boot_load_model(Session *session) {
    Str path = choose(session);
    u64 chosen = session_now_us(session);
    if (path.len > 0 && !try_model(session, path)) fall_back(session, path);
    if (session->engine.is_ready) {
        announce(session, chosen);
    } else {
        say_no_model(session);
    }
}
