/* Matrix products over block-quantised weights. Vectors are quantised in blocks of 32, so that products are exact sums
 * of small integers; scales are applied once a block, in float. A value is two 8-bit numbers, the second counting
 * 254ths of the first's step: one alone moves the log probabilities of a small model by 0.1 and with them its answers.
 * As in avx2_floats.c, the order of additions for a (row, vector) pair is fixed, so that a result does not depend on
 * the batch it was computed in. Scales are applied by a product and an addition, not by one fused instruction: a
 * processor does not notice so few of them, and an emulator takes ten times as long over a fused one. */
#include "firmware/kernels/avx2_group.h"

enum { FINE_STEPS = 254 }; /* in a coarse step: what rounding leaves is at most half of one, 127 fine steps */

/** 256 values of a vector, as 8-bit numbers arranged like Group.q. */
typedef struct Digits {
    i8 q[8][32];
} Digits;

/** The values of block b are scale[b] * (FINE_STEPS * coarse + fine), and sum[b] is what they add up to. */
typedef struct Activations {
    Digits coarse, fine;
    f32 scale[GROUP_BLOCKS];
    f32 sum[GROUP_BLOCKS];
} Activations;

static usize groups_of(u32 cols) { return ((usize)cols + GROUP_VALUES - 1) / GROUP_VALUES; }

usize avx2_scratch_bytes(u32 cols, u32 count) { return groups_of(cols) * count * sizeof(Activations); }

AVX2_BEGIN

AVX2_INLINE f32 largest_magnitude(const __m256 v[4]) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 a = _mm256_max_ps(_mm256_andnot_ps(sign, v[0]), _mm256_andnot_ps(sign, v[1]));
    __m256 b = _mm256_max_ps(_mm256_andnot_ps(sign, v[2]), _mm256_andnot_ps(sign, v[3]));
    a = _mm256_max_ps(a, b);
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

/** 32 whole numbers of -127..127 in eight lanes each, as the bytes of block `b`; returns their sum. */
AVX2_INLINE i32 store_digits(const __m256i n[4], u32 b, Digits *to) {
    __m256i words_0 = _mm256_packs_epi32(n[0], n[1]), words_1 = _mm256_packs_epi32(n[2], n[3]);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words_0, words_1),
                                                _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)); /* undo the lane order */
    u32 q = b / 2 * 2, half = b % 2 * 16;
    _mm_storeu_si128((__m128i *)(void *)(to->q[q] + half), _mm256_castsi256_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)(to->q[q + 1] + half), _mm256_extracti128_si256(bytes, 1));
    __m256i total = _mm256_madd_epi16(_mm256_add_epi16(words_0, words_1), _mm256_set1_epi16(1));
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

/** Block `b` of a group: 127 coarse steps are the block's largest magnitude. */
AVX2_INLINE void quantize_block(const f32 *x, u32 b, Activations *to) {
    __m256 v[4];
    for (u32 i = 0; i < 4; i++) v[i] = _mm256_loadu_ps(x + 8 * i);
    f32 largest = largest_magnitude(v);
    __m256 inverse = _mm256_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
    __m256i coarse[4], fine[4];
    for (u32 i = 0; i < 4; i++) {
        __m256 steps = _mm256_mul_ps(v[i], inverse);
        coarse[i] = _mm256_cvtps_epi32(steps);
        __m256 rest = _mm256_sub_ps(steps, _mm256_cvtepi32_ps(coarse[i]));
        fine[i] = _mm256_cvtps_epi32(_mm256_mul_ps(rest, _mm256_set1_ps(FINE_STEPS)));
    }
    u32 lane = b / 2 + 4 * (b % 2);
    i32 sum = FINE_STEPS * store_digits(coarse, b, &to->coarse) + store_digits(fine, b, &to->fine);
    to->scale[lane] = largest / (127.0f * FINE_STEPS);
    to->sum[lane] = to->scale[lane] * (f32)sum;
}

/** Blocks past the end of the vector become zeros. */
static void quantize(const f32 *x, u32 cols, Activations *to) {
    u32 blocks = cols / BLOCK_VALUES;
    for (u32 b = 0; b < blocks; b++) quantize_block(x + BLOCK_VALUES * b, b % GROUP_BLOCKS, to + b / GROUP_BLOCKS);
    static const f32 zeros[BLOCK_VALUES] = {0};
    for (u32 b = blocks; b % GROUP_BLOCKS; b++) quantize_block(zeros, b % GROUP_BLOCKS, to + b / GROUP_BLOCKS);
}

/** How weights and activations of a pair multiply: eight 32-bit sums, four of each of its two blocks. */
typedef __m256i MultiplyPair(const Group *group, u32 pair, const Digits *x);

AVX2_INLINE __m256i multiply_unsigned(const Group *group, u32 pair, const Digits *x) {
    __m256i first = _mm256_maddubs_epi16(group->q[2 * pair], load_32((const u8 *)x->q[2 * pair]));
    __m256i last = _mm256_maddubs_epi16(group->q[2 * pair + 1], load_32((const u8 *)x->q[2 * pair + 1]));
    return _mm256_madd_epi16(_mm256_add_epi16(first, last), _mm256_set1_epi16(1));
}

