#include "firmware/repl/engine.h"

#include "firmware/base/mem.h"
#include "firmware/kernels/kernels.h"
#include "firmware/repl/text_file.h"

enum { ENGINE_CHUNK_BYTES = 1024 * 1024, TOKENIZER_FILE_BYTES = 256 * 1024 * 1024 };
static const Str TOKENIZER_NAME = STR("tokenizer.bin");

u32 engine_context(const Config *config, u32 model_context) {
    return config->ctx_len && config->ctx_len < model_context ? config->ctx_len : model_context;
}

static bool copy_path(Engine *engine, Str path, Error *error) {
    char *copy = ARENA_NEW(&engine->arena, char, path.len + 1);
    if (!copy) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for a path of %zu bytes", path.len);
    memcpy(copy, path.data, path.len);
    engine->path = (Str){copy, path.len};
    return true;
}

/** The folder of a path with its separator: "models/" of "models/a.bin". */
static Str folder_of(Str path) {
    usize len = path.len;
    while (len > 0 && path.data[len - 1] != '/' && path.data[len - 1] != '\\') len--;
    return str_take(path, len);
}

/** A llama2.c model keeps its tokenizer in a file of its own, beside it unless the configuration names one. */
static bool find_tokenizer_file(Engine *engine, const Config *config, Error *error) {
    Str folder = folder_of(engine->path);
    usize capacity = folder.len + TOKENIZER_NAME.len + 1;
    engine->tokenizer_source = config->tokenizer;
    if (config->tokenizer.len > 0) return true;
    char *path = ARENA_NEW(&engine->arena, char, capacity);
    if (!path) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for a path of %zu bytes", capacity);
    engine->tokenizer_source = (Str){path, fmt(path, capacity, "%.*s%.*s", STR_ARG(folder), STR_ARG(TOKENIZER_NAME))};
    return true;
}

static bool load_tokenizer_file(Engine *engine, const Platform *platform, const Config *config, Error *error) {
    Str bytes;
    if (!find_tokenizer_file(engine, config, error)) return false;
    if (!file_read_whole(platform, engine->tokenizer_source, TOKENIZER_FILE_BYTES, &engine->arena, &bytes, error)) {
        return fail_in(error, STR("a .bin model needs its tokenizer"));
    }
    return tokenizer_from_llama2c(bytes, engine->model.config.vocab, &engine->arena, &engine->tokenizer, error) ||
           fail_in(error, engine->tokenizer_source);
}

/** Every token must have its row in the embedding; rows without a token are padding. */
static bool check_vocabulary(const Engine *engine, Error *error) {
    u32 tokens = tokenizer_vocab(engine->tokenizer);
    u32 rows = engine->model.config.vocab;
    return tokens <= rows ||
           fail(error, ERROR_CORRUPT,
                "tokenizer.ggml.tokens: %u tokens and an embedding of %u rows; convert the model again", tokens, rows);
}

static bool load_tokenizer(Engine *engine, const Platform *platform, const Config *config, Error *error) {
    if (engine->model.format == MODEL_LLAMA2C) return load_tokenizer_file(engine, platform, config, error);
    engine->tokenizer_source = STR("embedded");
    return (tokenizer_from_gguf(&engine->model.gguf, &engine->arena, &engine->tokenizer, error) &&
            check_vocabulary(engine, error)) ||
           fail_in(error, engine->path);
}

static const Kernels *choose_kernels(const Config *config, const EngineObserver *observer) {
    char name[32];
    const Kernels *best = kernels_choose(cpu_detect());
    if (str_eq_nocase(config->kernels, STR("auto"))) return best;
    fmt(name, sizeof(name), "%.*s", STR_ARG(config->kernels));
    const Kernels *wanted = kernels_by_name(name);
    if (!wanted && observer->kernels_unknown) {
        observer->kernels_unknown(observer->argument, config->kernels, best->name);
    }
    return wanted ? wanted : best;
}

/** Asks for less context while memory is short of what the wanted one needs. */
static bool make_transformer(Engine *engine, const Platform *platform, const Config *config,
                             const EngineObserver *observer, Error *error) {
    const Kernels *kernels = choose_kernels(config, observer);
    u32 context = engine_context(config, engine->model.config.context);
    for (;;) {
        u64 needed = transformer_bytes(&engine->model.config, context);
        bool fits = needed <= platform->memory_free(platform->context);
        if (fits && transformer_new(&engine->model, kernels, context, &engine->arena, &engine->transformer, error)) {
            return true;
        }
        if (fits && error->code != ERROR_OUT_OF_MEMORY) return false;
        if (fits) engine->allocation_failures++;
        if (context / 2 < ENGINE_CONTEXT_MIN) {
            return fail(error, ERROR_OUT_OF_MEMORY,
                        "%.*s: no memory for a context of %u tokens (%llu bytes): use a smaller model or more memory",
                        STR_ARG(engine->path), context, (unsigned long long)needed);
        }
        if (observer->context_reduced) observer->context_reduced(observer->argument, context, context / 2);
        context /= 2;
    }
}

static bool make_conversation(Engine *engine, const Config *config, Error *error) {
    if (!sampler_new(&config->sampler, engine->model.config.vocab, &engine->arena, &engine->sampler)) {
        return fail(error, ERROR_OUT_OF_MEMORY, "%.*s: no memory to sample from %u tokens", STR_ARG(engine->path),
                    engine->model.config.vocab);
    }
    ChatFormat format = config->chat_format;
    if (format == CHAT_AUTO) format = chat_recognise(&engine->model, engine->tokenizer);
    Str system = config->system_prompt.len > 0 ? config->system_prompt : chat_default_system(&engine->model, format);
    engine->conversation = (Conversation){.transformer = &engine->transformer,
                                          .tokenizer = engine->tokenizer,
                                          .sampler = &engine->sampler,
                                          .format = format,
                                          .system = system,
                                          .pending = TOKEN_NONE};
    return true;
}

/** Tells that a phase is over, when it is. */
static bool ends(const EngineObserver *observer, StartupPhase phase, bool is_over) {
    if (is_over && observer->phase) observer->phase(observer->argument, phase);
    return is_over;
}

static bool load(Engine *engine, const Platform *platform, Str path, const Config *config,
                 const EngineObserver *observer, Error *error) {
    return copy_path(engine, path, error) &&
           ends(observer, STARTUP_PHASE_BIND,
                model_load(platform, engine->path, &engine->arena, observer->progress, observer->argument,
                           &engine->model, error)) &&
           ends(observer, STARTUP_PHASE_TOKENIZER, load_tokenizer(engine, platform, config, error)) &&
           ends(observer, STARTUP_PHASE_MEMORY,
                make_transformer(engine, platform, config, observer, error) &&
                    make_conversation(engine, config, error));
}

bool engine_load(Engine *engine, const Platform *platform, Str path, const Config *config,
                 const EngineObserver *observer, Error *error) {
    engine->arena = arena_new(platform->pages, ENGINE_CHUNK_BYTES);
    engine->is_ready = load(engine, platform, path, config, observer, error);
    if (!engine->is_ready) engine_unload(engine);
    return engine->is_ready;
}

void engine_unload(Engine *engine) {
    arena_free(&engine->arena);
    *engine = (Engine){0};
}
