/* GGUF files under construction, for tests that break one thing at a time. Hosted code only. */
#ifndef FIRMWARE_TESTING_GGUF_DRAFT_H
#define FIRMWARE_TESTING_GGUF_DRAFT_H

#include "firmware/model/gguf.h"

typedef struct DraftPair {
    const char *key;
    u32 type;
    char bytes[64]; /* the value as in the file */
    usize len;
} DraftPair;

typedef struct DraftTensor {
    const char *name;
    u32 type;
    u32 dimensions;
    u64 extent[4];
    u64 bytes;
    u64 offset; /* in the data section; set by draft_write unless `is_offset_forced` */
    bool is_offset_forced;
} DraftTensor;

/** Strings given to a draft must outlive it. Counts are those of the tables unless forced to something else. */
typedef struct GgufDraft {
    u32 version;
    u32 alignment;
    u64 forced_pair_count, forced_tensor_count; /* 0: the true one */
    usize pair_count, tensor_count;
    DraftPair pairs[32];
    DraftTensor tensors[32];
} GgufDraft;

GgufDraft draft_empty(void);
/** A valid one-layer model of `architecture`: dim 8, hidden 16, 2 heads, 1 key-value head, vocabulary 5, tied output.
 */
GgufDraft draft_model(const char *architecture);

/** Replaces or adds a key. */
void draft_set(GgufDraft *draft, const char *key, u32 type, const void *bytes, usize len);
void draft_set_u32(GgufDraft *draft, const char *key, u32 value);
void draft_set_f32(GgufDraft *draft, const char *key, f32 value);
void draft_set_str(GgufDraft *draft, const char *key, const char *text);
void draft_remove(GgufDraft *draft, const char *key);

/** Replaces or adds a tensor of `rows` rows of `cols` values (`rows` 0: a vector) and returns it. */
DraftTensor *draft_tensor(GgufDraft *draft, const char *name, u32 type, u64 cols, u64 rows);
void draft_remove_tensor(GgufDraft *draft, const char *name);

/** The file's bytes in memory of their own from `arena`. Weights are small float32 numbers that differ. */
Str draft_write(const GgufDraft *draft, Arena *arena);

#endif
