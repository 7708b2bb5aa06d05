#include "firmware/testing/memory_volume.h"

#include "firmware/base/mem.h"

static char folded(char byte) {
    if (byte == '\\') return '/';
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool starts_with(Str path, Str start) {
    for (usize i = 0; i < start.len; i++) {
        if (i == path.len || folded(path.data[i]) != folded(start.data[i])) return false;
    }
    return true;
}

static Str path_of(const MemoryFile *file) { return (Str){file->path, file->path_len}; }

static MemoryFile *find(MemoryVolume *volume, Str path) {
    for (usize i = 0; i < MEMORY_FILES; i++) {
        MemoryFile *file = &volume->files[i];
        if (file->path_len == path.len && starts_with(path_of(file), path)) return file;
    }
    return NULL;
}

/** The file of that path, or a free place for it; NULL when there is none. */
static MemoryFile *find_or_free(MemoryVolume *volume, Str path) {
    if (path.len == 0 || path.len > MEMORY_PATH_BYTES) return NULL;
    MemoryFile *file = find(volume, path);
    return file ? file : find(volume, STR_NONE);
}

static void release(MemoryVolume *volume, MemoryFile *file) {
    if (!file->is_borrowed && file->data) volume->pages.free(volume->pages.context, file->data, file->len);
    file->data = NULL;
    file->len = 0;
}

/** Makes `data` the file's, which gets `path` if it has none yet. */
static void put(MemoryVolume *volume, MemoryFile *file, Str path, char *data, usize len, bool is_borrowed) {
    release(volume, file);
    for (usize i = 0; i < path.len; i++) file->path[i] = path.data[i] == '\\' ? '/' : path.data[i];
    file->path_len = path.len;
    file->data = data;
    file->len = len;
    file->is_borrowed = is_borrowed;
}

/** A copy of `data`; false when there is no memory for it. An empty one needs none. */
static bool copy(const MemoryVolume *volume, Str data, char **to) {
    *to = data.len > 0 ? volume->pages.alloc(volume->pages.context, data.len) : NULL;
    if (*to) memcpy(*to, data.data, data.len);
    return *to || data.len == 0;
}

void memory_volume_init(MemoryVolume *volume, PageSource pages) {
    *volume = (MemoryVolume){.pages = pages, .sectors_left = MEMORY_NEVER, .corrupt_write = MEMORY_NEVER};
}

void memory_volume_free(MemoryVolume *volume) {
    for (usize i = 0; i < MEMORY_FILES; i++) memory_volume_remove(volume, path_of(&volume->files[i]));
}

bool memory_volume_add(MemoryVolume *volume, Str path, Str data) {
    MemoryFile *file = find_or_free(volume, path);
    if (!file) return false;
    put(volume, file, path, (char *)data.data, data.len, true);
    return true;
}

bool memory_volume_get(const MemoryVolume *volume, Str path, Str *data) {
    const MemoryFile *file = path.len > 0 ? find((MemoryVolume *)volume, path) : NULL;
    if (file) *data = (Str){file->data, file->len};
    return file != NULL;
}

void memory_volume_remove(MemoryVolume *volume, Str path) {
    MemoryFile *file = find(volume, path);
    if (!file) return;
    release(volume, file);
    file->path_len = 0;
}

void memory_volume_power(MemoryVolume *volume) {
    volume->has_no_power = false;
    volume->sectors_left = MEMORY_NEVER;
}

/* ---- as a platform's files ---- */

static bool check_power(const MemoryVolume *volume, Str path, Error *error) {
    return !volume->has_no_power || fail(error, ERROR_IO, "%.*s: the volume has no power", STR_ARG(path));
}

static bool open_existing(MemoryVolume *volume, Str path, MemoryFile **file, Error *error) {
    if (!check_power(volume, path, error)) return false;
    *file = path.len > 0 ? find(volume, path) : NULL;
    return *file || fail(error, ERROR_NOT_FOUND, "%.*s: there is no such file", STR_ARG(path));
}

bool memory_open(void *context, Str path, File **file, u64 *size, Error *error) {
    MemoryVolume *volume = context;
    MemoryFile *found;
    if (!open_existing(volume, path, &found, error)) return false;
    volume->opens++;
    *file = (File *)found;
    *size = found->len;
    return true;
}

bool memory_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *error) {
    MemoryVolume *volume = context;
    const MemoryFile *found = (const MemoryFile *)file;
    if (!check_power(volume, path_of(found), error)) return false;
    if (offset > found->len || bytes > found->len - offset) {
        return fail(error, ERROR_TRUNCATED, "%.*s: read past the end", STR_ARG(path_of(found)));
    }
    if (bytes > 0) memcpy(to, found->data + offset, bytes);
    volume->reads++;
    volume->read_bytes += bytes;
    return true;
}

