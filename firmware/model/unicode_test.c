#include "firmware/model/unicode.h"
#include "firmware/testing/check.h"

static void ascii_has_the_classes_of_posix(void) {
    for (u32 c = 0; c < 128; c++) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool space = c == ' ' || (c >= '\t' && c <= '\r');
        CHECK_U64(unicode_class(c) == UNICODE_LETTER, letter);
        CHECK_U64(unicode_class(c) == UNICODE_NUMBER, c >= '0' && c <= '9');
        CHECK_U64(unicode_class(c) == UNICODE_SPACE, space);
        bool punctuation = c != 0 && strchr("!\"#%&'()*,-./:;?@[\\]_{}", (int)c) != NULL;
        CHECK_U64(unicode_class(c) == UNICODE_PUNCTUATION, punctuation);
    }
}

static void scripts_digits_and_spaces_beyond_ascii(void) {
    CHECK_U64(unicode_class(0x4E2D), UNICODE_LETTER); /* CJK */
    CHECK_U64(unicode_class(0x0430), UNICODE_LETTER); /* Cyrillic */
    CHECK_U64(unicode_class(0x0967), UNICODE_NUMBER); /* Devanagari one */
    CHECK_U64(unicode_class(0x00BD), UNICODE_NUMBER); /* one half */
    CHECK_U64(unicode_class(0x00A0), UNICODE_SPACE);
    CHECK_U64(unicode_class(0x3000), UNICODE_SPACE);
    CHECK_U64(unicode_class(0x2026), UNICODE_PUNCTUATION); /* ellipsis */
    CHECK_U64(unicode_class(0x0301), UNICODE_OTHER);       /* combining acute */
    CHECK_U64(unicode_class(0x1F600), UNICODE_OTHER);
}

static void the_ends_of_the_code_space_and_beyond(void) {
    CHECK_U64(unicode_class(0), UNICODE_OTHER);
    CHECK_U64(unicode_class(0x10FFFF), UNICODE_OTHER);
    CHECK_U64(unicode_class(0xFFFFFFFF), UNICODE_OTHER);
}

static const TestCase CASES[] = {
    TEST(ascii_has_the_classes_of_posix),
    TEST(scripts_digits_and_spaces_beyond_ascii),
    TEST(the_ends_of_the_code_space_and_beyond),
};
TEST_MAIN(CASES)
