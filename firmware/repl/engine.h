/* A model made ready to talk: weights, tokenizer, kernels, key-value cache, sampler and conversation. */
#ifndef FIRMWARE_REPL_ENGINE_H
#define FIRMWARE_REPL_ENGINE_H

#include "firmware/infer/generate.h"
#include "firmware/repl/config.h"

/** The shortest context worth having; memory shorter than this needs is no memory. */
enum { ENGINE_CONTEXT_MIN = 64 };

typedef struct Engine {
    bool is_ready;
    u32 allocation_failures; /* memory that was there by its own word and then refused */
    Arena arena;             /* holds everything below */
    Str path;
    Model model;
    Tokenizer *tokenizer;
    Str tokenizer_source; /* "embedded", or the path of a tokenizer.bin */
    Transformer transformer;
    Sampler sampler;
    Conversation conversation;
} Engine;

/** Who watches a load. */
typedef struct EngineObserver {
    void *argument;
    ModelProgress *progress;
    /** A phase has ended (those from the reading of the file on). */
    void (*phase)(void *argument, StartupPhase phase);
    void (*context_reduced)(void *argument, u32 from, u32 to);
    void (*kernels_unknown)(void *argument, Str name, const char *used);
} EngineObserver;

/**
 * Loads the model at `path` into a zeroed engine. While memory is short the context is halved, down to
 * ENGINE_CONTEXT_MIN. On failure the engine is zeroed again and the error says cause, place and remedy.
 */
bool engine_load(Engine *engine, const Platform *platform, Str path, const Config *config,
                 const EngineObserver *observer, Error *error);
/** Gives all memory back. */
void engine_unload(Engine *engine);
/** Length of the context that is asked of a model with this configuration. */
u32 engine_context(const Config *config, u32 model_context);

#endif
