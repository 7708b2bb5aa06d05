/* The C library's snprintf is the judge. */
#include "firmware/base/fmt.h"
#include "firmware/testing/check.h"

#define SAME_AS_LIBC(...)                                                                                              \
    do {                                                                                                               \
        char ours[2048], theirs[2048];                                                                                 \
        usize len = fmt(ours, sizeof ours, __VA_ARGS__);                                                               \
        int expected = snprintf(theirs, sizeof theirs, __VA_ARGS__);                                                   \
        CHECK_MSG(len == (usize)expected && strcmp(ours, theirs) == 0, "\"%s\", expected \"%s\"", ours, theirs);       \
    } while (0)

static void integers_match_the_c_library(void) {
    const long long values[] = {0, 1, -1, 9, 10, -10, 2147483647, -2147483648LL, INT64_MAX, INT64_MIN};
    for (usize i = 0; i < COUNT_OF(values); i++) {
        SAME_AS_LIBC("%lld|%llu|%llx|%llX", values[i], (unsigned long long)values[i], (unsigned long long)values[i],
                     (unsigned long long)values[i]);
        SAME_AS_LIBC("%d|%u|%x|%hd|%hhu", (int)values[i], (unsigned)values[i], (unsigned)values[i], (short)values[i],
                     (unsigned char)values[i]);
        SAME_AS_LIBC("%12lld|%-12lld|%012lld|%zu", values[i], values[i], values[i], (size_t)values[i]);
    }
}

static void strings_match_the_c_library(void) {
    SAME_AS_LIBC("%s|%10s|%-10s|%.2s|%.*s|%c|%%", "abc", "abc", "abc", "abc", 1, "abc", 'x');
    SAME_AS_LIBC("%*d|%-*d", 6, 42, 6, 42);
}

static void floats_match_the_c_library(void) {
    /* No exact halves: there printf rounds to even and we round up. */
    const double values[] = {0, 0.05, 1.15, 4.0, 0.001, 999.9996, 123456.789, -0.75001, 1e15, 3.0e18, 1.7e300};
    for (usize i = 0; i < COUNT_OF(values); i++) {
        SAME_AS_LIBC("%.2f|%10.3f|%-10.1f|%010.2f", values[i], values[i], values[i], values[i]);
        SAME_AS_LIBC("%.0f", values[i]);
    }
    SAME_AS_LIBC("%f", 0.1);
}

static void infinities_and_nan_are_named(void) {
    char text[32];
    fmt(text, sizeof text, "%.1f %.1f %.1f", 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0);
    CHECK(strcmp(text, "inf -inf nan") == 0);
}

static void a_cut_leaves_whole_characters(void) {
    char text[6];
    CHECK_U64(fmt(text, sizeof text, "%s", "ab\xE2\x82\xAC\xE2\x82\xAC"), 5); /* ab + one euro sign */
    CHECK(strcmp(text, "ab\xE2\x82\xAC") == 0);
    char small[4];
    CHECK_U64(fmt(small, sizeof small, "%s", "ab\xE2\x82\xAC"), 2);
    CHECK(strcmp(small, "ab") == 0);
    char none[1];
    CHECK_U64(fmt(none, sizeof none, "%d", 12345), 0);
    CHECK(none[0] == '\0');
    CHECK_U64(fmt(NULL, 0, "x"), 0);
}

static void a_string_with_precision_needs_no_nul(void) {
    const char bytes[3] = {'a', 'b', 'c'};
    char text[8];
    fmt(text, sizeof text, "%.*s", 3, bytes);
    CHECK(strcmp(text, "abc") == 0);
}

static const TestCase CASES[] = {
    TEST(integers_match_the_c_library), TEST(strings_match_the_c_library),   TEST(floats_match_the_c_library),
    TEST(infinities_and_nan_are_named), TEST(a_cut_leaves_whole_characters), TEST(a_string_with_precision_needs_no_nul),
};

TEST_MAIN(CASES)
