#include "firmware/repl/inform.h"

#include "firmware/events/markers.gen.h"
#include "firmware/kernels/cpu.h"
#include "firmware/repl/version.h"

void inform_help(Session *session, Argument argument) { commands_help(session, argument.text); }

/** What a model is, in one line; or why it is none. */
static void summarise(Session *session, Str path) {
    Model model;
    Error error;
    ArenaMark mark = arena_mark(&session->scratch);
    bool is_loaded = session->engine.is_ready && str_eq(path, session->engine.path);
    const Model *of = is_loaded ? &session->engine.model : &model;
    if (is_loaded || model_inspect(session->platform, path, &session->scratch, &model, &error)) {
        say(session, "  %.*s %.1fM %s ctx=%u%s\n", STR_ARG(of->architecture), (f64)of->parameters / 1e6,
            tensor_type_info(of->dominant_type)->name, of->config.context, is_loaded ? "  (loaded)" : "");
    } else {
        say(session, "  unusable (%s): %s\n", error_code_name(error.code), error.message);
    }
    arena_release(&session->scratch, mark);
}

/** Size, type, name, summary. */
static void list_files(Session *session, const ModelList *list, Str folder) {
    u64 bytes = 0;
    usize gguf = 0;
    for (usize i = 0; i < list->count; i++) {
        Str path = models_path(&list->files[i]);
        bool is_gguf = str_ends_with_nocase(path, STR(".gguf"));
        gguf += is_gguf;
        bytes += list->files[i].size;
        say(session, "  %10s  %-4s  %.*s", byte_text(list->files[i].size).text, is_gguf ? "gguf" : "bin",
            STR_ARG(path));
        summarise(session, path);
    }
    if (list->left_out) event_limit(&session->sink, LIMIT_LISTED_MODELS, list->count + list->left_out, MODELS_MAX);
    event_models_summary(&session->sink, list->count, list->count - gguf, gguf, bytes, folder);
}

void inform_models(Session *session, Argument argument) {
    ModelList *list = &session->models;
    Error error;
    if (argument.text.len == 0) {
        models_list_all(session->platform, list);
    } else {
        list->count = list->left_out = 0;
        if (!models_list(session->platform, argument.text, list, &error)) {
            say_error(session, "%s", error.message);
            return;
        }
    }
    list_files(session, list, argument.text.len ? argument.text : STR("/"));
}

/** For models on disk too, so of the tokenizer only what the file says. */
static void describe_tokenizer(Session *session, const Model *model) {
    Str kind = STR("llama"), pre = STR("-");
    if (model->format == MODEL_GGUF) {
        kind = STR("none");
        gguf_get_str(&model->gguf, STR("tokenizer.ggml.model"), &kind);
        gguf_get_str(&model->gguf, STR("tokenizer.ggml.pre"), &pre);
    }
    say(session, "  tokenizer     %.*s, pre-tokenizer %.*s, %s\n", STR_ARG(kind), STR_ARG(pre),
        model->format == MODEL_GGUF ? "embedded" : "tokenizer.bin beside the model");
}

static void describe_model(Session *session, Str path, const Model *model) {
    const ModelConfig *c = &model->config;
    const TensorTypeInfo *type = tensor_type_info(model->dominant_type);
    say(session, "  file          %.*s\n", STR_ARG(path));
    if (model->format == MODEL_GGUF) {
        say(session, "  format        GGUF version %u, %s\n", model->gguf.version, byte_text(model->file_size).text);
    } else {
        say(session, "  format        llama2.c version 0, %s\n", byte_text(model->file_size).text);
    }
    say(session, "  name          %.*s\n", STR_ARG(model->name));
    say(session, "  architecture  %.*s\n", STR_ARG(model->architecture));
    say(session, "  parameters    %.1f M (%llu), mostly %s\n", (f64)model->parameters / 1e6,
        (unsigned long long)model->parameters, type ? type->name : "?");
    say(session, "  dimensions    dim=%u hidden=%u layers=%u heads=%u kv_heads=%u head_dim=%u vocab=%u\n", c->dim,
        c->hidden, c->layers, c->heads, c->kv_heads, c->head_dim, c->vocab);
    say(session, "  output        %s\n", model->tied_output ? "tied to the embedding" : "a matrix of its own");
    say(session, "  rope          base=%.1f scale=%.3f dims=%u\n", c->rope_base, c->rope_scale, c->rope_dims);
    say(session, "  context       %u tokens trained for\n", c->context);
    describe_tokenizer(session, model);
}

