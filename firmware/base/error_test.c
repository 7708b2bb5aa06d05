#include "firmware/testing/check.h"

static void a_message_says_what_it_was_told(void) {
    Error error = {0};
    CHECK(!fail(&error, ERROR_CORRUPT, "%s: %d of %d", "m.gguf", 3, 4));
    CHECK_ERROR(error, ERROR_CORRUPT);
    CHECK_STR(str_from_c(error.message), STR("m.gguf: 3 of 4"));
}

static void a_place_is_put_in_front(void) {
    Error error = {0};
    fail(&error, ERROR_IO, "gone");
    CHECK(!fail_in(&error, STR("models/m.gguf")));
    CHECK_ERROR(error, ERROR_IO);
    CHECK_STR(str_from_c(error.message), STR("models/m.gguf: gone"));
}

static void a_message_is_one_line_whatever_the_arguments_hold(void) {
    Error error = {0};
    fail(&error, ERROR_USAGE, "no key \"%s\"", "a\nb\x1b[2J\x7f");
    fail_in(&error, STR("file\r\n"));
    CHECK_STR(str_from_c(error.message), STR("file??: no key \"a?b?[2J?\""));
}

static void every_code_has_a_name(void) {
    for (int code = ERROR_NONE; code <= ERROR_USAGE; code++) CHECK(error_code_name((ErrorCode)code)[0] != 0);
}

static const TestCase CASES[] = {
    TEST(a_message_says_what_it_was_told),
    TEST(a_place_is_put_in_front),
    TEST(a_message_is_one_line_whatever_the_arguments_hold),
    TEST(every_code_has_a_name),
};
TEST_MAIN(CASES)