/** The instruction wants one unsigned factor: |q| * (x with the sign of q). */
AVX2_INLINE __m256i multiply_signed_half(const Group *group, u32 i, const Digits *x) {
    __m256i q = group->q[i];
    __m256i words = _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(load_32((const u8 *)x->q[i]), q));
    return _mm256_madd_epi16(words, group->multiplier[i]);
}

AVX2_INLINE __m256i multiply_signed(const Group *group, u32 pair, const Digits *x) {
    return _mm256_add_epi32(multiply_signed_half(group, 2 * pair, x), multiply_signed_half(group, 2 * pair + 1, x));
}

/** A type's way into a Group and through it. */
typedef struct Format {
    void (*load)(const u8 *blocks, u32 pairs, Group *group);
    MultiplyPair *multiply;
    bool offsets; /* Group.offset is used */
    bool wide;    /* a block's sum of products with both digits may exceed 32 bits */
    u32 block_bytes;
    u32 block_values;
} Format;

AVX2_INLINE __m256i multiply_both(Format format, const Group *group, u32 pair, const Activations *x) {
    __m256i coarse = format.multiply(group, pair, &x->coarse);
    return _mm256_add_epi32(_mm256_mullo_epi32(coarse, _mm256_set1_epi32(FINE_STEPS)),
                            format.multiply(group, pair, &x->fine));
}

/** The four lanes of each block added up, in lane order; pairs past the end are zero. */
AVX2_INLINE __m256i sum_blocks(const __m256i p[4]) {
    return _mm256_hadd_epi32(_mm256_hadd_epi32(p[0], p[1]), _mm256_hadd_epi32(p[2], p[3]));
}

