#include "firmware/repl/session.h"

enum { SAY_BYTES = 1024 };

static void say_v(Session *session, const char *format, va_list args) {
    char text[SAY_BYTES];
    usize len = fmt_v(text, sizeof(text), format, args);
    sink_text(&session->sink, (Str){text, len});
}

void say(Session *session, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(session, format, args);
    va_end(args);
}

void say_str(Session *session, Str text) { sink_text(&session->sink, text); }

void say_error(Session *session, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(session, "error: ");
    say_v(session, format, args);
    say(session, "\n");
    va_end(args);
}

u64 session_now_us(const Session *session) { return session->platform->now_us(session->platform->context); }

ByteText byte_text(u64 bytes) {
    static const char *const UNITS[] = {"B", "kB", "MB", "GB", "TB"};
    ByteText out;
    usize unit = 0;
    f64 value = (f64)bytes;
    for (; value >= 1000 && unit + 1 < COUNT_OF(UNITS); unit++) value /= 1000;
    fmt(out.text, sizeof(out.text), unit ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
    return out;
}
