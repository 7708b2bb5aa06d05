/* A string is a pointer and a length; it is never assumed to end in NUL and never owns its bytes. */
#ifndef FIRMWARE_BASE_STR_H
#define FIRMWARE_BASE_STR_H

#include "firmware/base/types.h"

typedef struct Str {
    const char *data;
    usize len;
} Str;

#define STR(literal) ((Str){(literal), sizeof(literal) - 1})
#define STR_NONE ((Str){0})

/** The string up to the first NUL of a C string. */
Str str_from_c(const char *text);
bool str_eq(Str a, Str b);
/** Equality that folds ASCII letters only. */
bool str_eq_nocase(Str a, Str b);
bool str_starts_with(Str text, Str prefix);
bool str_ends_with_nocase(Str text, Str suffix);
/** `text` without its first `n` bytes (all of them when it is shorter). */
Str str_skip(Str text, usize n);
/** The first `n` bytes of `text` (all of them when it is shorter). */
Str str_take(Str text, usize n);
/** True when no byte is an ASCII control character: the text can stand inside one line. */
bool str_is_printable(Str text);
/** Without leading and trailing spaces, tabs, CR and LF. */
Str str_trim(Str text);
/** Index of the first `byte`, or `text.len` when there is none. */
usize str_find_byte(Str text, char byte);
/** Index of the first `needle`, or `text.len` when there is none. */
usize str_find(Str text, Str needle);
/** Cuts `*rest` at the first `separator`: returns the head, leaves the tail (empty at the end) in `*rest`. */
Str str_cut(Str *rest, char separator);

/** Whole-string decimal parsers: false on an empty string, any stray byte, or a value out of range. */
bool str_to_u64(Str text, u64 *out);
bool str_to_i64(Str text, i64 *out);
/** Accepts sign, digits, fraction and decimal exponent; no hexadecimal, infinity or NaN. */
bool str_to_f64(Str text, f64 *out);

/** Number of single-byte edits between two short strings (at most 64 bytes each are looked at). */
usize str_edit_distance(Str a, Str b);

/**
 * Decodes one UTF-8 scalar at `text.data[at]` (`at < text.len`) into `*scalar`; returns its length in bytes.
 * A malformed sequence gives U+FFFD and length 1. Overlong forms and surrogates are malformed (RFC 3629).
 */
usize utf8_decode(Str text, usize at, u32 *scalar);
/** Encodes one scalar; returns the bytes used, 1 to 4. Values that are no scalar are written as U+FFFD. */
usize utf8_encode(u32 scalar, char out[4]);

#endif
