#include "firmware/model/tensor.h"

#include <math.h>

#include "firmware/testing/check.h"

/* Bit-for-bit comparison with the gguf package over every type is in tests/dequantize; here are values one can check by
 * hand. */

static void check_values(const f32 *actual, const f32 *expected, usize count) {
    for (usize i = 0; i < count; i++) {
        CHECK_MSG(actual[i] == expected[i], "value %zu is %f, expected %f", i, (f64)actual[i], (f64)expected[i]);
    }
}

static void halves_cover_normal_subnormal_and_special_values(void) {
    CHECK(f32_from_half(0x3C00) == 1.0F);
    CHECK(f32_from_half(0xC000) == -2.0F);
    CHECK(f32_from_half(0x7BFF) == 65504.0F);
    CHECK(f32_from_half(0x0400) == 0x1p-14F); /* least normal */
    CHECK(f32_from_half(0x03FF) == 1023 * 0x1p-24F);
    CHECK(f32_from_half(0x0001) == 0x1p-24F); /* least subnormal */
    CHECK(f32_from_half(0x8001) == -0x1p-24F);
    CHECK(f32_from_half(0x0000) == 0.0F && !signbit(f32_from_half(0x0000)));
    CHECK(f32_from_half(0x8000) == 0.0F && signbit(f32_from_half(0x8000)));
    CHECK(isinf(f32_from_half(0x7C00)) && f32_from_half(0x7C00) > 0);
    CHECK(isinf(f32_from_half(0xFC00)) && f32_from_half(0xFC00) < 0);
    CHECK(isnan(f32_from_half(0x7E00)));
}

static void every_half_has_the_value_of_its_definition(void) {
    for (u32 bits = 0; bits < 65536; bits++) {
        f64 fraction = bits & 0x3FF;
        int exponent = (int)(bits >> 10 & 31);
        if (exponent == 31) continue;
        f64 magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        CHECK((f64)f32_from_half((u16)bits) == (bits & 0x8000 ? -magnitude : magnitude));
    }
}

static void q4_0_puts_the_low_halves_of_bytes_first(void) {
    u8 block[18] = {0x00, 0x40}; /* d = 2 */
    block[2] = 0xF0;             /* value 0 is 0 - 8, value 16 is 15 - 8 */
    f32 out[32];
    tensor_type_info(TENSOR_Q4_0)->dequantize(block, out, 32);
    check_values(&out[0], (f32[]){-16, -16}, 2);
    check_values(&out[16], (f32[]){14, -16}, 2);
}

static void q5_1_takes_the_fifth_bit_from_its_word(void) {
    u8 block[24] = {0x00, 0x3C, 0x00, 0x3C}; /* d = 1, m = 1 */
    block[4] = 0x01;                         /* fifth bit of value 0 */
    block[7] = 0x80;                         /* of value 31 */
    block[23] = 0x20;                        /* value 31 has low bits 2 */
    f32 out[32];
    tensor_type_info(TENSOR_Q5_1)->dequantize(block, out, 32);
    check_values((f32[]){out[0], out[1], out[31]}, (f32[]){17, 1, 19}, 3);
}

static void q4_k_unpacks_scales_that_are_split_over_two_bytes(void) {
    u8 block[144] = {0x00, 0x3C, 0x00, 0x3C}; /* d = dmin = 1 */
    u8 *packed = block + 4;
    packed[0] = 0xC0 | 5; /* scale 0 is 5; its top bits are those of scale 4 */
    packed[4] = 0x80 | 7; /* minimum 0 is 7; top bits of minimum 4 */
    packed[8] = 0x21;     /* scale 4 is 0x31, minimum 4 is 0x22 */
    block[16] = 3;        /* value 0 */
    block[16 + 64] = 1;   /* value 128, the first of sub-block 4 */
    f32 out[256];
    tensor_type_info(TENSOR_Q4_K)->dequantize(block, out, 256);
    check_values((f32[]){out[0], out[1], out[128], out[129]}, (f32[]){5 * 3 - 7, -7, 0x31 - 0x22, -0x22}, 4);
}

static void q6_k_has_a_signed_scale_for_sixteen_values(void) {
    u8 block[210] = {0};
    block[192] = 0xFF; /* scale of values 0..15 is -1 */
    block[193] = 2;    /* of values 16..31 */
    block[208] = 0x00;
    block[209] = 0x3C; /* d = 1 */
    f32 out[256];
    tensor_type_info(TENSOR_Q6_K)->dequantize(block, out, 256);
    check_values((f32[]){out[0], out[15], out[16], out[32]}, (f32[]){32, 32, -64, 0}, 4);
}

static void bf16_is_the_upper_half_of_a_float(void) {
    f32 out[2];
    tensor_type_info(TENSOR_BF16)->dequantize((u8[]){0x80, 0x3F, 0x00, 0xC0}, out, 2);
    check_values(out, (f32[]){1, -2}, 2);
}

static void blocks_are_read_from_any_address(void) {
    u8 bytes[1 + 2 * 34] = {0};
    bytes[2] = 0x3C; /* d = 1 */
    bytes[3] = 0x80; /* value 0 is -128 */
    f32 out[64];
    tensor_type_info(TENSOR_Q8_0)->dequantize(bytes + 1, out, 64);
    check_values((f32[]){out[0], out[1], out[32]}, (f32[]){-128, 0, 0}, 3);
}

static void rows_are_as_long_as_their_blocks(void) {
    CHECK_U64(tensor_row_bytes(TENSOR_F32, 7), 28);
    CHECK_U64(tensor_row_bytes(TENSOR_Q4_1, 64), 40);
    CHECK_U64(tensor_row_bytes(TENSOR_Q6_K, 512), 420);
}

static void unknown_types_have_no_row_in_the_table(void) {
    const u32 unknown[] = {4, 5, 9, 10, 11, 15, 16, 29, 31, 1000};
    for (usize i = 0; i < COUNT_OF(unknown); i++) CHECK(tensor_type_info(unknown[i]) == NULL);
    CHECK_STR(str_from_c(tensor_type_info(12)->name), STR("Q4_K"));
}

static const TestCase CASES[] = {
    TEST(halves_cover_normal_subnormal_and_special_values),
    TEST(every_half_has_the_value_of_its_definition),
    TEST(q4_0_puts_the_low_halves_of_bytes_first),
    TEST(q5_1_takes_the_fifth_bit_from_its_word),
    TEST(q4_k_unpacks_scales_that_are_split_over_two_bytes),
    TEST(q6_k_has_a_signed_scale_for_sixteen_values),
    TEST(bf16_is_the_upper_half_of_a_float),
    TEST(blocks_are_read_from_any_address),
    TEST(rows_are_as_long_as_their_blocks),
    TEST(unknown_types_have_no_row_in_the_table),
};
TEST_MAIN(CASES)
