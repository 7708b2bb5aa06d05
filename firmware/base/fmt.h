/* Formatting into a caller's buffer: what snprintf does, for the conversions we use, without a C library. */
#ifndef FIRMWARE_BASE_FMT_H
#define FIRMWARE_BASE_FMT_H

#include <stdarg.h>

#include "firmware/base/str.h"

/** printf arguments of a Str for a "%.*s" conversion. */
#define STR_ARG(s) (int)(s).len, (s).data

/**
 * Formats into `buffer`, always ending it in NUL when `capacity > 0`; returns the length written without the NUL.
 * Output that does not fit is cut at a UTF-8 character border. Conversions: %% %c %s %.*s %d %i %u %x %X with
 * optional h/hh/l/ll/z, flags 0 and -, a width (or *), and %f with a precision (default 6, at most 17).
 */
usize fmt(char *buffer, usize capacity, const char *format, ...) __attribute__((format(printf, 3, 4)));
usize fmt_v(char *buffer, usize capacity, const char *format, va_list args);

#endif
