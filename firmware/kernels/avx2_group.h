/* Quantised weights, 256 at a time, in one form for every block type; the layouts are those of ggml-common.h.
 *
 * A group is eight blocks of 32 values, taken as four pairs (0,1) (2,3) (4,5) (6,7). A pair is held as two vectors: the
 * first sixteen values of both blocks, then the last sixteen of both. Eight numbers, one a block, are in "lane order":
 * blocks 0 2 4 6 in the low half of a vector, 1 3 5 7 in the high half, which is where the horizontal additions of
 * group_sums() leave their results. Rows that end within a group have fewer pairs; `pairs` is a constant at every call.
 */
#ifndef FIRMWARE_KERNELS_AVX2_GROUP_H
#define FIRMWARE_KERNELS_AVX2_GROUP_H

#include "firmware/kernels/avx2.h"

enum { GROUP_VALUES = 256, GROUP_BLOCKS = 8, BLOCK_VALUES = 32 };

typedef struct Group {
    __m256i q[8];          /* unsigned, or signed where the type's product is the signed one */
    __m256i multiplier[8]; /* signed types: 16-bit factors of each vector of q */
    __m256 scale;          /* a value is scale * q + offset */
    __m256 offset;
} Group;

AVX2_BEGIN

AVX2_INLINE __m128i load_16(const u8 *at) { return _mm_loadu_si128((const __m128i *)(const void *)at); }
AVX2_INLINE __m256i load_32(const u8 *at) { return _mm256_loadu_si256((const __m256i *)(const void *)at); }
AVX2_INLINE __m256i join(__m128i low, __m128i high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* The builtin is one load; under -ffreestanding the function would be a call. */
AVX2_INLINE u16 load_u16(const u8 *at) {
    u16 value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

AVX2_INLINE u32 load_u32(const u8 *at) {
    u32 value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

AVX2_INLINE f32 half_to_f32(u16 half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }

/** The half-precision number at the head of each of 2 * pairs blocks, in lane order. */
AVX2_INLINE __m256 block_halves(const u8 *blocks, usize block_bytes, u32 pairs) {
#define HALF(block) ((block) < 2 * pairs ? (i16)load_u16(blocks + (block)*block_bytes) : (i16)0)
    return _mm256_cvtph_ps(_mm_setr_epi16(HALF(0), HALF(2), HALF(4), HALF(6), HALF(1), HALF(3), HALF(5), HALF(7)));
#undef HALF
}

/** The two half-precision numbers at the head of each block: scale and offset. */
AVX2_INLINE void load_scale_offset(const u8 *blocks, usize block_bytes, u32 pairs, Group *group) {
#define HEAD(block) ((block) < 2 * pairs ? (i32)load_u32(blocks + (block)*block_bytes) : 0)
    __m256 first = _mm256_cvtph_ps(_mm_setr_epi32(HEAD(0), HEAD(2), HEAD(1), HEAD(3)));
    __m256 second =
        pairs > 2 ? _mm256_cvtph_ps(_mm_setr_epi32(HEAD(4), HEAD(6), HEAD(5), HEAD(7))) : _mm256_setzero_ps();
#undef HEAD
    group->scale = _mm256_shuffle_ps(first, second, 0x88);
    group->offset = _mm256_shuffle_ps(first, second, 0xDD);
}

/** Scale alone; q counts from `zero` upwards. */
AVX2_INLINE void load_scale(const u8 *blocks, usize block_bytes, u32 pairs, f32 zero, Group *group) {
    group->scale = block_halves(blocks, block_bytes, pairs);
    group->offset = _mm256_mul_ps(group->scale, _mm256_set1_ps(-zero));
}

/** Nibbles: the low ones are a block's first sixteen values, the high ones its last. */
AVX2_INLINE void load_nibbles(const u8 *first, usize block_bytes, u32 pairs, Group *group) {
    const __m256i mask = _mm256_set1_epi8(15);
    for (u32 p = 0; p < pairs; p++) {
        const u8 *at = first + 2 * p * block_bytes;
        __m256i both = join(load_16(at), load_16(at + block_bytes));
        group->q[2 * p] = _mm256_and_si256(both, mask);
        group->q[2 * p + 1] = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
    }
}

/** Adds 16 to the values whose bit is set in the block's 32-bit word at `first`. */
AVX2_INLINE void add_fifth_bits(const u8 *first, usize block_bytes, u32 pairs, Group *group) {
    const __m256i bits = _mm256_set1_epi64x((i64)0x8040201008040201u);
    const __m256i bytes_0_1 = _mm256_setr_epi64x(0, 0x0101010101010101, 0, 0x0101010101010101);
    const __m256i bytes_2_3 = _mm256_or_si256(bytes_0_1, _mm256_set1_epi8(2));
    const __m256i sixteen = _mm256_set1_epi8(16);
    for (u32 p = 0; p < pairs; p++) {
        const u8 *at = first + 2 * p * block_bytes;
        __m256i words = join(_mm_set1_epi32((i32)load_u32(at)), _mm_set1_epi32((i32)load_u32(at + block_bytes)));
        for (u32 half = 0; half < 2; half++) {
            __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(words, half ? bytes_2_3 : bytes_0_1), bits);
            __m256i fifth = _mm256_and_si256(_mm256_cmpeq_epi8(spread, bits), sixteen);
            group->q[2 * p + half] = _mm256_or_si256(group->q[2 * p + half], fifth);
        }
    }
}

AVX2_INLINE void load_q4_0(const u8 *blocks, u32 pairs, Group *group) {
    load_scale(blocks, 18, pairs, 8, group);
    load_nibbles(blocks + 2, 18, pairs, group);
}

AVX2_INLINE void load_q4_1(const u8 *blocks, u32 pairs, Group *group) {
    load_scale_offset(blocks, 20, pairs, group);
    load_nibbles(blocks + 4, 20, pairs, group);
}

AVX2_INLINE void load_q5_0(const u8 *blocks, u32 pairs, Group *group) {
    load_scale(blocks, 22, pairs, 16, group);
    load_nibbles(blocks + 6, 22, pairs, group);
    add_fifth_bits(blocks + 2, 22, pairs, group);
}

AVX2_INLINE void load_q5_1(const u8 *blocks, u32 pairs, Group *group) {
    load_scale_offset(blocks, 24, pairs, group);
    load_nibbles(blocks + 8, 24, pairs, group);
    add_fifth_bits(blocks + 4, 24, pairs, group);
}

AVX2_INLINE void load_q8_0(const u8 *blocks, u32 pairs, Group *group) {
    group->scale = block_halves(blocks, 34, pairs);
    for (u32 p = 0; p < pairs; p++) {
        const u8 *at = blocks + 2 + 2 * p * 34;
        group->q[2 * p] = join(load_16(at), load_16(at + 34));
        group->q[2 * p + 1] = join(load_16(at + 16), load_16(at + 34 + 16));
        group->multiplier[2 * p] = group->multiplier[2 * p + 1] = _mm256_set1_epi16(1);
    }
}

/** Two blocks of 32 values each as the two vectors of pair `p`. */
AVX2_INLINE void set_pair(Group *group, u32 p, __m256i even, __m256i odd) {
    group->q[2 * p] = _mm256_permute2x128_si256(even, odd, 0x20);
    group->q[2 * p + 1] = _mm256_permute2x128_si256(even, odd, 0x31);
}

/** Eight unsigned bytes, one a block, as floats in lane order. */
AVX2_INLINE __m256 bytes_to_lanes(u32 blocks_0_3, u32 blocks_4_7) {
    __m128i bytes = _mm_setr_epi32((i32)blocks_0_3, (i32)blocks_4_7, 0, 0);
    __m128i order = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, -1, -1, -1, -1, -1, -1, -1, -1);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_shuffle_epi8(bytes, order)));
}

