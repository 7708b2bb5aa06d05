#include "firmware/base/str.h"

#include "firmware/base/math.h"
#include "firmware/base/mem.h"

enum { EDIT_LIMIT = 64 };

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

Str str_from_c(const char *text) {
    usize len = 0;
    while (text[len]) len++;
    return (Str){text, len};
}

bool str_eq(Str a, Str b) { return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0); }

bool str_eq_nocase(Str a, Str b) {
    if (a.len != b.len) return false;
    for (usize i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    }
    return true;
}

bool str_starts_with(Str text, Str prefix) { return str_eq(str_take(text, prefix.len), prefix); }

bool str_ends_with_nocase(Str text, Str suffix) {
    return text.len >= suffix.len && str_eq_nocase(str_skip(text, text.len - suffix.len), suffix);
}

Str str_skip(Str text, usize n) {
    n = min_usize(n, text.len);
    return n ? (Str){text.data + n, text.len - n} : text;
}

Str str_take(Str text, usize n) { return (Str){text.data, min_usize(n, text.len)}; }

bool str_is_printable(Str text) {
    for (usize i = 0; i < text.len; i++) {
        if ((u8)text.data[i] < ' ' || text.data[i] == 0x7F) return false;
    }
    return true;
}

Str str_trim(Str text) {
    while (text.len && is_space(text.data[0])) text = str_skip(text, 1);
    while (text.len && is_space(text.data[text.len - 1])) text.len--;
    return text;
}

usize str_find_byte(Str text, char byte) {
    usize at = 0;
    while (at < text.len && text.data[at] != byte) at++;
    return at;
}

usize str_find(Str text, Str needle) {
    for (usize at = 0; at + needle.len <= text.len; at++) {
        if (str_starts_with(str_skip(text, at), needle)) return at;
    }
    return text.len;
}

Str str_cut(Str *rest, char separator) {
    usize at = str_find_byte(*rest, separator);
    Str head = str_take(*rest, at);
    *rest = str_skip(*rest, at + 1);
    return head;
}

bool str_to_u64(Str text, u64 *out) {
    u64 value = 0;
    for (usize i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i])) return false;
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, (u64)(text.data[i] - '0'), &value)) return false;
    }
    *out = value;
    return text.len > 0;
}

bool str_to_i64(Str text, i64 *out) {
    bool negative = text.len && text.data[0] == '-';
    u64 magnitude;
    if (!str_to_u64(negative || (text.len && text.data[0] == '+') ? str_skip(text, 1) : text, &magnitude)) return false;
    if (magnitude > (u64)INT64_MAX + negative) return false;
    *out = (i64)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* Reads digits into *value, scaling by ten; returns how many there were. */
static usize read_digits(Str *text, f64 *value) {
    usize count = 0;
    for (; text->len && is_digit(text->data[0]); count++) {
        *value = *value * 10.0 + (text->data[0] - '0');
        *text = str_skip(*text, 1);
    }
    return count;
}

static f64 power_of_ten(i64 exponent) {
    f64 power = 1.0;
    for (i64 i = exponent < 0 ? -exponent : exponent; i > 0; i--) power *= 10.0;
    return power;
}

static bool read_exponent(Str *text, i64 *exponent) {
    *exponent = 0;
    if (!text->len || lower(text->data[0]) != 'e') return true;
    bool ok = str_to_i64(str_skip(*text, 1), exponent) && *exponent >= -300 && *exponent <= 300;
    *text = STR_NONE;
    return ok;
}

bool str_to_f64(Str text, f64 *out) {
    bool negative = text.len && text.data[0] == '-';
    if (negative || (text.len && text.data[0] == '+')) text = str_skip(text, 1);
    f64 value = 0;
    i64 exponent;
    usize whole = read_digits(&text, &value);
    usize fraction = 0;
    if (text.len && text.data[0] == '.') {
        text = str_skip(text, 1);
        fraction = read_digits(&text, &value);
    }
    if (whole + fraction == 0 || whole + fraction > 300) return false;
    if (!read_exponent(&text, &exponent) || text.len) return false;
    exponent -= (i64)fraction;
    value = exponent < 0 ? value / power_of_ten(exponent) : value * power_of_ten(exponent);
    *out = negative ? -value : value;
    return value <= 1.7976931348623157e308; /* overflow became infinity */
}

usize str_edit_distance(Str a, Str b) {
    a = str_take(a, EDIT_LIMIT);
    b = str_take(b, EDIT_LIMIT);
    usize row[EDIT_LIMIT + 1];
    for (usize j = 0; j <= b.len; j++) row[j] = j;
    for (usize i = 1; i <= a.len; i++) {
        usize diagonal = row[0];
        row[0] = i;
        for (usize j = 1; j <= b.len; j++) {
            usize replace = diagonal + (a.data[i - 1] != b.data[j - 1]);
            diagonal = row[j];
            row[j] = min_usize(replace, min_usize(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}
