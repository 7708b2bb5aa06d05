/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "firmware/base/str.h"

enum { REPLACEMENT = 0xFFFD };

static bool is_scalar(u32 value) { return value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF); }

/* Length announced by a lead byte and the bits it carries; 0 for a byte that can not lead. */
static usize lead(u8 byte, u32 *bits) {
    static const struct { u8 mask, value; } LEADS[] = {{0x80, 0x00}, {0xE0, 0xC0}, {0xF0, 0xE0}, {0xF8, 0xF0}};
    for (usize i = 0; i < COUNT_OF(LEADS); i++) {
        if ((byte & LEADS[i].mask) != LEADS[i].value) continue;
        *bits = byte & (u8)~LEADS[i].mask;
        return i + 1;
    }
    return 0;
}

usize utf8_decode(Str text, usize at, u32 *scalar) {
    static const u32 SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    u32 value = 0;
    usize length = lead((u8)text.data[at], &value);
    *scalar = REPLACEMENT;
    if (length == 0 || length > text.len - at) return 1;
    for (usize i = 1; i < length; i++) {
        u8 byte = (u8)text.data[at + i];
        if ((byte & 0xC0) != 0x80) return 1;
        value = value << 6 | (byte & 0x3F);
    }
    if (value < SMALLEST[length] || !is_scalar(value)) return 1;
    *scalar = value;
    return length;
}

usize utf8_encode(u32 scalar, char out[4]) {
    if (!is_scalar(scalar)) scalar = REPLACEMENT;
    if (scalar < 0x80) {
        out[0] = (char)scalar;
        return 1;
    }
    usize length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (usize i = length - 1; i > 0; i--, scalar >>= 6) out[i] = (char)(0x80 | (scalar & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xF0) | scalar);
    return length;
}
