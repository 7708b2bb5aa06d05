#include "firmware/base/fmt.h"

enum { MAX_PRECISION = 17, NUMBER_BYTES = 352 };

typedef struct Sink {
    char *buffer;
    usize capacity; /* room for text, the final NUL not counted */
    usize len;
    bool full;
} Sink;

typedef struct Spec {
    bool left, zero;
    usize width;
    bool has_precision;
    usize precision;
    char length; /* 0, 'h', 'H' for hh, 'l', 'L' for ll, 'z' */
    char conversion;
} Spec;

static void put(Sink *sink, Str text) {
    if (sink->full) return;
    usize n = min_usize(text.len, sink->capacity - sink->len);
    for (usize i = 0; i < n; i++) sink->buffer[sink->len + i] = text.data[i];
    sink->len += n;
    sink->full = n < text.len;
}

static void put_repeated(Sink *sink, char c, usize count) {
    for (; count && !sink->full; count--) put(sink, (Str){&c, 1});
}

/* Text with its sign kept in front of zero padding. */
static void put_padded(Sink *sink, const Spec *spec, Str sign, Str body) {
    usize used = sign.len + body.len;
    usize pad = spec->width > used ? spec->width - used : 0;
    if (!spec->left && !spec->zero) put_repeated(sink, ' ', pad);
    put(sink, sign);
    if (!spec->left && spec->zero) put_repeated(sink, '0', pad);
    put(sink, body);
    if (spec->left) put_repeated(sink, ' ', pad);
}

static Str digits_of(u64 value, u32 base, const char *alphabet, char *end) {
    char *at = end;
    do {
        *--at = alphabet[value % base];
        value /= base;
    } while (value);
    return (Str){at, (usize)(end - at)};
}

static void put_unsigned(Sink *sink, const Spec *spec, Str sign, u64 value) {
    char digits[24];
    bool hex = spec->conversion == 'x' || spec->conversion == 'X';
    const char *alphabet = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    put_padded(sink, spec, sign, digits_of(value, hex ? 16 : 10, alphabet, digits + sizeof digits));
}

static void put_signed(Sink *sink, const Spec *spec, i64 value) {
    put_unsigned(sink, spec, value < 0 ? STR("-") : STR_NONE, value < 0 ? 0 - (u64)value : (u64)value);
}

/* Whole part of a magnitude of any size, by decimal long division of its 53 significant bits. */
static Str whole_digits(f64 value, char *end) {
    u32 doublings = 0;
    for (; value >= 9007199254740992.0; doublings++) value *= 0.5; /* 2^53 */
    Str text = digits_of((u64)value, 10, "0123456789", end);
    char *at = (char *)text.data;
    for (; doublings; doublings--) {
        u32 carry = 0;
        for (char *digit = end; digit-- > at;) {
            u32 doubled = (u32)(*digit - '0') * 2 + carry;
            *digit = (char)('0' + doubled % 10);
            carry = doubled / 10;
        }
        if (carry) *--at = (char)('0' + carry);
    }
    return (Str){at, (usize)(end - at)};
}

static f64 round_half_up(f64 magnitude, usize precision) {
    f64 half = 0.5;
    for (; precision; precision--) half /= 10.0;
    return magnitude + half;
}

static void put_float(Sink *sink, const Spec *spec, f64 value) {
    if (value != value || value - value != 0) {
        Spec plain = *spec;
        plain.zero = false;
        put_padded(sink, &plain, value < 0 ? STR("-") : STR_NONE, value != value ? STR("nan") : STR("inf"));
        return;
    }
    usize precision = min_usize(spec->has_precision ? spec->precision : 6, MAX_PRECISION);
    f64 magnitude = round_half_up(value < 0 ? -value : value, precision);
    char text[NUMBER_BYTES];
    char *point = text + NUMBER_BYTES - MAX_PRECISION - 1;
    Str whole = whole_digits(magnitude, point);
    f64 fraction = magnitude < 9007199254740992.0 ? magnitude - (f64)(u64)magnitude : 0.0;
    usize len = whole.len;
    if (precision) point[0] = '.', len++;
    for (usize i = 0; i < precision; i++, len++) {
        fraction *= 10.0;
        u32 digit = (u32)fraction;
        point[1 + i] = (char)('0' + digit);
        fraction -= digit;
    }
    put_padded(sink, spec, value < 0 ? STR("-") : STR_NONE, (Str){whole.data, len});
}

static const char *parse_number(const char *at, usize *value) {
    for (*value = 0; *at >= '0' && *at <= '9' && *value < 100000; at++) *value = *value * 10 + (usize)(*at - '0');
    return at;
}

static const char *parse_length(const char *at, Spec *spec) {
    if (*at != 'h' && *at != 'l' && *at != 'z') return at;
    spec->length = *at++;
    if (*at != spec->length) return at;
    spec->length = *at == 'h' ? 'H' : 'L';
    return at + 1;
}

