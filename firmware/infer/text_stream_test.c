#include "firmware/infer/text_stream.h"
#include "firmware/testing/check.h"

typedef struct Written {
    char text[1024];
    usize len;
    bool cut_a_character; /* a call ended inside one */
} Written;

static void collect(void *argument, Str text) {
    Written *written = argument;
    memcpy(written->text + written->len, text.data, text.len);
    written->len += text.len;
    for (usize at = 0; at < text.len;) {
        u32 scalar;
        at += utf8_decode(text, at, &scalar);
        written->cut_a_character |= scalar == 0xFFFD;
    }
}

static TextStream stream_to(Written *written, const char *stop) {
    *written = (Written){0};
    return (TextStream){.write = collect, .argument = written, .stops = {str_from_c(stop)}};
}

static Str text_of(const Written *written) { return (Str){written->text, written->len}; }

static void text_passes_at_once(void) {
    Written written;
    TextStream stream = stream_to(&written, "\nYou:");
    CHECK(text_stream_push(&stream, STR("Hello")) == -1);
    CHECK_STR(text_of(&written), STR("Hello"));
}

static void beginnings_of_the_stop_text_wait(void) {
    Written written;
    TextStream stream = stream_to(&written, "\nYou:");
    text_stream_push(&stream, STR("a\nYo"));
    CHECK_STR(text_of(&written), STR("a"));
    text_stream_push(&stream, STR("rk"));
    CHECK_STR(text_of(&written), STR("a\nYork"));
}

static void stop_text_ends_the_stream_before_it(void) {
    Written written;
    TextStream stream = stream_to(&written, "\nYou:");
    text_stream_push(&stream, STR("yes\n"));
    CHECK(text_stream_push(&stream, STR("\nYou: and more")) == 0);
    CHECK_STR(text_of(&written), STR("yes\n"));
    CHECK_U64(stream.stop_at, 4);
}

static void characters_are_never_cut(void) {
    const Str text = STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
    for (usize step = 1; step <= text.len; step++) {
        Written written;
        TextStream stream = stream_to(&written, "");
        for (usize at = 0; at < text.len; at += step) text_stream_push(&stream, str_take(str_skip(text, at), step));
        text_stream_end(&stream);
        CHECK(!written.cut_a_character);
        CHECK_STR(text_of(&written), text);
    }
}

static void malformed_bytes_do_not_stay_behind(void) {
    Written written;
    TextStream stream = stream_to(&written, "");
    text_stream_push(&stream, STR("\xFF\x80\x80"));
    text_stream_push(&stream, STR("\xE2\x82"));
    text_stream_end(&stream);
    CHECK_STR(text_of(&written), STR("\xFF\x80\x80\xE2\x82"));
}

static void long_pieces_pass(void) {
    Written written;
    char piece[900];
    memset(piece, 'x', sizeof(piece));
    TextStream stream = stream_to(&written, "\nYou:");
    text_stream_push(&stream, (Str){piece, sizeof(piece)});
    CHECK_U64(written.len, sizeof(piece));
}

static void the_end_gives_what_waited(void) {
    Written written;
    TextStream stream = stream_to(&written, "\n\n");
    text_stream_push(&stream, STR("a\n"));
    text_stream_end(&stream);
    CHECK_STR(text_of(&written), STR("a\n"));
}

static const TestCase CASES[] = {
    TEST(text_passes_at_once),      TEST(beginnings_of_the_stop_text_wait),   TEST(stop_text_ends_the_stream_before_it),
    TEST(characters_are_never_cut), TEST(malformed_bytes_do_not_stay_behind), TEST(long_pieces_pass),
    TEST(the_end_gives_what_waited)};
TEST_MAIN(CASES)
