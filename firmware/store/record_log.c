#include "firmware/store/record_log.h"

#include "firmware/base/crc32c.h"
#include "firmware/base/mem.h"

enum { SEAL_BYTES = sizeof(" crc=XXXXXXXX") - 1 };
_Static_assert(RECORD_TEXT_MAX + sizeof("event=18446744073709551615 ") - 1 + SEAL_BYTES + 1 == RECORD_LINE_MAX,
               "the longest text fits between the longest number and the checksum");

/* ---- one line ---- */

/** " crc=XXXXXXXX" of what stands before it. */
static void seal(Str sealed, char text[SEAL_BYTES + 1]) {
    fmt(text, SEAL_BYTES + 1, " crc=%08x", crc32c(0, sealed.data, sealed.len));
}

bool record_parse(Str line, u64 *number, Str *text) {
    char expected[SEAL_BYTES + 1];
    if (line.len < SEAL_BYTES || !str_starts_with(line, STR("event="))) return false;
    Str sealed = str_take(line, line.len - SEAL_BYTES);
    seal(sealed, expected);
    if (!str_eq(str_skip(line, sealed.len), (Str){expected, SEAL_BYTES})) return false;
    *text = str_skip(sealed, sizeof("event=") - 1);
    usize digits = str_find_byte(*text, ' ');
    if (digits == text->len || text->data[0] == '0' || !str_to_u64(str_take(*text, digits), number)) return false;
    *text = str_skip(*text, digits + 1);
    return true;
}

/** With its LF, and room for the NUL that fmt adds; returns the length. */
static usize compose(char line[RECORD_LINE_MAX + 1], u64 number, Str text) {
    usize len = fmt(line, RECORD_LINE_MAX, "event=%llu ", (unsigned long long)number);
    if (text.len > 0) memcpy(line + len, text.data, text.len);
    len += text.len;
    seal((Str){line, len}, line + len);
    line[len + SEAL_BYTES] = '\n';
    return len + SEAL_BYTES + 1;
}

/* ---- reading ---- */

static bool load(const RecordLog *log, Str path, Arena *arena, Str *content, Error *error) {
    const Platform *platform = log->platform;
    File *file;
    u64 size;
    if (!platform->file_open(platform->context, path, &file, &size, error)) return false;
    usize bytes = min_usize(size, RECORD_FILE_MAX);
    char *data = arena_alloc_uncleared(arena, bytes, 1, 1);
    bool done = data ? platform->file_read(platform->context, file, 0, data, bytes, error)
                     : fail(error, ERROR_OUT_OF_MEMORY,
                            "%.*s: no memory for its %zu bytes; use a smaller model or context", STR_ARG(path), bytes);
    platform->file_close(platform->context, file);
    *content = (Str){data, bytes};
    return done;
}

/** True when the eight bytes before `end` are LFs. */
static bool ends_in_blanks(Str content, usize end) {
    u64 bytes;
    if (end < sizeof(bytes)) return false;
    memcpy(&bytes, content.data + end - sizeof(bytes), sizeof(bytes));
    return bytes == 0x0A0A0A0A0A0A0A0Au;
}

/** Where the next line can begin: behind the last byte that is no LF, and the LF that ends its line. Most of a file is
 * blank, and every boot asks. */
static u32 bytes_used(Str content) {
    usize end = content.len;
    while (ends_in_blanks(content, end)) end -= sizeof(u64);
    while (end > 0 && content.data[end - 1] == '\n') end--;
    return (u32)(end == 0 ? 0 : min_usize(end + 1, content.len));
}

static void note_torn(RecordFile *file, Str line) {
    file->torn_lines++;
    file->torn_bytes += (u32)line.len;
}

/** Visits the whole lines, and counts into `file`. */
static void read_lines(Str content, RecordFile *file, RecordVisitor *visit, void *argument) {
    file->used = bytes_used(content);
    content = str_take(content, file->used);
    while (content.len > 0) {
        u64 number;
        Str text, line = str_cut(&content, '\n');
        if (record_parse(line, &number, &text)) {
            if (number > file->newest) file->newest = number;
            visit(argument, number, text);
        } else if (line.len > 0) {
            note_torn(file, line);
        }
    }
}

