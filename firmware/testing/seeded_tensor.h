/* Seeded numbers and weights in any tensor type, for the tests of kernels and of what is built on them. */
#ifndef FIRMWARE_TESTING_SEEDED_TENSOR_H
#define FIRMWARE_TESTING_SEEDED_TENSOR_H

#include "firmware/model/tensor.h"
#include "firmware/testing/check.h"

/** Knuth's 64-bit linear congruence (MMIX); the high bits are good enough for test data. */
static inline u32 test_random(u64 *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (u32)(*seed >> 32);
}

/** Uniform in [-1, 1). */
static inline f32 test_uniform(u64 *seed) { return (f32)(i32)test_random(seed) / 2147483648.0f; }

static inline void test_fill(u64 *seed, f32 scale, f32 *x, usize n) {
    for (usize i = 0; i < n; i++) x[i] = scale * test_uniform(seed);
}

/** Where a block keeps its half-precision numbers; everything else in it may be any byte. */
static inline usize test_halves(TensorType type, u32 offsets[2]) {
    offsets[0] = type == TENSOR_Q6_K ? 208 : 0;
    offsets[1] = 2;
    bool two = type == TENSOR_Q4_1 || type == TENSOR_Q5_1 || type == TENSOR_Q4_K || type == TENSOR_Q5_K;
    return two ? 2 : 1;
}

/** One block of random weights; scales are halves between 1/1024 and 1/256, of either sign. */
static inline void test_block(u64 *seed, const TensorTypeInfo *info, u8 *block) {
    for (u32 i = 0; i < info->block_bytes; i++) block[i] = (u8)test_random(seed);
    u32 offsets[2];
    usize halves = test_halves(info->type, offsets);
    for (usize h = 0; h < halves; h++) {
        u32 bits = test_random(seed);
        u16 half = (u16)((bits & 0x83FF) | (5 + bits % 2) << 10);
        memcpy(block + offsets[h], &half, sizeof half);
    }
}

/** One value of an unquantised type, between -1/8 and 1/8. */
static inline void test_value(u64 *seed, const TensorTypeInfo *info, u8 *to) {
    f32 value = test_uniform(seed) / 8;
    u32 word;
    memcpy(&word, &value, sizeof word);
    u16 high = (u16)(word >> 16), half = (u16)((test_random(seed) & 0x83FF) | 10 << 10);
    if (info->type == TENSOR_F32) memcpy(to, &value, sizeof value);
    if (info->type == TENSOR_BF16) memcpy(to, &high, sizeof high);
    if (info->type == TENSOR_F16) memcpy(to, &half, sizeof half);
}

/** `data` has room for rows * tensor_row_bytes(type, cols). */
static inline Tensor test_tensor(u64 *seed, TensorType type, u32 rows, u32 cols, u8 *data) {
    const TensorTypeInfo *info = tensor_type_info(type);
    usize blocks = (usize)rows * cols / info->block_values;
    for (usize b = 0; b < blocks; b++) {
        u8 *block = data + b * info->block_bytes;
        if (info->block_values == 1)
            test_value(seed, info, block);
        else
            test_block(seed, info, block);
    }
    return (Tensor){type, rows, cols, data};
}

#endif
