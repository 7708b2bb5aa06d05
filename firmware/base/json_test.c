#include "firmware/base/json.h"

#include "firmware/testing/check.h"

typedef struct Buffer {
    char bytes[512];
    usize len;
} Buffer;

static void append(void *argument, Str text) {
    Buffer *buffer = argument;
    memcpy(buffer->bytes + buffer->len, text.data, text.len);
    buffer->len += text.len;
}

static void structures_get_their_commas(void) {
    Buffer buffer = {.len = 0};
    JsonWriter json = {append, &buffer, false};
    json_begin_object(&json);
    json_key(&json, "ids");
    json_begin_array(&json);
    json_u64(&json, 1);
    json_u64(&json, UINT64_MAX);
    json_begin_array(&json);
    json_end_array(&json);
    json_end_array(&json);
    json_key(&json, "x");
    json_f64(&json, -0.25, 3);
    json_key(&json, "none");
    json_f64(&json, 1e308 * 10, 3);
    json_end_object(&json);
    CHECK_STR(((Str){buffer.bytes, buffer.len}),
              STR("{\"ids\":[1,18446744073709551615,[]],\"x\":-0.250,\"none\":null}"));
}

static void lines_begin_behind_the_comma(void) {
    Buffer buffer = {.len = 0};
    JsonWriter json = {append, &buffer, false};
    json_begin_object(&json);
    json_new_line(&json);
    json_key(&json, "ids");
    json_begin_array(&json);
    json_u64(&json, 1);
    json_new_line(&json);
    json_u64(&json, 2);
    json_end_array(&json);
    json_new_line(&json);
    json_key(&json, "x");
    json_str(&json, STR("y"));
    json_end_object(&json);
    CHECK_STR(((Str){buffer.bytes, buffer.len}), STR("{\n\"ids\":[1,\n2],\n\"x\":\"y\"}"));
}

static void check_string(Str value, Str expected) {
    Buffer buffer = {.len = 0};
    JsonWriter json = {append, &buffer, false};
    json_str(&json, value);
    CHECK_STR(((Str){buffer.bytes, buffer.len}), expected);
}

static void strings_are_escaped(void) {
    check_string(STR(""), STR("\"\""));
    check_string(STR("a\"\\\n\x01"), STR("\"a\\\"\\\\\\u000a\\u0001\""));
    check_string(STR("\xF0\x9F\x98\x80"), STR("\"\xF0\x9F\x98\x80\""));
    check_string(STR("\xFF"), STR("\"\xEF\xBF\xBD\""));
}

static const TestCase CASES[] = {TEST(structures_get_their_commas), TEST(lines_begin_behind_the_comma),
                                 TEST(strings_are_escaped)};
TEST_MAIN(CASES)
