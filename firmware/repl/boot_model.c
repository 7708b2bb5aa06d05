#include "firmware/repl/boot_model.h"

#include "firmware/events/markers.gen.h"
#include "firmware/repl/counted_files.h"

/* ---- choosing ---- */

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

Str boot_choose_model(Session *session) {
    const ModelList *list = &session->models;
    Str wanted = session->config.model;
    models_list_all(session->platform, &session->models);
    if (list->left_out > 0) event_limit(&session->sink, LIMIT_LISTED_MODELS, list->count + list->left_out, MODELS_MAX);
    if (wanted.len > 0) {
        const ModelFile *found = models_find(list, wanted);
        return found ? models_path(found) : wanted;
    }
    if (list->count == 0) return STR_NONE;
    return models_path(&list->files[list->count == 1 ? 0 : pick(session)]);
}

/* ---- loading ---- */

enum { PROGRESS_DOTS = 10 };

typedef struct Loading {
    Session *session;
    CountedFiles files;
    u64 dots;
    Error error; /* of the model tried last; ERROR_NONE when it was loaded */
} Loading;

static void end_phase(void *argument, StartupPhase phase) {
    const Loading *loading = argument;
    loading->session->startup.ended_us[phase] = session_now_us(loading->session);
}

static void show_progress(void *argument, u64 done, u64 total) {
    Loading *loading = argument;
    while (total > 0 && loading->dots < done * PROGRESS_DOTS / total) {
        say(loading->session, ".");
        loading->dots++;
    }
    if (done == total) end_phase(loading, STARTUP_PHASE_READ);
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

/** Most errors begin with the path themselves. */
static void say_cannot_load(Session *session, Str path, Str why) {
    if (str_starts_with(why, path))
        say(session, "Cannot load %.*s\n", STR_ARG(why));
    else
        say(session, "Cannot load %.*s: %.*s\n", STR_ARG(path), STR_ARG(why));
}

/** Loads one model, saying how it goes. */
static bool try_model(Loading *loading, Str path) {
    Session *session = loading->session;
    EngineObserver observer = {.argument = loading,
                               .progress = show_progress,
                               .phase = end_phase,
                               .context_reduced = show_context_reduced,
                               .kernels_unknown = show_kernels_unknown};
    u64 start = session_now_us(session);
    loading->dots = 0;
    counted_files_init(&loading->files, session->platform);
    say(session, "Loading %.*s ", STR_ARG(path));
    if (!engine_load(&session->engine, &loading->files.platform, path, &session->config, &observer, &loading->error)) {
        event_model_failed(&session->sink, path, str_from_c(error_code_name(loading->error.code)),
                           str_from_c(loading->error.message));
        say_cannot_load(session, path, str_from_c(loading->error.message));
        return false;
    }
    loading->error.code = ERROR_NONE;
    session->allocation_failures += session->engine.allocation_failures;
    session->startup.opens = loading->files.opens;
    session->startup.reads = loading->files.reads;
    session->startup.bytes = loading->files.bytes;
    u64 ms = (session_now_us(session) - start) / 1000;
    say(session, " %s in %llu ms\n", byte_text(session->engine.model.file_size).text, (unsigned long long)ms);
    return true;
}

static void fall_back(Loading *loading, Str requested) {
    Session *session = loading->session;
    const ModelList *list = &session->models;
    for (usize i = 0; i < list->count && !session->engine.is_ready; i++) {
        Str path = models_path(&list->files[i]);
        if (str_eq(path, requested)) continue;
        say(session, "Falling back to another model.\n");
        if (try_model(loading, path)) event_model_fallback(&session->sink, requested, path);
    }
}

/* ---- telling ---- */

typedef struct Cause {
    ModelCause cause;
    const char *says;
    const char *hint;
} Cause;

/** What an error of loading means for whoever wrote model=. */
static const Cause CAUSES[] = {
    [ERROR_NONE] = {MODEL_CAUSE_ALIAS, "the name is the short alias (8.3) of a longer one", "write the long name"},
    [ERROR_NOT_FOUND] = {MODEL_CAUSE_MISSING,
                         "no file has that name, with or without .gguf or .bin, in the root or models",
                         "/models lists what is there; names may be written without folder and extension"},
    [ERROR_IO] = {MODEL_CAUSE_UNREADABLE, "the file system cannot read it",
                  "check the medium, and copy the file again"},
    [ERROR_READ_ONLY] = {MODEL_CAUSE_UNREADABLE, "the file system cannot read it", "check the medium"},
    [ERROR_FULL] = {MODEL_CAUSE_UNREADABLE, "the file system cannot read it", "check the medium"},
    [ERROR_TRUNCATED] = {MODEL_CAUSE_CORRUPT, "the file ends before it is complete", "copy it again"},
    [ERROR_CORRUPT] = {MODEL_CAUSE_CORRUPT, "the file contradicts itself", "copy it again, or convert it again"},
    [ERROR_UNSUPPORTED] = {MODEL_CAUSE_UNSUPPORTED, "this program cannot run such a model",
                           "use a llama or qwen2 GGUF file, or a llama2.c .bin"},
    [ERROR_OUT_OF_MEMORY] = {MODEL_CAUSE_TOO_LARGE, "it needs more memory than the machine has",
                             "use a smaller or more strongly quantised model"},
    [ERROR_LIMIT] = {MODEL_CAUSE_UNSUPPORTED, "it is beyond the limits of this program", "use a smaller model"},
    [ERROR_USAGE] = {MODEL_CAUSE_UNSUPPORTED, "this program cannot run such a model", "use another model"},
};

/** The block about a model= that is not used as it was written. */
static void diagnose(Session *session, const Error *error) {
    const Cause *cause = &CAUSES[error->code];
    bool has_choice = session->engine.is_ready;
    Str choice = has_choice ? session->engine.path : STR_NONE;
    say(session, "The model of the configuration is not used as it is written:\n  model=   %.*s\n  cause    %s\n",
        STR_ARG(session->config.model), cause->says);
    if (error->code != ERROR_NONE) say(session, "  detail   %s\n", error->message);
    say(session, "  hint     %s\n  choice   %.*s\n", cause->hint, STR_ARG(has_choice ? choice : STR("none")));
    event_model_diagnosis(&session->sink, session->config.model, cause->cause, choice);
}

static void say_no_model(Session *session) {
    say(session,
        "There is no model to talk to: put a .gguf file into the models folder of the boot volume, or name one "
        "with model= in repl.cfg. The session goes on without; /help lists what works.\n");
}

static void announce(Session *session) {
    const Engine *engine = &session->engine;
    const Model *model = &engine->model;
    u64 before = session->startup.selected_us;
    for (StartupPhase phase = STARTUP_PHASE_READ; phase <= STARTUP_PHASE_MEMORY; phase++) {
        u64 end = session->startup.ended_us[phase];
        event_obs_phase(&session->sink, phase, end - before);
        before = end;
    }
    event_model_loaded(&session->sink, engine->path, model->parameters,
                       str_from_c(tensor_type_info(model->dominant_type)->name), engine->transformer.context,
                       model->file_size);
}

void boot_try_models(Session *session, Str path) {
    Loading loading = {.session = session};
    bool was_asked_for = session->config.model.len > 0;
    bool is_loaded = path.len > 0 && try_model(&loading, path);
    Error error = loading.error;
    if (path.len > 0 && !is_loaded) fall_back(&loading, path);
    if (was_asked_for && (!is_loaded || models_is_alias(&session->models, path))) diagnose(session, &error);
    if (session->engine.is_ready) {
        announce(session);
    } else {
        say_no_model(session);
    }
}
