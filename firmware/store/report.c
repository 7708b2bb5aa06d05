#include "firmware/store/report.h"

/** Whether a file holds a text, and its size in bytes; nothing and 0 when it is missing or cannot be read. */
static bool holds_text(const Platform *platform, Str path, u64 *size) {
    File *file;
    Error ignored;
    char first = '\n';
    *size = 0;
    if (!platform->file_open(platform->context, path, &file, size, &ignored)) return false;
    bool is_read = *size > 0 && platform->file_read(platform->context, file, 0, &first, 1, &ignored);
    platform->file_close(platform->context, file);
    return is_read && first != '\n';
}

/** The file holds nothing from the first step on, up to the last, which is one sector. */
static bool overwrite(const Platform *platform, Str path, Str page, Error *error) {
    void *context = platform->context;
    return platform->file_write_at(context, path, 0, STR("\n"), error) &&
           platform->file_write_at(context, path, REPORT_SECTOR_BYTES, str_skip(page, REPORT_SECTOR_BYTES), error) &&
           platform->file_write_at(context, path, 0, str_take(page, REPORT_SECTOR_BYTES), error);
}

static bool write_file(const Platform *platform, Str path, Str page, Error *error) {
    u64 size;
    holds_text(platform, path, &size);
    return size == page.len ? overwrite(platform, path, page, error)
                            : platform->file_write(platform->context, path, page, error);
}

bool report_write(const Platform *platform, const ReportFiles *files, Str page, Error *error) {
    u64 size;
    bool is_copy_spare = holds_text(platform, files->file, &size);
    Str first = is_copy_spare ? files->copy : files->file, second = is_copy_spare ? files->file : files->copy;
    return write_file(platform, first, page, error) && write_file(platform, second, page, error);
}
