/* A loaded model: hyper-parameters and weight matrices, whatever file format they came from. */
#ifndef FIRMWARE_MODEL_MODEL_H
#define FIRMWARE_MODEL_MODEL_H

#include "firmware/base/platform.h"
#include "firmware/model/gguf.h"
#include "firmware/model/tensor.h"

typedef enum ModelFormat { MODEL_GGUF, MODEL_LLAMA2C } ModelFormat;

/** Which two values of a head a rotation pairs: (2i, 2i+1), or (i, i + dims/2). */
typedef enum RopePairing { ROPE_ADJACENT, ROPE_HALVES } RopePairing;

typedef struct ModelConfig {
    u32 layers;
    u32 dim;
    u32 hidden; /* width of the feed-forward layer */
    u32 heads;
    u32 kv_heads; /* divides heads */
    u32 head_dim; /* dim of a query, key or value of one head */
    u32 vocab;
    u32 context; /* the longest sequence the model was trained for */
    f32 rms_epsilon;
    f64 rope_base;
    f64 rope_scale; /* positions are divided by this (linear scaling); 1 when there is none */
    u32 rope_dims;  /* how many values of each head are rotated; even, at most head_dim */
    RopePairing rope_pairing;
    const f32 *rope_factors; /* rope_dims / 2 divisors of the frequencies, or NULL */
} ModelConfig;

typedef struct LayerWeights {
    const f32 *attention_norm;           /* dim */
    Tensor wq;                           /* heads * head_dim rows of dim */
    Tensor wk;                           /* kv_heads * head_dim rows of dim */
    Tensor wv;                           /* kv_heads * head_dim rows of dim */
    Tensor wo;                           /* dim rows of heads * head_dim */
    const f32 *bias_q, *bias_k, *bias_v; /* or NULL */
    const f32 *ffn_norm;                 /* dim */
    Tensor gate;                         /* hidden rows of dim */
    Tensor up;                           /* hidden rows of dim */
    Tensor down;                         /* dim rows of hidden */
} LayerWeights;

typedef struct Model {
    ModelFormat format;
    Str architecture; /* "llama", "qwen2"; "llama2.c" for a .bin */
    Str name;         /* general.name, or the file's name */
    ModelConfig config;
    Tensor embedding; /* vocab rows of dim */
    Tensor output;    /* vocab rows of dim; the embedding itself when tied */
    bool tied_output;
    const f32 *final_norm; /* dim */
    LayerWeights *layers;
    u64 parameters;           /* number of weights */
    TensorType dominant_type; /* the type that holds most weights */
    u64 file_size;            /* bytes */
    u32 reads;                /* read calls it took */
    Gguf gguf;                /* only for MODEL_GGUF */
    Str bytes;                /* the whole file in memory */
} Model;

/** Limits a configuration is held to, whatever file it came from: they keep every product of two sizes inside 64 bits.
 */
enum {
    MODEL_MAX_LAYERS = 1024,
    MODEL_MAX_DIM = 1 << 16,
    MODEL_MAX_HIDDEN = 1 << 20,
    MODEL_MAX_HEADS = 1024,
    MODEL_MAX_VOCAB = 1 << 22,
    MODEL_MAX_CONTEXT = 1 << 27,
};

/** False, naming the first value that no model of this architecture can have. */
bool model_config_check(const ModelConfig *config, Error *error);

/** Called between the large reads of a load. */
typedef void ModelProgress(void *argument, u64 done, u64 total);

/**
 * Opens `path` once, reads it whole in large pieces straight into pages of `arena`, and checks everything against the
 * file. Errors name the file, the place and the remedy; `arena` is back at its mark after a failure.
 */
bool model_load(const Platform *platform, Str path, Arena *arena, ModelProgress *progress, void *argument, Model *model,
                Error *error);
/**
 * The same over bytes already in memory (tests, fuzzing), which the model goes on using. `bytes.data` is 64-byte
 * aligned for GGUF, 4-byte aligned for a .bin.
 */
bool model_from_bytes(Str bytes, Str path, Arena *arena, Model *model, Error *error);
/** Reads only a file's head and describes it: config, architecture, name, parameters, type. No weights are set. */
bool model_inspect(const Platform *platform, Str path, Arena *arena, Model *model, Error *error);

#endif
