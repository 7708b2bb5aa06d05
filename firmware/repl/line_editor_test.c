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

static void keys_go_where_the_cursor_is(void) {
    Desk *desk = desk_new();
    fake_type(desk->fake, "bd");
    press(desk, KEY_LEFT);
    fake_type(desk->fake, "\xC3\xA9");
    press(desk, KEY_HOME);
    press(desk, KEY_LEFT);
    fake_type(desk->fake, "a");
    press(desk, KEY_END);
    press(desk, KEY_RIGHT);
    check_line(desk, "e",
               "ab\xC3\xA9"
               "de");
    fake_type(desk->fake, "one two three");
    for (usize i = 0; i < 6; i++) press(desk, KEY_LEFT);
    press(desk, KEY_CTRL_W);
    press(desk, KEY_RIGHT);
    press(desk, '\b');
    check_line(desk, "", "one three");
    desk_free(desk);
}

enum { CELLS = 256, RANDOM_KEYS = 60, RANDOM_LINES = 2000 };

/** One line of a terminal that knows backspace; cells of one character, as scalars. */
typedef struct Terminal {
    u32 cells[CELLS];
    usize column, width;
} Terminal;

static void show(Terminal *terminal, Str output) {
    for (usize at = 0; at < output.len;) {
        u32 scalar;
        at += utf8_decode(output, at, &scalar);
        if (scalar == '\b') {
            terminal->column--;
        } else if (scalar == '\n') {
            return;
        } else {
            terminal->cells[terminal->column++] = scalar;
            if (terminal->column > terminal->width) terminal->width = terminal->column;
        }
    }
}

static void check_terminal(const FakePlatform *fake, Str line) {
    Terminal terminal = {0};
    usize cell = 2; /* behind the prompt */
    Str output = fake_output(fake);
    show(&terminal, output);
    for (usize at = 0; at < line.len; cell++) {
        u32 scalar;
        at += utf8_decode(line, at, &scalar);
        CHECK_U64(terminal.cells[cell], scalar);
    }
    CHECK_U64(terminal.column, cell);
    for (; cell < terminal.width; cell++) CHECK_U64(terminal.cells[cell], ' ');
}

static void the_terminal_shows_the_line_whatever_is_pressed(void) {
    static const i32 SOME_KEYS[] = {'a',      'b',       ' ',     0xE9,   0x4E16,   '\b',       KEY_LEFT,   KEY_LEFT,
                                    KEY_HOME, KEY_RIGHT, KEY_END, KEY_UP, KEY_DOWN, KEY_CTRL_W, KEY_CTRL_U, 'c'};
    u64 seed = 1;
    Desk *desk = desk_new();
    for (usize line_number = 0; line_number < RANDOM_LINES; line_number++) {
        Str line;
        desk->fake->output_len = desk->fake->key_count = desk->fake->keys_read = 0;
        desk->sink.at_line_start = true;
        for (usize i = 0; i < RANDOM_KEYS; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            press(desk, SOME_KEYS[seed >> 60]);
        }
        press(desk, '\n');
        CHECK_U64(line_read(&desk->editor, STR("> "), &line), LINE_READY);
        check_terminal(desk->fake, line);
    }
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

static const TestCase CASES[] = {
    TEST(backspace_takes_a_whole_character), TEST(control_u_erases_the_line),
    TEST(control_w_erases_the_last_word),    TEST(history_comes_back),
    TEST(keys_go_where_the_cursor_is),       TEST(the_terminal_shows_the_line_whatever_is_pressed)};
TEST_MAIN(CASES)
