#include "firmware/platform/host/terminal.h"

#include "firmware/platform/host/syscall.h"

enum { STDIN = 0 };
enum { TCGETS = 0x5401, TCSETS = 0x5402 };
enum { LOCAL_ISIG = 0001, LOCAL_ICANON = 0002, LOCAL_ECHO = 0010, LOCAL_IEXTEN = 0100000 };
enum { INPUT_ICRNL = 0400, INPUT_IXON = 02000 };
enum { CHARACTER_TIME = 5, CHARACTER_MIN = 6 };
enum { POLLIN = 1 };
/** How long the rest of an escape sequence may take; a longer pause means the Esc key itself. */
enum { ESCAPE_TIMEOUT_MS = 25 };
enum { KEY_ESCAPE = 27, KEY_RUBOUT = 127 };

/* A signal handler has no other way to know what to restore. */
static Terminal *signal_terminal;

static const i32 ENDING_SIGNALS[] = {1 /* HUP */,  2 /* INT */,   3 /* QUIT */,
                                     6 /* ABRT */, 11 /* SEGV */, 15 /* TERM */};

/** struct sigaction of the kernel, x86-64. */
typedef struct KernelSigaction {
    void (*handler)(i32 signal);
    u64 flags;
    void (*restorer)(void);
    u64 mask;
} KernelSigaction;

static void end_on_signal(i32 signal) {
    terminal_restore(signal_terminal);
    sys_exit(128 + (u32)signal);
}

static void never_returned_to(void) { sys_exit(127); }

static void restore_on_signals(Terminal *terminal) {
    enum { SA_RESTORER = 0x04000000 };
    KernelSigaction action = {end_on_signal, SA_RESTORER, never_returned_to, 0};
    signal_terminal = terminal;
    for (usize i = 0; i < COUNT_OF(ENDING_SIGNALS); i++) {
        sys_call(SYS_RT_SIGACTION, ENDING_SIGNALS[i], (i64)&action, 0, sizeof(u64), 0, 0);
    }
}

void terminal_start(Terminal *terminal) {
    *terminal = (Terminal){0};
    if (sys_ioctl(STDIN, TCGETS, &terminal->saved) < 0) return;
    KernelTermios raw = terminal->saved;
    raw.local &= ~(u32)(LOCAL_ISIG | LOCAL_ICANON | LOCAL_ECHO | LOCAL_IEXTEN);
    raw.input &= ~(u32)(INPUT_ICRNL | INPUT_IXON);
    raw.characters[CHARACTER_TIME] = 0;
    raw.characters[CHARACTER_MIN] = 1;
    restore_on_signals(terminal);
    terminal->is_raw = sys_ioctl(STDIN, TCSETS, &raw) == 0;
}

void terminal_restore(Terminal *terminal) {
    if (!terminal->is_raw) return;
    sys_ioctl(STDIN, TCSETS, &terminal->saved);
    terminal->is_raw = false;
}

static bool wait_for_input(u32 timeout_ms) {
    struct {
        i32 fd;
        i16 events, got;
    } poll = {STDIN, POLLIN, 0};
    return sys_call(SYS_POLL, (i64)&poll, 1, (i32)(timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms), 0, 0, 0) > 0;
}

/** The next byte, or KEY_NONE, or KEY_EOF. */
static i32 next_byte(Terminal *terminal, u32 timeout_ms) {
    if (terminal->begin == terminal->end) {
        if (terminal->ended) return KEY_EOF;
        if (!wait_for_input(timeout_ms)) return KEY_NONE;
        i64 got = sys_read(STDIN, terminal->bytes, sizeof(terminal->bytes));
        if (got == -ERRNO_INTR) return KEY_NONE;
        terminal->begin = 0;
        terminal->end = got > 0 ? (usize)got : 0;
        terminal->ended = got <= 0;
        if (terminal->ended) return KEY_EOF;
    }
    return terminal->bytes[terminal->begin++];
}

typedef struct EscapeKey {
    const char *sequence; /* behind ESC */
    i32 key;
} EscapeKey;

/** ECMA-48 cursor keys and the variants terminals send (xterm, linux, rxvt). */
static const EscapeKey ESCAPE_KEYS[] = {
    {"[A", KEY_UP},    {"[B", KEY_DOWN}, {"[C", KEY_RIGHT}, {"[D", KEY_LEFT}, {"[H", KEY_HOME},   {"[F", KEY_END},
    {"OA", KEY_UP},    {"OB", KEY_DOWN}, {"OC", KEY_RIGHT}, {"OD", KEY_LEFT}, {"OH", KEY_HOME},   {"OF", KEY_END},
    {"[1~", KEY_HOME}, {"[4~", KEY_END}, {"[7~", KEY_HOME}, {"[8~", KEY_END}, {"[3~", KEY_DELETE}};

static bool is_sequence_end(usize len, i32 byte) { return len > 1 && byte >= 0x40 && byte <= 0x7E; }

static i32 escape_key(Terminal *terminal) {
    char sequence[8];
    usize len = 0;
    i32 byte = next_byte(terminal, ESCAPE_TIMEOUT_MS);
    if (byte != '[' && byte != 'O') {
        if (byte >= 0) terminal->begin--;
        return KEY_ESCAPE;
    }
    for (; byte >= 0 && len < sizeof(sequence); byte = next_byte(terminal, ESCAPE_TIMEOUT_MS)) {
        sequence[len++] = (char)byte;
        if (is_sequence_end(len, byte)) break;
    }
    for (usize i = 0; i < COUNT_OF(ESCAPE_KEYS); i++) {
        if (str_eq((Str){sequence, len}, str_from_c(ESCAPE_KEYS[i].sequence))) return ESCAPE_KEYS[i].key;
    }
    return KEY_NONE;
}

static usize following_bytes(u8 lead) { return lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0; }

static i32 utf8_key(Terminal *terminal, u8 lead) {
    char bytes[4] = {(char)lead};
    usize len = 1;
    for (usize left = following_bytes(lead); left > 0; left--) {
        i32 byte = next_byte(terminal, ESCAPE_TIMEOUT_MS);
        if (byte < 0) break;
        if ((byte & 0xC0) != 0x80) {
            terminal->begin--;
            break;
        }
        bytes[len++] = (char)byte;
    }
    u32 scalar;
    utf8_decode((Str){bytes, len}, 0, &scalar);
    return (i32)scalar;
}

i32 terminal_key(Terminal *terminal, u32 timeout_ms) {
    i32 byte = next_byte(terminal, timeout_ms);
    switch (byte) {
    case '\r':
        return '\n';
    case KEY_RUBOUT:
        return '\b';
    case KEY_ESCAPE:
        return escape_key(terminal);
    default:
        return byte < 0x80 ? byte : utf8_key(terminal, (u8)byte);
    }
}
