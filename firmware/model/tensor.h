/* Tensor types of GGUF and their block layouts; the one table everything about a type is looked up in. */
#ifndef FIRMWARE_MODEL_TENSOR_H
#define FIRMWARE_MODEL_TENSOR_H

#include "firmware/base/str.h"

/** Numbers are those of the GGUF format (ggml_type). */
typedef enum TensorType {
    TENSOR_F32 = 0,
    TENSOR_F16 = 1,
    TENSOR_Q4_0 = 2,
    TENSOR_Q4_1 = 3,
    TENSOR_Q5_0 = 6,
    TENSOR_Q5_1 = 7,
    TENSOR_Q8_0 = 8,
    TENSOR_Q4_K = 12,
    TENSOR_Q5_K = 13,
    TENSOR_Q6_K = 14,
    TENSOR_BF16 = 30,
} TensorType;

typedef struct TensorTypeInfo {
    TensorType type;
    const char *name; /* "Q4_1" */
    u32 block_values; /* values in a block: 1, 32 or 256 */
    u32 block_bytes;
    /** Scalar reference: expands `values` (a multiple of block_values) from `from` into `to`. */
    void (*dequantize)(const void *from, f32 *to, usize values);
} TensorTypeInfo;

/** NULL for a type this program does not read. */
const TensorTypeInfo *tensor_type_info(u32 type);

/** The value of an IEEE 754 half, subnormals, infinities and NaN included. */
f32 f32_from_half(u16 half);

/**
 * A matrix: `rows` rows of `cols` values, rows contiguous. A vector has one row. `data` is aligned to the file's own
 * alignment (GGUF: 32 bytes unless it says less, at least 8; llama2.c: 4 bytes), so kernels load unaligned.
 */
typedef struct Tensor {
    TensorType type;
    u32 rows;
    u32 cols;
    const u8 *data;
} Tensor;

/** Bytes of one row. `cols` is a multiple of the type's block_values. */
usize tensor_row_bytes(TensorType type, u32 cols);

#endif
