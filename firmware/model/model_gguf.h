/* What the keys and tensors of a GGUF file mean to this program: configuration and weights of a Model. */
#ifndef FIRMWARE_MODEL_MODEL_GGUF_H
#define FIRMWARE_MODEL_MODEL_GGUF_H

#include "firmware/model/model.h"

/**
 * Reads configuration, architecture, name, parameters and type from `model->gguf`. Errors: ERROR_UNSUPPORTED for an
 * architecture, mixture of experts or rotary scaling that is not implemented; ERROR_CORRUPT for a key that is missing,
 * of another kind or out of range.
 */
bool model_gguf_describe(Model *model, Error *error);
/**
 * Points the weights of a described model into the whole file `bytes`; vectors that are not float32 are expanded into
 * `arena`. Errors name the tensor that is missing, of another shape, or unknown (ERROR_CORRUPT, ERROR_UNSUPPORTED).
 */
bool model_gguf_bind(Str bytes, Arena *arena, Model *model, Error *error);

#endif
