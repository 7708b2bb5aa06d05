#include "firmware/repl/counted_files.h"

static u64 counted_memory_free(void *context) {
    const CountedFiles *counted = context;
    return counted->inner->memory_free(counted->inner->context);
}

static bool counted_open(void *context, Str path, File **file, u64 *size, Error *error) {
    CountedFiles *counted = context;
    counted->opens++;
    return counted->inner->file_open(counted->inner->context, path, file, size, error);
}

static bool counted_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *error) {
    CountedFiles *counted = context;
    counted->reads++;
    counted->bytes += bytes;
    return counted->inner->file_read(counted->inner->context, file, offset, to, bytes, error);
}

static void counted_close(void *context, File *file) {
    const CountedFiles *counted = context;
    counted->inner->file_close(counted->inner->context, file);
}

void counted_files_init(CountedFiles *counted, const Platform *inner) {
    *counted = (CountedFiles){.inner = inner};
    counted->platform = (Platform){.context = counted,
                                   .name = inner->name,
                                   .pages = inner->pages,
                                   .memory_free = counted_memory_free,
                                   .file_open = counted_open,
                                   .file_read = counted_read,
                                   .file_close = counted_close};
}
