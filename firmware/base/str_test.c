#include "firmware/base/str.h"
#include "firmware/testing/check.h"

static void cutting_walks_fields_and_ends_empty(void) {
    Str rest = STR("a,b,,c");
    CHECK_STR(str_cut(&rest, ','), STR("a"));
    CHECK_STR(str_cut(&rest, ','), STR("b"));
    CHECK_STR(str_cut(&rest, ','), STR(""));
    CHECK_STR(str_cut(&rest, ','), STR("c"));
    CHECK_U64(rest.len, 0);
}

static void trimming_and_searching(void) {
    CHECK_STR(str_trim(STR(" \t x y\r\n")), STR("x y"));
    CHECK_STR(str_trim(STR(" \n ")), STR(""));
    CHECK_U64(str_find(STR("hello"), STR("ll")), 2);
    CHECK_U64(str_find(STR("hello"), STR("lx")), 5);
    CHECK_U64(str_find(STR("aaab"), STR("aab")), 1);
    CHECK(str_ends_with_nocase(STR("Model.GGUF"), STR(".gguf")));
    CHECK(!str_ends_with_nocase(STR("f"), STR(".gguf")));
    CHECK(str_eq_nocase(STR("TEMP"), STR("temp")) && !str_eq_nocase(STR("temp"), STR("tem")));
}

static void unsigned_numbers_stop_at_the_limit(void) {
    u64 value;
    CHECK(str_to_u64(STR("18446744073709551615"), &value));
    CHECK_U64(value, UINT64_MAX);
    CHECK(!str_to_u64(STR("18446744073709551616"), &value));
    CHECK(!str_to_u64(STR(""), &value) && !str_to_u64(STR("-1"), &value) && !str_to_u64(STR("1 "), &value));
}

static void signed_numbers_stop_at_both_limits(void) {
    i64 value;
    CHECK(str_to_i64(STR("-9223372036854775808"), &value) && value == INT64_MIN);
    CHECK(str_to_i64(STR("+7"), &value) && value == 7);
    CHECK(!str_to_i64(STR("9223372036854775808"), &value));
    CHECK(!str_to_i64(STR("-9223372036854775809"), &value) && !str_to_i64(STR("--1"), &value));
}

static void decimals_agree_with_strtod(void) {
    const char *texts[] = {"0", "0.8", "-1.5", "+.25", "3.", "1e3", "2.5E-3", "123456789.125", "1e300"};
    for (usize i = 0; i < COUNT_OF(texts); i++) {
        f64 value;
        CHECK(str_to_f64(str_from_c(texts[i]), &value));
        f64 expected = strtod(texts[i], NULL);
        f64 error = value > expected ? value - expected : expected - value;
        CHECK_MSG(error <= 1e-15 * (expected < 0 ? -expected : expected), "%s gave %.17g", texts[i], value);
    }
}

static void what_is_no_decimal_is_refused(void) {
    const char *texts[] = {"", ".", "-", "e3", "1e", "abc", "1.2.3", "nan", "inf", "0x10", "1e999", "1 "};
    f64 value;
    for (usize i = 0; i < COUNT_OF(texts); i++) CHECK_MSG(!str_to_f64(str_from_c(texts[i]), &value), "%s", texts[i]);
}

static void edit_distance_counts_edits(void) {
    CHECK_U64(str_edit_distance(STR("temp"), STR("temp")), 0);
    CHECK_U64(str_edit_distance(STR("tmep"), STR("temp")), 2);
    CHECK_U64(str_edit_distance(STR("tem"), STR("temp")), 1);
    CHECK_U64(str_edit_distance(STR(""), STR("abc")), 3);
}

static void every_scalar_survives_utf8(void) {
    for (u32 scalar = 0; scalar <= 0x10FFFF; scalar++) {
        char bytes[4];
        usize len = utf8_encode(scalar, bytes);
        u32 back;
        CHECK_U64(utf8_decode((Str){bytes, len}, 0, &back), len);
        CHECK_U64(back, scalar >= 0xD800 && scalar <= 0xDFFF ? 0xFFFD : scalar);
    }
}

static void malformed_utf8_is_one_replacement_a_byte(void) {
    const Str texts[] = {
        STR("\x80"),     STR("\xC0\x80"),     STR("\xE0\x80\x80"), STR("\xED\xA0\x80"), STR("\xF4\x90\x80\x80"),
        STR("\xE2\x82"), STR("\xE2\x28\xA1"), STR("\xFF")};
    for (usize i = 0; i < COUNT_OF(texts); i++) {
        u32 scalar;
        CHECK_U64(utf8_decode(texts[i], 0, &scalar), 1);
        CHECK_U64(scalar, 0xFFFD);
    }
}

static const TestCase CASES[] = {
    TEST(cutting_walks_fields_and_ends_empty),
    TEST(trimming_and_searching),
    TEST(unsigned_numbers_stop_at_the_limit),
    TEST(signed_numbers_stop_at_both_limits),
    TEST(decimals_agree_with_strtod),
    TEST(what_is_no_decimal_is_refused),
    TEST(edit_distance_counts_edits),
    TEST(every_scalar_survives_utf8),
    TEST(malformed_utf8_is_one_replacement_a_byte),
};

TEST_MAIN(CASES)
