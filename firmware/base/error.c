#include "firmware/base/error.h"

#include "firmware/base/mem.h"

/** Names from a hostile file may hold anything; a message stays one line whatever they hold. */
static void make_one_line(char *message) {
    for (; *message; message++) {
        if ((u8)*message < ' ' || *message == 0x7F) *message = '?';
    }
}

bool fail(Error *error, ErrorCode code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    error->code = code;
    fmt_v(error->message, sizeof error->message, format, args);
    va_end(args);
    make_one_line(error->message);
    return false;
}

bool fail_in(Error *error, Str prefix) {
    char rest[sizeof error->message];
    memcpy(rest, error->message, sizeof rest);
    fmt(error->message, sizeof error->message, "%.*s: %s", STR_ARG(prefix), rest);
    make_one_line(error->message);
    return false;
}

const char *error_code_name(ErrorCode code) {
    static const char *const NAMES[] = {
        [ERROR_NONE] = "none",
        [ERROR_NOT_FOUND] = "not_found",
        [ERROR_IO] = "io",
        [ERROR_READ_ONLY] = "read_only",
        [ERROR_FULL] = "full",
        [ERROR_TRUNCATED] = "truncated",
        [ERROR_CORRUPT] = "corrupt",
        [ERROR_UNSUPPORTED] = "unsupported",
        [ERROR_OUT_OF_MEMORY] = "out_of_memory",
        [ERROR_LIMIT] = "limit",
        [ERROR_USAGE] = "usage",
    };
    return (usize)code < COUNT_OF(NAMES) ? NAMES[code] : "unknown";
}