/** Head of Q4_K and Q5_K: two halves, then twelve bytes with eight scales and eight offsets of 6 bits each. */
AVX2_INLINE void load_k_head(const u8 *block, Group *group) {
    const u32 six = 0x3F3F3F3F, four = 0x0F0F0F0F, two = 0x30303030;
    u32 scales = load_u32(block + 4), offsets = load_u32(block + 8), rest = load_u32(block + 12);
    __m256 scale = bytes_to_lanes(scales & six, (rest & four) | (scales >> 2 & two));
    __m256 offset = bytes_to_lanes(offsets & six, (rest >> 4 & four) | (offsets >> 2 & two));
    group->scale = _mm256_mul_ps(scale, _mm256_set1_ps(half_to_f32(load_u16(block))));
    group->offset = _mm256_mul_ps(offset, _mm256_set1_ps(-half_to_f32(load_u16(block + 2))));
}

AVX2_INLINE void load_q4_k(const u8 *block, u32 pairs, Group *group) {
    const __m256i mask = _mm256_set1_epi8(15);
    load_k_head(block, group);
    for (u32 p = 0; p < pairs; p++) {
        __m256i both = load_32(block + 16 + 32 * p);
        set_pair(group, p, _mm256_and_si256(both, mask), _mm256_and_si256(_mm256_srli_epi16(both, 4), mask));
    }
}