void memory_close(void *context, File *file) {
    (void)file;
    ((MemoryVolume *)context)->closes++;
}

static bool check_writable(const MemoryVolume *volume, Str path, Error *error) {
    if (!check_power(volume, path, error)) return false;
    return !volume->is_read_only || fail(error, ERROR_READ_ONLY, "%.*s: the volume is write-protected", STR_ARG(path));
}

/** Power for `sectors` more, all or none. */
static bool spend(MemoryVolume *volume, usize sectors, Str path, Error *error) {
    volume->has_no_power = sectors > volume->sectors_left;
    if (!volume->has_no_power && volume->sectors_left != MEMORY_NEVER) volume->sectors_left -= (u32)sectors;
    return check_power(volume, path, error);
}

static void corrupt_when_due(MemoryVolume *volume, MemoryFile *file, u64 offset, usize len) {
    if (volume->writes++ == volume->corrupt_write && len > 0) file->data[offset] ^= 1;
}

bool memory_write(void *context, Str path, Str data, Error *error) {
    MemoryVolume *volume = context;
    char *content;
    MemoryFile *file = find_or_free(volume, path);
    if (!check_writable(volume, path, error)) return false;
    if (!file || volume->is_full) return fail(error, ERROR_FULL, "%.*s: the volume has no room", STR_ARG(path));
    if (!spend(volume, (data.len + MEMORY_SECTOR_BYTES - 1) / MEMORY_SECTOR_BYTES + 1, path, error)) return false;
    if (!copy(volume, data, &content)) {
        return fail(error, ERROR_OUT_OF_MEMORY, "%.*s: no memory for its %zu bytes", STR_ARG(path), data.len);
    }
    put(volume, file, path, content, data.len, false);
    corrupt_when_due(volume, file, 0, data.len);
    return true;
}

/** Gives a file whose bytes are a test's own a copy of them, to be written. */
static bool make_own(MemoryVolume *volume, MemoryFile *file, Error *error) {
    char *content;
    if (!file->is_borrowed) return true;
    if (!copy(volume, (Str){file->data, file->len}, &content)) {
        return fail(error, ERROR_OUT_OF_MEMORY, "%.*s: no memory for its copy", STR_ARG(path_of(file)));
    }
    put(volume, file, path_of(file), content, file->len, false);
    return true;
}

static bool write_sectors(MemoryVolume *volume, MemoryFile *file, u64 offset, Str data, Error *error) {
    for (u64 at = offset, end = offset + data.len; at < end;) {
        usize step = min_usize(end - at, MEMORY_SECTOR_BYTES - at % MEMORY_SECTOR_BYTES);
        if (!spend(volume, 1, path_of(file), error)) return false;
        memcpy(file->data + at, data.data + (at - offset), step);
        at += step;
    }
    return true;
}

bool memory_write_at(void *context, Str path, u64 offset, Str data, Error *error) {
    MemoryVolume *volume = context;
    MemoryFile *file;
    if (!open_existing(volume, path, &file, error) || !check_writable(volume, path, error)) return false;
    if (offset > file->len || data.len > file->len - offset) {
        return fail(error, ERROR_LIMIT, "%.*s: %zu bytes at %llu are past its end at %zu", STR_ARG(path), data.len,
                    (unsigned long long)offset, file->len);
    }
    if (!make_own(volume, file, error) || !write_sectors(volume, file, offset, data, error)) return false;
    corrupt_when_due(volume, file, offset, data.len);
    return true;
}

/** The name of a file that is in `folder` itself. */
static bool name_in(const MemoryFile *file, Str folder, Str *name) {
    *name = path_of(file);
    if (folder.len > 0) {
        if (!starts_with(*name, folder) || name->len == folder.len || name->data[folder.len] != '/') return false;
        *name = str_skip(*name, folder.len + 1);
    }
    return name->len > 0;
}

static bool is_shown(Str name) { return str_find_byte(name, '/') == name.len && str_find_byte(name, '~') == name.len; }

bool memory_list(void *context, Str path, DirVisitor *visit, void *argument, Error *error) {
    const MemoryVolume *volume = context;
    bool found = path.len == 0;
    if (!check_power(volume, path, error)) return false;
    for (usize i = 0; i < MEMORY_FILES; i++) {
        Str name;
        if (!name_in(&volume->files[i], path, &name)) continue;
        found = true;
        DirEntry entry = {name, volume->files[i].len, false};
        if (is_shown(name)) visit(argument, &entry);
    }
    return found || fail(error, ERROR_NOT_FOUND, "%.*s: there is no such folder", STR_ARG(path));
}
