/* Keys from a console input that hands on a serial line byte by byte, each at its time on a clock of the test's own. */
#include "firmware/platform/uefi/uefi.h"
#include "firmware/testing/check.h"

typedef struct Stroke {
    u32 at_ms;
    u16 scan_code;
    EfiChar16 character;
} Stroke;

/* The machine: strokes that come, the time, and the one timer. */
static struct {
    const Stroke *strokes;
    usize count, next;
    u32 now_ms, timer_ms;
    EfiSimpleTextInput input;
    EfiBootServices boot;
    EfiSystemTable system;
    char key_event, timer_event;
} g;

static bool stroke_is_there(void) { return g.next < g.count && g.strokes[g.next].at_ms <= g.now_ms; }

static EfiStatus read_key_stroke(EfiSimpleTextInput *self, EfiInputKey *key) {
    CHECK(self == &g.input);
    if (!stroke_is_there()) return EFI_NOT_READY;
    *key = (EfiInputKey){g.strokes[g.next].scan_code, g.strokes[g.next].character};
    g.next++;
    return EFI_SUCCESS;
}

static EfiStatus set_timer(EfiEvent event, u32 type, u64 hundred_ns) {
    CHECK(event == &g.timer_event);
    if (type == EFI_TIMER_RELATIVE) g.timer_ms = g.now_ms + (u32)(hundred_ns / 10000);
    return EFI_SUCCESS;
}

static EfiStatus wait_for_event(usize count, const EfiEvent *events, usize *index) {
    CHECK(count == 2 && events[0] == &g.key_event && events[1] == &g.timer_event);
    u32 comes_ms = g.next < g.count ? g.strokes[g.next].at_ms : UINT32_MAX;
    *index = comes_ms <= g.timer_ms ? 0 : 1;
    u32 until_ms = *index == 0 ? comes_ms : g.timer_ms;
    if (until_ms > g.now_ms) g.now_ms = until_ms;
    return EFI_SUCCESS;
}

static Uefi machine_with(const Stroke *strokes, usize count) {
    g.strokes = strokes;
    g.count = count;
    g.next = 0;
    g.now_ms = 0;
    g.input = (EfiSimpleTextInput){.read_key_stroke = read_key_stroke, .wait_for_key = &g.key_event};
    g.boot = (EfiBootServices){.set_timer = set_timer, .wait_for_event = wait_for_event};
    g.system = (EfiSystemTable){.con_in = &g.input};
    return (Uefi){.system = &g.system, .boot = &g.boot, .timer = &g.timer_event, .pending_key = KEY_NONE};
}

#define CHECK_KEYS(strokes, ...)                                                                                       \
    do {                                                                                                               \
        Uefi uefi = machine_with(strokes, COUNT_OF(strokes));                                                          \
        const i32 expected[] = {__VA_ARGS__};                                                                          \
        for (usize i = 0; i < COUNT_OF(expected); i++) {                                                               \
            i32 key = console_key_read(&uefi, 1000);                                                                   \
            CHECK_MSG(key == expected[i], "key %zu: expected %d, found %d", i, expected[i], key);                      \
        }                                                                                                              \
    } while (0)

/** Bytes of 1 to 4 that come at once, and a key after each of them. */
static void bytes_of_a_sequence_are_one_key(void) {
    static const Stroke typed[] = {
        {5, 0, 'a'},  {5, 0, 0xc3}, {5, 0, 0xa9}, {5, 0, 0xe4}, {5, 0, 0xb8}, {5, 0, 0x96}, {5, 0, 0xf0},
        {5, 0, 0x9f}, {5, 0, 0x8e}, {5, 0, 0x89}, {5, 1, 0},    {5, 0, 0x7f}, {5, 0, '\r'},
    };
    CHECK_KEYS(typed, 'a', 0xe9, 0x4e16, 0x1f389, KEY_UP, '\b', '\n', KEY_NONE);
}

/** The limit for each following byte is 20 ms: a byte at the limit belongs to the sequence, one after it does not. */
static void a_sequence_that_comes_apart_is_letters(void) {
    static const Stroke in_time[] = {{5, 0, 0xe4}, {25, 0, 0xb8}, {45, 0, 0x96}};
    CHECK_KEYS(in_time, 0x4e16, KEY_NONE);
    static const Stroke late[] = {{5, 0, 0xe4}, {26, 0, 0xb8}, {26, 0, 'b'}};
    CHECK_KEYS(late, 0xe4, 0xb8, 'b', KEY_NONE);
}

/** A keyboard's own letters above 0x7f are keys, whatever follows, and no key is lost. */
static void a_letter_of_a_keyboard_is_itself(void) {
    static const Stroke typed[] = {{5, 0, 0xe9}, {6, 0, 't'}, {7, 0, 0xe9}, {8, 0, 0xe9}, {300, 0, 0xff}};
    CHECK_KEYS(typed, 0xe9, 't', 0xe9, 0xe9, 0xff, KEY_NONE);
}

/** A scan code that nobody has a use for is no key; a machine without an input has ended. */
static void no_key(void) {
    static const Stroke typed[] = {{5, 0x17, 0}};
    CHECK_KEYS(typed, KEY_NONE);
    Uefi uefi = machine_with(typed, COUNT_OF(typed));
    CHECK(console_key_read(&uefi, 0) == KEY_NONE);
    g.system.con_in = NULL;
    CHECK(console_key_read(&uefi, 0) == KEY_EOF);
}

static const TestCase CASES[] = {TEST(bytes_of_a_sequence_are_one_key), TEST(a_sequence_that_comes_apart_is_letters),
                                 TEST(a_letter_of_a_keyboard_is_itself), TEST(no_key)};
TEST_MAIN(CASES)