static void ignore_line(void *argument, u64 number, Str text) {
    (void)argument;
    (void)number;
    (void)text;
}

static bool examine(const RecordLog *log, RecordFile *file, Arena *scratch, Error *error) {
    Str content;
    ArenaMark mark = arena_mark(scratch);
    file->exists = load(log, file->path, scratch, &content, error);
    if (file->exists) {
        file->is_full_size = content.len == log->bytes;
        read_lines(content, file, ignore_line, NULL);
    }
    arena_release(scratch, mark);
    return file->exists || error->code == ERROR_NOT_FOUND;
}

bool record_log_open(RecordLog *log, const Platform *platform, Str first, Str second, u32 bytes, Arena *scratch,
                     Error *error) {
    *log = (RecordLog){.platform = platform, .bytes = bytes, .files = {{.path = first}, {.path = second}}};
    if (!examine(log, &log->files[0], scratch, error) || !examine(log, &log->files[1], scratch, error)) return false;
    log->active = log->files[1].newest > log->files[0].newest;
    return true;
}

u64 record_log_newest(const RecordLog *log) {
    u64 first = log->files[0].newest, second = log->files[1].newest;
    return first > second ? first : second;
}

bool record_log_read(const RecordLog *log, Arena *scratch, RecordVisitor *visit, void *argument, Error *error) {
    ArenaMark mark = arena_mark(scratch);
    bool done = true;
    for (u32 i = 0; i < 2 && done; i++) {
        RecordFile file = log->files[i == 0 ? !log->active : log->active];
        Str content = STR_NONE;
        done = !file.exists || load(log, file.path, scratch, &content, error);
        if (done) read_lines(content, &file, visit, argument);
        arena_release(scratch, mark);
    }
    return done;
}

/* ---- writing ---- */

/** Overwrites a file with LFs in place; one that is missing or of another size is made. */
static bool blank(const RecordLog *log, RecordFile *file, Error *error) {
    const Platform *platform = log->platform;
    const PageSource *pages = &platform->pages;
    char *blanks = pages->alloc(pages->context, log->bytes);
    if (!blanks) {
        return fail(error, ERROR_OUT_OF_MEMORY, "%.*s: no memory to blank its %u bytes; use a smaller model or context",
                    STR_ARG(file->path), log->bytes);
    }
    memset(blanks, '\n', log->bytes);
    Str data = {blanks, log->bytes};
    bool done = file->is_full_size ? platform->file_write_at(platform->context, file->path, 0, data, error)
                                   : platform->file_write(platform->context, file->path, data, error);
    pages->free(pages->context, blanks, log->bytes);
    if (done) *file = (RecordFile){.path = file->path, .exists = true, .is_full_size = true};
    return done;
}

static bool make_missing(RecordLog *log, Error *error) {
    for (u32 i = 0; i < 2; i++) {
        if (!log->files[i].exists && !blank(log, &log->files[i], error)) return false;
    }
    return true;
}

/** Makes room for a line of `len` bytes in the active file, which may become the other one. */
static bool make_room(RecordLog *log, usize len, Error *error) {
    const RecordFile *file = &log->files[log->active];
    if (file->is_full_size && len <= log->bytes - file->used) return true;
    if (!blank(log, &log->files[!log->active], error)) return false;
    log->active = !log->active;
    return true;
}

static bool check_text(Str text, Error *error) {
    if (text.len > RECORD_TEXT_MAX) {
        return fail(error, ERROR_LIMIT, "expected a record of at most %d bytes, got %zu", RECORD_TEXT_MAX, text.len);
    }
    return str_find_byte(text, '\n') == text.len || fail(error, ERROR_USAGE, "a record has no line break within");
}

bool record_log_append(RecordLog *log, u64 number, Str text, Error *error) {
    char line[RECORD_LINE_MAX + 1];
    if (!check_text(text, error)) return false;
    usize len = compose(line, number, text);
    if (!make_missing(log, error) || !make_room(log, len, error)) return false;
    RecordFile *file = &log->files[log->active];
    const Platform *platform = log->platform;
    if (!platform->file_write_at(platform->context, file->path, file->used, (Str){line, len}, error)) return false;
    file->used += (u32)len;
    file->newest = number;
    return true;
}
