#include "firmware/model/tensor.h"

#include "firmware/base/mem.h"

/* Block layouts follow ggml (ggml-common.h): `d` is a block's scale and `m` its minimum, both IEEE halves. A block may
 * lie at any even address, so multi-byte fields are copied out rather than dereferenced. */
enum { BLOCK = 32, SUPER_BLOCK = 256 };

static f32 f32_from_bits(u32 bits) {
    f32 value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static u32 read_u32(const u8 *from) {
    u32 value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static u16 read_u16(const u8 *from) {
    u16 value;
    memcpy(&value, from, sizeof(value));
    return value;
}

f32 f32_from_half(u16 half) {
    u32 sign = (u32)(half & 0x8000) << 16;
    u32 exponent = (half >> 10) & 31;
    u32 fraction = half & 0x3FF;
    if (exponent == 31) return f32_from_bits(sign | 0x7F800000 | fraction << 13); /* infinity and NaN */
    if (exponent != 0) return f32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    f32 magnitude = (f32)fraction * 0x1p-24f; /* zero and the subnormals, which are exact in f32 */
    return sign ? -magnitude : magnitude;
}

static f32 read_half(const u8 *from) { return f32_from_half(read_u16(from)); }

static void dequantize_f32(const void *from, f32 *to, usize values) { memcpy(to, from, values * sizeof(f32)); }

static void dequantize_f16(const void *from, f32 *to, usize values) {
    const u8 *in = from;
    for (usize i = 0; i < values; i++) to[i] = read_half(in + 2 * i);
}

static void dequantize_bf16(const void *from, f32 *to, usize values) {
    const u8 *in = from;
    for (usize i = 0; i < values; i++) to[i] = f32_from_bits((u32)read_u16(in + 2 * i) << 16);
}

/** d; 16 bytes holding value j in the low and value j + 16 in the high four bits, biased by 8. */
static void dequantize_q4_0(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; to += BLOCK, block += 18) {
        f32 d = read_half(block);
        for (int j = 0; j < BLOCK / 2; j++) {
            u8 pair = block[2 + j];
            to[j] = (f32)((pair & 15) - 8) * d;
            to[j + BLOCK / 2] = (f32)((pair >> 4) - 8) * d;
        }
    }
}

/** d, m; 16 bytes as in Q4_0, not biased. */
static void dequantize_q4_1(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; to += BLOCK, block += 20) {
        f32 d = read_half(block);
        f32 m = read_half(block + 2);
        for (int j = 0; j < BLOCK / 2; j++) {
            u8 pair = block[4 + j];
            to[j] = (f32)(pair & 15) * d + m;
            to[j + BLOCK / 2] = (f32)(pair >> 4) * d + m;
        }
    }
}

/** The five bits of value `j`: four from the pairs of a Q4 layout, the fifth from bit `j` of a 32-bit word. */
static i32 five_bits(const u8 *pairs, u32 high, int j) {
    u8 pair = pairs[j % (BLOCK / 2)];
    u32 low = j < BLOCK / 2 ? pair & 15 : pair >> 4;
    return (i32)(low | ((high >> j) & 1) << 4);
}

/** d; the fifth bits; 16 bytes as in Q4_0; biased by 16. */
static void dequantize_q5_0(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; to += BLOCK, block += 22) {
        f32 d = read_half(block);
        u32 high = read_u32(block + 2);
        for (int j = 0; j < BLOCK; j++) to[j] = (f32)(five_bits(block + 6, high, j) - 16) * d;
    }
}

/** d, m; the fifth bits; 16 bytes as in Q4_0; not biased. */
static void dequantize_q5_1(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; to += BLOCK, block += 24) {
        f32 d = read_half(block);
        f32 m = read_half(block + 2);
        u32 high = read_u32(block + 4);
        for (int j = 0; j < BLOCK; j++) to[j] = (f32)five_bits(block + 8, high, j) * d + m;
    }
}

/** d; 32 signed bytes. */
static void dequantize_q8_0(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; to += BLOCK, block += 34) {
        f32 d = read_half(block);
        for (int j = 0; j < BLOCK; j++) to[j] = (f32)(i8)block[2 + j] * d;
    }
}

/** Scale and minimum of one sub-block of 32 values in Q4_K and Q5_K. */
typedef struct SubBlock {
    f32 scale;
    f32 minimum;
} SubBlock;

/**
 * The 12 bytes after d and dmin hold eight 6-bit scales and eight 6-bit minima. Those of sub-blocks 0..3 are the low
 * six bits of bytes 0..3 and 4..7; those of 4..7 are the two halves of bytes 8..11, with their top two bits kept in the
 * top of the bytes before.
 */