static const char *parse_flags(const char *at, Spec *spec) {
    for (; *at == '-' || *at == '0'; at++) {
        if (*at == '-') spec->left = true;
        if (*at == '0') spec->zero = true;
    }
    return at;
}

/* va_list may be an array type, so it travels inside a structure. */
typedef struct Arguments {
    va_list list;
} Arguments;

static u64 next_unsigned(Arguments *arguments, char length) {
    switch (length) {
    case 'L':
        return va_arg(arguments->list, unsigned long long);
    case 'l':
        return va_arg(arguments->list, unsigned long);
    case 'z':
        return va_arg(arguments->list, usize);
    case 'h':
        return (unsigned short)va_arg(arguments->list, unsigned);
    case 'H':
        return (unsigned char)va_arg(arguments->list, unsigned);
    default:
        return va_arg(arguments->list, unsigned);
    }
}

static i64 next_signed(Arguments *arguments, char length) {
    switch (length) {
    case 'L':
        return va_arg(arguments->list, long long);
    case 'l':
        return va_arg(arguments->list, long);
    case 'z':
        return (i64)va_arg(arguments->list, usize);
    case 'h':
        return (short)va_arg(arguments->list, int);
    case 'H':
        return (signed char)va_arg(arguments->list, int);
    default:
        return va_arg(arguments->list, int);
    }
}

/* A string argument: with a precision, at most that many bytes are looked at (they need not end in NUL). */
static Str next_string(Arguments *arguments, const Spec *spec) {
    const char *text = va_arg(arguments->list, const char *);
    usize len = 0;
    if (text == NULL) return spec->has_precision && spec->precision == 0 ? STR_NONE : STR("(null)");
    while ((!spec->has_precision || len < spec->precision) && text[len]) len++;
    return (Str){text, len};
}

static void put_conversion(Sink *sink, const Spec *spec, Arguments *arguments) {
    char c;
    switch (spec->conversion) {
    case 'd':
    case 'i':
        put_signed(sink, spec, next_signed(arguments, spec->length));
        return;
    case 'u':
    case 'x':
    case 'X':
        put_unsigned(sink, spec, STR_NONE, next_unsigned(arguments, spec->length));
        return;
    case 'f':
        put_float(sink, spec, va_arg(arguments->list, f64));
        return;
    case 's':
        put_padded(sink, spec, STR_NONE, next_string(arguments, spec));
        return;
    case 'c':
        c = (char)va_arg(arguments->list, int);
        put_padded(sink, spec, STR_NONE, (Str){&c, 1});
        return;
    default:
        put(sink, STR("%"));
        return;
    }
}

static const char *parse_spec(const char *at, Spec *spec, Arguments *arguments) {
    *spec = (Spec){0};
    at = parse_flags(at, spec);
    if (*at == '*') {
        int width = va_arg(arguments->list, int);
        spec->left |= width < 0;
        spec->width = (usize)(width < 0 ? -(i64)width : width);
        at++;
    } else {
        at = parse_number(at, &spec->width);
    }
    if (*at == '.') {
        spec->has_precision = true;
        if (*++at == '*') {
            int precision = va_arg(arguments->list, int);
            spec->has_precision = precision >= 0;
            spec->precision = precision >= 0 ? (usize)precision : 0;
            at++;
        } else {
            at = parse_number(at, &spec->precision);
        }
    }
    at = parse_length(at, spec);
    spec->conversion = *at;
    return *at ? at + 1 : at;
}

/* Moves a cut back to a character border, so that what was written is still UTF-8. */
static usize whole_characters(const char *text, usize len) {
    usize start = len;
    while (start > 0 && ((u8)text[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0) return len;
    u8 lead = (u8)text[start - 1];
    usize need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return len - (start - 1) < need ? start - 1 : len;
}

usize fmt_v(char *buffer, usize capacity, const char *format, va_list list) {
    if (capacity == 0) return 0;
    Sink sink = {buffer, capacity - 1, 0, false};
    Arguments arguments;
    va_copy(arguments.list, list);
    while (*format && !sink.full) {
        const char *end = format;
        while (*end && *end != '%') end++;
        put(&sink, (Str){format, (usize)(end - format)});
        format = end;
        if (*format != '%') continue;
        Spec spec;
        format = parse_spec(format + 1, &spec, &arguments);
        put_conversion(&sink, &spec, &arguments);
    }
    va_end(arguments.list);
    if (sink.full) sink.len = whole_characters(buffer, sink.len);
    buffer[sink.len] = '\0';
    return sink.len;
}

usize fmt(char *buffer, usize capacity, const char *format, ...) {
    va_list list;
    va_start(list, format);
    usize len = fmt_v(buffer, capacity, format, list);
    va_end(list);
    return len;
}
