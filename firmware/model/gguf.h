/* GGUF v2 and v3: header, metadata and tensor table, read in place from a file's bytes; every count, offset and string
 * is bounded by the file before use. Format: the ggml project's docs/gguf.md. */
#ifndef FIRMWARE_MODEL_GGUF_H
#define FIRMWARE_MODEL_GGUF_H

#include "firmware/base/arena.h"
#include "firmware/base/error.h"

typedef enum GgufType {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
} GgufType;

/** A metadata value. For an array, `element` and `count` describe it and `bytes` holds its elements as in the file. */
typedef struct GgufValue {
    GgufType type;
    GgufType element;
    u64 count;
    Str bytes; /* raw little-endian bytes; for GGUF_STRING the text itself */
} GgufValue;

typedef struct GgufPair {
    Str key;
    GgufValue value;
} GgufPair;

typedef struct GgufTensor {
    Str name;
    u32 dimensions; /* 1..4 */
    u64 extent[4];  /* extent[0] is the contiguous one; unused ones are 1 */
    u32 type;       /* as in the file, known to tensor_type_info() */
    u64 offset;     /* from the start of the file */
    u64 bytes;
} GgufTensor;

typedef struct Gguf {
    u32 version;
    u32 alignment;
    usize pair_count;
    GgufPair *pairs;
    usize tensor_count;
    GgufTensor *tensors;
    u64 data_offset;
} Gguf;

/**
 * Parses the head of a GGUF file. `bytes` is the file or a prefix of it, `file_size` the whole file's size. Strings and
 * arrays point into `bytes`; tables are allocated from `arena`.
 * Errors: ERROR_TRUNCATED with `bytes.len < file_size` means "give me a longer prefix"; otherwise ERROR_TRUNCATED,
 * ERROR_CORRUPT, ERROR_UNSUPPORTED, ERROR_OUT_OF_MEMORY, each naming the key, tensor or offset.
 */
bool gguf_parse(Str bytes, u64 file_size, Arena *arena, Gguf *gguf, Error *error);

const GgufValue *gguf_find(const Gguf *gguf, Str key);
const GgufTensor *gguf_find_tensor(const Gguf *gguf, Str name);
/** Typed look-ups: false when the key is missing or of another kind. Any integer type that fits serves for u64. */
bool gguf_get_u64(const Gguf *gguf, Str key, u64 *out);
bool gguf_get_f64(const Gguf *gguf, Str key, f64 *out);
bool gguf_get_bool(const Gguf *gguf, Str key, bool *out);
bool gguf_get_str(const Gguf *gguf, Str key, Str *out);
/** Walks an array of strings: `*cursor` starts at 0 and is advanced; false at the end. */
bool gguf_next_string(const GgufValue *array, usize *cursor, Str *out);

#endif
