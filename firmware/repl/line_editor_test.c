/* Lines as they are typed, and what a terminal shows of them. */
#include "firmware/repl/line_editor.h"

#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

typedef struct Desk {
    FakePlatform *fake;
    EventSink sink;
    Keys keys;
    LineEditor editor;
} Desk;

static Desk *desk_new(void) {
    Desk *desk = calloc(1, sizeof(Desk));
    desk->fake = fake_platform_new();
    sink_init(&desk->sink, &desk->fake->platform);
    desk->keys.platform = &desk->fake->platform;
    desk->editor.sink = &desk->sink;
    desk->editor.keys = &desk->keys;
    return desk;
}

static void desk_free(Desk *desk) {
    fake_platform_free(desk->fake);
    free(desk);
}

static void press(Desk *desk, i32 key) { fake_press(desk->fake, key); }

/** Types `text` and Enter, and checks the line that it makes with the keys pressed before. */
static void check_line(Desk *desk, const char *text, const char *expected) {
    Str line;
    fake_type(desk->fake, text);
    press(desk, '\n');
    CHECK_U64(line_read(&desk->editor, STR("> "), &line), LINE_READY);
    CHECK_MSG(str_eq(line, str_from_c(expected)), "expected \"%s\", found \"%.*s\"", expected, STR_ARG(line));
}

static void backspace_takes_a_whole_character(void) {
    Desk *desk = desk_new();
    fake_type(desk->fake, "caf\xC3\xA9\b\b");
    check_line(desk, "ke", "cake");
    fake_type(desk->fake, "\b\b");
    check_line(desk, "x", "x");
    desk_free(desk);
}

static void control_u_erases_the_line(void) {
    Desk *desk = desk_new();
    fake_type(desk->fake, "not this");
    press(desk, KEY_CTRL_U);
    check_line(desk, "but this", "but this");
    desk_free(desk);
}

static void control_w_erases_the_last_word(void) {
    Desk *desk = desk_new();
    fake_type(desk->fake, "one two  ");
    press(desk, KEY_CTRL_W);
    check_line(desk, "three", "one three");
    fake_type(desk->fake, "word");
    press(desk, KEY_CTRL_W);
    press(desk, KEY_CTRL_W);
    check_line(desk, "", "");
    desk_free(desk);
}

static void history_comes_back(void) {
    Desk *desk = desk_new();
    check_line(desk, "first", "first");
    check_line(desk, "second", "second");
    press(desk, KEY_UP);
    press(desk, KEY_UP);
    check_line(desk, "!", "first!");
    press(desk, KEY_UP);
    press(desk, KEY_UP);
    press(desk, KEY_DOWN);
    press(desk, KEY_DOWN);
    check_line(desk, "new", "new");
    desk_free(desk);
}

static const TestCase CASES[] = {TEST(backspace_takes_a_whole_character), TEST(control_u_erases_the_line),
                                 TEST(control_w_erases_the_last_word), TEST(history_comes_back)};
TEST_MAIN(CASES)