AVX2_INLINE void load_q5_k(const u8 *block, u32 pairs, Group *group) {
    const __m256i mask = _mm256_set1_epi8(15), one = _mm256_set1_epi8(1);
    load_k_head(block, group);
    __m256i fifths = load_32(block + 16);
    for (u32 p = 0; p < pairs; p++) {
        __m256i both = load_32(block + 48 + 32 * p);
        __m256i even_bit = _mm256_and_si256(_mm256_srli_epi16(fifths, (i32)(2 * p)), one);
        __m256i odd_bit = _mm256_and_si256(_mm256_srli_epi16(fifths, (i32)(2 * p + 1)), one);
        __m256i even = _mm256_or_si256(_mm256_and_si256(both, mask), _mm256_slli_epi16(even_bit, 4));
        __m256i odd =
            _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(both, 4), mask), _mm256_slli_epi16(odd_bit, 4));
        set_pair(group, p, even, odd);
    }
}

/** Sixteen signed scales of 16 values each, spread to the vectors of q they belong to. */
AVX2_INLINE void load_q6_k_scales(const u8 *scales, Group *group) {
    __m256i words = _mm256_cvtepi8_epi16(load_16(scales));
    for (u32 p = 0; p < 4; p++) {
        __m256i eight =
            p < 2 ? _mm256_permute2x128_si256(words, words, 0x00) : _mm256_permute2x128_si256(words, words, 0x11);
        for (u32 half = 0; half < 2; half++) {
            u32 even = 4 * (p & 1) + half, odd = even + 2; /* words within the eight */
            __m128i low = _mm_set1_epi16((i16)(even * 0x0202 + 0x0100));
            __m128i high = _mm_set1_epi16((i16)(odd * 0x0202 + 0x0100));
            group->multiplier[2 * p + half] = _mm256_shuffle_epi8(eight, join(low, high));
        }
    }
}

/** ql: 128 bytes of low nibbles, qh: 64 bytes of two high bits, 16 scales, one half. Values count from -32. */
AVX2_INLINE void load_q6_k(const u8 *block, u32 pairs, Group *group) {
    const __m256i nibble = _mm256_set1_epi8(15), high = _mm256_set1_epi8(0x30), middle = _mm256_set1_epi8(32);
    group->scale = _mm256_set1_ps(half_to_f32(load_u16(block + 208)));
    load_q6_k_scales(block + 192, group);
    for (u32 p = 0; p < pairs; p++) { /* pairs 0 and 2: low nibbles of 64 bytes; 1 and 3: the high ones of the same */
        const u8 *low = block + 64 * (p / 2);
        __m256i bits = load_32(block + 128 + 32 * (p / 2));
        __m256i even = load_32(low), odd = load_32(low + 32);
        if (p % 2) even = _mm256_srli_epi16(even, 4), odd = _mm256_srli_epi16(odd, 4);
        __m256i even_bits = p % 2 ? bits : _mm256_slli_epi16(bits, 4);
        __m256i odd_bits = p % 2 ? _mm256_srli_epi16(bits, 2) : _mm256_slli_epi16(bits, 2);
        even = _mm256_or_si256(_mm256_and_si256(even, nibble), _mm256_and_si256(even_bits, high));
        odd = _mm256_or_si256(_mm256_and_si256(odd, nibble), _mm256_and_si256(odd_bits, high));
        set_pair(group, p, _mm256_sub_epi8(even, middle), _mm256_sub_epi8(odd, middle));
    }
}

AVX2_END

#endif