/** One sum a block, in lane order: the group's q times what the vector's scale multiplies. */
AVX2_INLINE __m256 group_sums(Format format, const Group *group, u32 pairs, const Activations *x) {
    __m256i p[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    if (!format.wide) {
        for (u32 i = 0; i < pairs; i++) p[i] = multiply_both(format, group, i, x);
        return _mm256_cvtepi32_ps(sum_blocks(p));
    }
    for (u32 i = 0; i < pairs; i++) p[i] = format.multiply(group, i, &x->coarse);
    __m256 coarse = _mm256_cvtepi32_ps(sum_blocks(p));
    for (u32 i = 0; i < pairs; i++) p[i] = format.multiply(group, i, &x->fine);
    return _mm256_add_ps(_mm256_mul_ps(coarse, _mm256_set1_ps(FINE_STEPS)), _mm256_cvtepi32_ps(sum_blocks(p)));
}

/** Adds the group's part of the product to the eight lanes of `sum`. */
AVX2_INLINE __m256 add_group(Format format, const Group *group, u32 pairs, const Activations *x, __m256 sum) {
    __m256 scale = _mm256_mul_ps(group->scale, _mm256_loadu_ps(x->scale));
    sum = _mm256_add_ps(sum, _mm256_mul_ps(group_sums(format, group, pairs, x), scale));
    return format.offsets ? _mm256_add_ps(sum, _mm256_mul_ps(group->offset, _mm256_loadu_ps(x->sum))) : sum;
}

/** One group of one row against `count` vectors, whose activations are `stride` groups apart. */
AVX2_INLINE void add_group_to_all(Format format, const u8 *blocks, u32 pairs, const Activations *x, usize stride,
                                  u32 count, __m256 *sums) {
    Group group;
    format.load(blocks, pairs, &group);
    for (u32 v = 0; v < count; v++) sums[v] = add_group(format, &group, pairs, x + v * stride, sums[v]);
}

/** The end of a row: 1 to 7 blocks. An odd one is paired with zeros, never with the bytes behind the tensor. */
AVX2_INLINE void add_partial_group(Format format, const u8 *blocks, u32 left, const Activations *x, usize stride,
                                   u32 count, __m256 *sums) {
    u8 even[GROUP_BLOCKS * 34];
    if (left % 2) {
        memcpy(even, blocks, left * format.block_bytes);
        memset(even + left * format.block_bytes, 0, format.block_bytes);
        blocks = even;
    }
    if (left > 6)
        add_group_to_all(format, blocks, 4, x, stride, count, sums);
    else if (left > 4)
        add_group_to_all(format, blocks, 3, x, stride, count, sums);
    else if (left > 2)
        add_group_to_all(format, blocks, 2, x, stride, count, sums);
    else
        add_group_to_all(format, blocks, 1, x, stride, count, sums);
}

AVX2_INLINE void multiply_row(Format format, const u8 *row, u32 cols, const Activations *x, usize stride, u32 count,
                              __m256 *sums) {
    const usize group_bytes = GROUP_VALUES / format.block_values * format.block_bytes;
    for (u32 v = 0; v < count; v++) sums[v] = _mm256_setzero_ps();
    for (u32 g = 0; g < cols / GROUP_VALUES; g++, row += group_bytes, x++) {
        if (count == 1) avx2_fetch_ahead(row, group_bytes);
        add_group_to_all(format, row, 4, x, stride, count, sums);
    }
    u32 left = cols % GROUP_VALUES / BLOCK_VALUES;
    if (format.block_values == BLOCK_VALUES && left) add_partial_group(format, row, left, x, stride, count, sums);
}

enum { ROWS_AT_ONCE = 4, VECTORS_AT_ONCE = 32, CACHED_BYTES = 32 * 1024 };

/** One vector: the sums stay in registers, four rows are stored at once. */
AVX2_INLINE void multiply_one(Format format, const Tensor *w, const Activations *x, f32 *y) {
    const usize row_bytes = w->cols / format.block_values * format.block_bytes;
    u32 r = 0;
    for (; r + ROWS_AT_ONCE <= w->rows; r += ROWS_AT_ONCE) {
        __m256 s[ROWS_AT_ONCE];
        for (u32 i = 0; i < ROWS_AT_ONCE; i++)
            multiply_row(format, w->data + (r + i) * row_bytes, w->cols, x, 0, 1, s + i);
        _mm_storeu_ps(y + r, avx2_sum4(s[0], s[1], s[2], s[3]));
    }
    for (; r < w->rows; r++) {
        __m256 sum;
        multiply_row(format, w->data + r * row_bytes, w->cols, x, 0, 1, &sum);
        y[r] = avx2_sum(sum);
    }
}

/** At most VECTORS_AT_ONCE vectors: each row is unpacked once for all of them. */
AVX2_INLINE void multiply_several(Format format, const Tensor *w, const Activations *x, u32 count, f32 *y) {
    const usize row_bytes = w->cols / format.block_values * format.block_bytes, stride = groups_of(w->cols);
    __m256 sums[VECTORS_AT_ONCE];
    for (u32 r = 0; r < w->rows; r++) {
        multiply_row(format, w->data + r * row_bytes, w->cols, x, stride, count, sums);
        for (u32 v = 0; v < count; v++) y[(usize)v * w->rows + r] = avx2_sum(sums[v]);
    }
}

/** Vectors are taken in portions whose activations stay in the first-level cache. */
AVX2_INLINE void multiply_all(Format format, const Tensor *w, const Activations *x, u32 count, f32 *y) {
    usize groups = groups_of(w->cols);
    u32 portion = (u32)min_usize(VECTORS_AT_ONCE, max_usize(4, CACHED_BYTES / (groups * sizeof(Activations))));
    for (u32 v = 0; v < count; v += portion) {
        u32 now = (u32)min_usize(portion, count - v);
        if (now == 1)
            multiply_one(format, w, x + v * groups, y + (usize)v * w->rows);
        else
            multiply_several(format, w, x + v * groups, now, y + (usize)v * w->rows);
    }
}

#define FORMAT(name, product, offsets, wide, block_bytes, block_values)                                                \
    static void matmul_##name(const Tensor *w, const Activations *x, u32 count, f32 *y) {                              \
        multiply_all((Format){load_##name, multiply_##product, offsets, wide, block_bytes, block_values}, w, x, count, \
                     y);                                                                                               \
    }
FORMAT(q4_0, unsigned, true, false, 18, 32)
FORMAT(q4_1, unsigned, true, false, 20, 32)
FORMAT(q5_0, unsigned, true, false, 22, 32)
FORMAT(q5_1, unsigned, true, false, 24, 32)
FORMAT(q8_0, signed, false, false, 34, 32)
FORMAT(q4_k, unsigned, true, false, 144, 256)
FORMAT(q5_k, unsigned, true, false, 176, 256)
FORMAT(q6_k, signed, false, true, 210, 256)

void avx2_matmul_blocks(const Tensor *w, const f32 *x, u32 count, void *scratch, f32 *y) {
    Activations *activations = scratch;
    usize groups = groups_of(w->cols);
    for (u32 v = 0; v < count; v++) quantize(x + (usize)v * w->cols, w->cols, activations + v * groups);
    switch (w->type) {
    case TENSOR_Q4_0:
        matmul_q4_0(w, activations, count, y);
        break;
    case TENSOR_Q4_1:
        matmul_q4_1(w, activations, count, y);
        break;
    case TENSOR_Q5_0:
        matmul_q5_0(w, activations, count, y);
        break;
    case TENSOR_Q5_1:
        matmul_q5_1(w, activations, count, y);
        break;
    case TENSOR_Q8_0:
        matmul_q8_0(w, activations, count, y);
        break;
    case TENSOR_Q4_K:
        matmul_q4_k(w, activations, count, y);
        break;
    case TENSOR_Q5_K:
        matmul_q5_k(w, activations, count, y);
        break;
    case TENSOR_Q6_K:
        matmul_q6_k(w, activations, count, y);
        break;
    case TENSOR_F32:
    case TENSOR_F16:
    case TENSOR_BF16:
        break; /* avx2_matmul_floats */
    }
}

AVX2_END