static SubBlock read_sub_block(const u8 *block, int index) {
    const u8 *packed = block + 4;
    u32 scale = packed[index % 4] & 63;
    u32 minimum = packed[index % 4 + 4] & 63;
    if (index >= 4) {
        scale = (u32)(packed[index + 4] & 15) | (u32)(packed[index - 4] >> 6) << 4;
        minimum = (u32)(packed[index + 4] >> 4) | (u32)(packed[index] >> 6) << 4;
    }
    return (SubBlock){read_half(block) * (f32)scale, read_half(block + 2) * (f32)minimum};
}

/** d, dmin; 12 bytes of scales; 128 bytes: each 32 hold two sub-blocks, in their low and high four bits. */
static void dequantize_q4_k(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; block += 144) {
        for (int sub = 0; sub < SUPER_BLOCK / BLOCK; sub++, to += BLOCK) {
            SubBlock s = read_sub_block(block, sub);
            const u8 *packed = block + 16 + sub / 2 * BLOCK;
            int shift = sub % 2 * 4;
            for (int j = 0; j < BLOCK; j++) to[j] = s.scale * (f32)((packed[j] >> shift) & 15) - s.minimum;
        }
    }
}

/** d, dmin; 12 bytes of scales; 32 bytes whose bit `sub` is the fifth bit in that sub-block; 128 bytes as in Q4_K. */
static void dequantize_q5_k(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; block += 176) {
        const u8 *high = block + 16;
        for (int sub = 0; sub < SUPER_BLOCK / BLOCK; sub++, to += BLOCK) {
            SubBlock s = read_sub_block(block, sub);
            const u8 *packed = block + 48 + sub / 2 * BLOCK;
            int shift = sub % 2 * 4;
            for (int j = 0; j < BLOCK; j++) {
                int quant = ((packed[j] >> shift) & 15) | ((high[j] >> sub) & 1) << 4;
                to[j] = s.scale * (f32)quant - s.minimum;
            }
        }
    }
}

/**
 * 128 bytes of low four bits; 64 bytes of high two bits; 16 signed scales, one for 16 values; d. In each half of 128
 * values, run r of 32 takes its low bits from 32 bytes (r even: the first, odd: the second; r < 2: low, else high four
 * bits) and its high bits from bits 2r of 32 other bytes. Biased by 32.
 */
static void dequantize_q6_k(const void *from, f32 *to, usize values) {
    const u8 *block = from;
    for (f32 *end = to + values; to < end; block += 210) {
        f32 d = read_half(block + 208);
        for (int run = 0; run < SUPER_BLOCK / BLOCK; run++, to += BLOCK) {
            int half = run / 4, r = run % 4;
            const u8 *low = block + half * 64 + r % 2 * BLOCK;
            const u8 *high = block + 128 + half * BLOCK;
            const u8 *scales = block + 192 + run * 2;
            for (int j = 0; j < BLOCK; j++) {
                int quant = ((low[j] >> r / 2 * 4) & 15) | ((high[j] >> 2 * r) & 3) << 4;
                to[j] = d * (f32)(i8)scales[j / 16] * (f32)(quant - 32);
            }
        }
    }
}

static const TensorTypeInfo TYPES[] = {
    {TENSOR_F32, "F32", 1, 4, dequantize_f32},        {TENSOR_F16, "F16", 1, 2, dequantize_f16},
    {TENSOR_Q4_0, "Q4_0", 32, 18, dequantize_q4_0},   {TENSOR_Q4_1, "Q4_1", 32, 20, dequantize_q4_1},
    {TENSOR_Q5_0, "Q5_0", 32, 22, dequantize_q5_0},   {TENSOR_Q5_1, "Q5_1", 32, 24, dequantize_q5_1},
    {TENSOR_Q8_0, "Q8_0", 32, 34, dequantize_q8_0},   {TENSOR_Q4_K, "Q4_K", 256, 144, dequantize_q4_k},
    {TENSOR_Q5_K, "Q5_K", 256, 176, dequantize_q5_k}, {TENSOR_Q6_K, "Q6_K", 256, 210, dequantize_q6_k},
    {TENSOR_BF16, "BF16", 1, 2, dequantize_bf16},
};

const TensorTypeInfo *tensor_type_info(u32 type) {
    for (usize i = 0; i < COUNT_OF(TYPES); i++) {
        if ((u32)TYPES[i].type == type) return &TYPES[i];
    }
    return NULL;
}

usize tensor_row_bytes(TensorType type, u32 cols) {
    const TensorTypeInfo *info = tensor_type_info((u32)type);
    return (usize)cols / info->block_values * info->block_bytes;
}
