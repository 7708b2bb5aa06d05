#include "firmware/platform/uefi/path.h"
#include "firmware/base/mem.h"

typedef struct Units {
    u16 *data;
    usize count;
    bool fits;
} Units;

static void put_unit(Units *units, u32 unit) {
    if (units->count + 1 >= PATH_UNITS_MAX)
        units->fits = false;
    else
        units->data[units->count++] = unit == '/' ? '\\' : (u16)unit;
}

/** UTF-16 (RFC 2781): scalars above 0xffff are two units. */
static void put_text(Units *units, Str text) {
    for (usize at = 0; at < text.len;) {
        u32 scalar;
        at += utf8_decode(text, at, &scalar);
        if (scalar > 0xffff) {
            put_unit(units, 0xd800 + ((scalar - 0x10000) >> 10));
            put_unit(units, 0xdc00 + (scalar & 0x3ff));
        } else
            put_unit(units, scalar);
    }
}

static bool is_separator(char c) { return c == '/' || c == '\\'; }

bool path_to_ucs2(Str path, Str suffix, u16 out[PATH_UNITS_MAX]) {
    Units units = {.data = out, .fits = true};
    put_unit(&units, '\\');
    while (path.len > 0 && is_separator(path.data[0])) path = str_skip(path, 1);
    put_text(&units, path);
    put_text(&units, suffix);
    out[units.count] = 0;
    return units.fits;
}

usize path_name_to_ucs2(Str path, Str suffix, u16 out[PATH_UNITS_MAX]) {
    usize start = path.len;
    while (start > 0 && !is_separator(path.data[start - 1])) start--;
    Units units = {.data = out, .fits = true};
    put_text(&units, str_skip(path, start));
    put_text(&units, suffix);
    out[units.count] = 0;
    return units.count;
}

static bool is_high_surrogate(u16 unit) { return unit >= 0xd800 && unit < 0xdc00; }
static bool is_low_surrogate(u16 unit) { return unit >= 0xdc00 && unit < 0xe000; }

/** One scalar from `*name`, which moves past it; a lone surrogate becomes U+FFFD when it is encoded. */
static u32 take_scalar(const u16 **name) {
    u16 first = *(*name)++;
    if (!is_high_surrogate(first) || !is_low_surrogate(**name)) return first;
    return 0x10000 + ((u32)(first - 0xd800) << 10) + (u32)(*(*name)++ - 0xdc00);
}

Str path_name_from_ucs2(const u16 *name, char *out, usize capacity) {
    usize used = 0;
    while (*name != 0) {
        char bytes[4];
        usize count = utf8_encode(take_scalar(&name), bytes);
        if (used + count > capacity) break;
        memcpy(out + used, bytes, count);
        used += count;
    }
    return (Str){out, used};
}
