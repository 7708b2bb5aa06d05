#include "firmware/repl/text_file.h"

static const char UTF8_MARK[] = "\xEF\xBB\xBF";

static u32 utf16_unit(Str text, usize at, bool big_endian) {
    u8 first = (u8)text.data[at], second = (u8)text.data[at + 1];
    return big_endian ? (u32)first << 8 | second : (u32)second << 8 | first;
}

/** RFC 2781; a surrogate without its other half becomes U+FFFD. */
static u32 utf16_scalar(Str text, usize *at, bool big_endian) {
    u32 unit = utf16_unit(text, *at, big_endian);
    *at += 2;
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    if (unit > 0xDBFF || *at + 1 >= text.len) return 0xFFFD;
    u32 low = utf16_unit(text, *at, big_endian);
    if (low < 0xDC00 || low > 0xDFFF) return 0xFFFD;
    *at += 2;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

static bool from_utf16(Str text, bool big_endian, Arena *arena, Str *out, Error *error) {
    char *bytes = ARENA_NEW(arena, char, text.len * 2);
    if (!bytes) return fail(error, ERROR_OUT_OF_MEMORY, "no memory to convert %zu bytes of UTF-16", text.len);
    usize len = 0;
    for (usize at = 0; at + 1 < text.len;) {
        char scalar[4];
        usize n = utf8_encode(utf16_scalar(text, &at, big_endian), scalar);
        for (usize i = 0; i < n; i++) bytes[len++] = scalar[i];
    }
    *out = (Str){bytes, len};
    return true;
}

static bool to_utf8(Str bytes, Arena *arena, Str *text, Error *error) {
    if (str_starts_with(bytes, STR("\xFF\xFE"))) return from_utf16(str_skip(bytes, 2), false, arena, text, error);
    if (str_starts_with(bytes, STR("\xFE\xFF"))) return from_utf16(str_skip(bytes, 2), true, arena, text, error);
    bool is_marked = str_starts_with(bytes, STR(UTF8_MARK));
    *text = str_skip(bytes, is_marked ? sizeof(UTF8_MARK) - 1 : 0);
    return true;
}

static bool read_open_file(const Platform *platform, File *file, u64 size, u64 limit, Arena *arena, Str *bytes,
                           Error *error) {
    if (size > limit) {
        return fail(error, ERROR_LIMIT, "%llu bytes, expected at most %llu: use a smaller file",
                    (unsigned long long)size, (unsigned long long)limit);
    }
    char *data = ARENA_NEW(arena, char, (usize)size + 1);
    if (!data) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for %llu bytes", (unsigned long long)size);
    *bytes = (Str){data, (usize)size};
    return size == 0 || platform->file_read(platform->context, file, 0, data, (usize)size, error);
}

bool file_read_whole(const Platform *platform, Str path, u64 limit, Arena *arena, Str *bytes, Error *error) {
    File *file;
    u64 size;
    if (!platform->file_open(platform->context, path, &file, &size, error)) return false;
    bool ok = read_open_file(platform, file, size, limit, arena, bytes, error);
    platform->file_close(platform->context, file);
    return ok || fail_in(error, path);
}

bool text_file_read(const Platform *platform, Str path, Arena *arena, Str *text, u64 *size, Error *error) {
    Str bytes;
    if (!file_read_whole(platform, path, TEXT_FILE_BYTES, arena, &bytes, error)) return false;
    *size = bytes.len;
    return to_utf8(bytes, arena, text, error) || fail_in(error, path);
}

bool text_next_line(Str *rest, Str *line) {
    if (rest->len == 0) return false;
    *line = str_cut(rest, '\n');
    if (line->len > 0 && line->data[line->len - 1] == '\r') line->len--;
    return true;
}
