/* What the AVX2 files share. Include it last: every function that follows is compiled for AVX2, FMA and F16C, whatever
 * the build's flags, until AVX2_END. Nothing in here runs before kernels_choose() has asked the processor. */
#ifndef FIRMWARE_KERNELS_AVX2_H
#define FIRMWARE_KERNELS_AVX2_H

#include <immintrin.h>

#include "firmware/base/mem.h"
#include "firmware/kernels/kernels.h"

#define AVX2_BEGIN _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c\"))), apply_to = function)")
#define AVX2_END _Pragma("clang attribute pop")
#define AVX2_INLINE static inline __attribute__((always_inline))

/** The signatures are those of Kernels. avx2_floats.c: F32, F16, BF16 by FMA. avx2_blocks.c: quantised types by int8.
 */
void avx2_matmul_floats(const Tensor *w, const f32 *x, u32 count, f32 *y);
void avx2_matmul_blocks(const Tensor *w, const f32 *x, u32 count, void *scratch, f32 *y);
usize avx2_scratch_bytes(u32 cols, u32 count);

AVX2_BEGIN

/** Sum of the eight lanes of each of four vectors, in one order: ((0+1)+(2+3)) + ((4+5)+(6+7)). */
AVX2_INLINE __m128 avx2_sum4(__m256 a, __m256 b, __m256 c, __m256 d) {
    __m256 quarters = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(quarters), _mm256_extractf128_ps(quarters, 1));
}

/** The same sum, to the bit, of one vector. */
AVX2_INLINE f32 avx2_sum(__m256 a) {
    __m256 pairs = _mm256_hadd_ps(a, a);
    __m256 quarters = _mm256_hadd_ps(pairs, pairs);
    __m128 sum = _mm_add_ss(_mm256_castps256_ps128(quarters), _mm256_extractf128_ps(quarters, 1));
    return _mm_cvtss_f32(sum);
}

/**
 * Asks for the cache lines that a single vector's pass over the weights will reach next. Hardware prefetchers stop at
 * page borders; without this a decode step ran a quarter slower. An address past the weights is harmless.
 */
AVX2_INLINE void avx2_fetch_ahead(const u8 *weights, usize bytes) {
    for (usize line = 0; line < bytes; line += 64)
        _mm_prefetch((const char *)((uintptr_t)weights + 4096 + line), _MM_HINT_T0);
}

AVX2_END

#endif
