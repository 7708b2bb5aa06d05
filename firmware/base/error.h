/* Errors as values: a code for programs and one line for people. */
#ifndef FIRMWARE_BASE_ERROR_H
#define FIRMWARE_BASE_ERROR_H

#include "firmware/base/fmt.h"

typedef enum ErrorCode {
    ERROR_NONE,
    ERROR_NOT_FOUND,   /* the file or row does not exist */
    ERROR_IO,          /* the device or file system refused */
    ERROR_READ_ONLY,   /* the volume cannot be written */
    ERROR_FULL,        /* the volume has no room */
    ERROR_TRUNCATED,   /* the data ends before its own header says it should */
    ERROR_CORRUPT,     /* the data contradicts itself */
    ERROR_UNSUPPORTED, /* well formed, and something this program does not do */
    ERROR_OUT_OF_MEMORY,
    ERROR_LIMIT, /* well formed, and larger than a stated limit */
    ERROR_USAGE, /* the person's command or configuration is wrong */
} ErrorCode;

/** `message` is one line: what was expected, what was found, where, and what to do next. */
typedef struct Error {
    ErrorCode code;
    char message[256];
} Error;

/**
 * Fills `*error` and returns false, so that a failing function can `return fail(error, ...)`. Control characters in the
 * arguments become '?'.
 */
bool fail(Error *error, ErrorCode code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Puts "prefix: " before an error's message (which place it came from) and returns false. */
bool fail_in(Error *error, Str prefix);
/** The code's name in lower case with underscores, as events and --json spell it. */
const char *error_code_name(ErrorCode code);

#endif