static void describe_file(Session *session, Str name) {
    Model model;
    Error error;
    ArenaMark mark = arena_mark(&session->scratch);
    models_list_all(session->platform, &session->models);
    const ModelFile *found = models_find(&session->models, name);
    Str path = found ? models_path(found) : name;
    if (model_inspect(session->platform, path, &session->scratch, &model, &error)) {
        describe_model(session, path, &model);
    } else {
        say_error(session, "%s", error.message);
    }
    arena_release(&session->scratch, mark);
}

void inform_model_info(Session *session, Argument argument) {
    const Engine *engine = &session->engine;
    if (argument.text.len > 0) {
        describe_file(session, argument.text);
    } else if (engine->is_ready) {
        describe_model(session, engine->path, &engine->model);
        say(session, "  context used  %u of %u tokens\n", engine->transformer.position, engine->transformer.context);
        say(session, "  chat format   %s\n", chat_format_name(engine->conversation.format));
    } else {
        say_error(session, "/model_info: no model is loaded: name a file, /models lists them");
    }
}

void inform_version(Session *session, Argument argument) {
    (void)argument;
    say(session, "llm-baremetal build %08x on %s, version " RELEASE_VERSION "\n", session->options->build_id,
        session->platform->name);
}

void inform_context(Session *session, Argument argument) {
    const Engine *engine = &session->engine;
    const Transformer *transformer = &engine->transformer;
    say(session, "  model     %.*s\n", STR_ARG(engine->path));
    say(session, "  context   %u of %u tokens in use\n", transformer->position, transformer->context);
    say(session, "  format    %s\n", chat_format_name(engine->conversation.format));
    inform_sampling(session, argument);
}

typedef struct FeatureName {
    const char *name;
    usize offset; /* of a bool in CpuFeatures */
} FeatureName;

#define FEATURE(field)                                                                                                 \
    { #field, offsetof(CpuFeatures, field) }
static const FeatureName FEATURES[] = {FEATURE(sse2),       FEATURE(ssse3),   FEATURE(sse41), FEATURE(avx),
                                       FEATURE(f16c),       FEATURE(fma),     FEATURE(avx2),  FEATURE(avx512f),
                                       FEATURE(avx512vnni), FEATURE(avx_vnni)};

void inform_cpu(Session *session, Argument argument) {
    (void)argument;
    CpuFeatures cpu = cpu_detect();
    const Engine *engine = &session->engine;
    say(session, "  processor  %s\n  features  ", cpu.brand);
    for (usize i = 0; i < COUNT_OF(FEATURES); i++) {
        say(session, " %s=%d", FEATURES[i].name, *((const bool *)&cpu + FEATURES[i].offset));
    }
    say(session, "\n  kernels    %s (best here: %s)\n",
        engine->is_ready ? engine->transformer.kernels->name : "not in use", kernels_choose(cpu)->name);
    if (cpu.hypervisor) say(session, "  hypervisor %s\n", cpu.hypervisor_name);
}

void inform_memory(Session *session, Argument argument) {
    (void)argument;
    const Engine *engine = &session->engine;
    u64 free_bytes = session->platform->memory_free(session->platform->context);
    say(session, "  free     %12s\n", byte_text(free_bytes).text);
    say(session, "  session  %12s\n", byte_text(session->arena.allocated + session->scratch.allocated).text);
    if (!engine->is_ready) return;
    u64 state = transformer_bytes(&engine->model.config, engine->transformer.context);
    say(session, "  model    %12s  (file %s)\n", byte_text(engine->arena.allocated).text,
        byte_text(engine->model.file_size).text);
    say(session, "  context  %12s  (%u tokens; part of the model's)\n", byte_text(state).text,
        engine->transformer.context);
}

static void show_setting(Session *session, const ConfigKey *key) {
    char value[CONFIG_VALUE_BYTES];
    say(session, "  %-36s %-12.*s %s\n", key->name, STR_ARG(config_get(&session->config, key, value)),
        config_owner_name(config_owner(&session->config, key)));
}

void inform_config(Session *session, Argument argument) {
    (void)argument;
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) show_setting(session, &CONFIG_KEYS[i]);
}

void inform_sampling(Session *session, Argument argument) {
    (void)argument;
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (CONFIG_KEYS[i].command) show_setting(session, &CONFIG_KEYS[i]);
    }
}

static void show_event(void *argument, Str line) { say_str(argument, line); }

void inform_log(Session *session, Argument argument) {
    sink_recent(&session->sink, (usize)argument.number, show_event, session);
}
