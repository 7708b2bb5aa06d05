/* The llama2.c project's export version 0: seven 32-bit integers, then float32 arrays one after the other.
 * Layout: export.py (legacy_export) of karpathy/llama2.c. */
#ifndef FIRMWARE_MODEL_LLAMA2C_H
#define FIRMWARE_MODEL_LLAMA2C_H

#include "firmware/model/model.h"

/** Bytes before the first weight. */
#define LLAMA2C_HEADER_BYTES 28

/**
 * Reads the header from `bytes` (the file or a prefix of at least LLAMA2C_HEADER_BYTES) and checks it against
 * `file_size`. Sets everything of `model` but its weights and name.
 * Errors: ERROR_TRUNCATED, ERROR_CORRUPT, ERROR_UNSUPPORTED (versions 1 and 2).
 */
bool llama2c_describe(Str bytes, u64 file_size, Model *model, Error *error);
/** Points the weights of a described model into the whole file. ERROR_OUT_OF_MEMORY. */
bool llama2c_bind(Str bytes, Arena *arena, Model *model, Error *error);

#endif
