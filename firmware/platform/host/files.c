#include "firmware/platform/host/files.h"

#include "firmware/base/mem.h"
#include "firmware/platform/host/syscall.h"

enum { FILE_MODE = 0644 };
static const char TEMPORARY_SUFFIX[] = ".tmp";

/** A path for the kernel: '/' between parts, NUL at the end, "." for the volume itself. */
typedef struct KernelPath {
    char text[HOST_PATH_BYTES];
} KernelPath;

static bool to_kernel_path(Str path, KernelPath *out, Error *error) {
    if (path.len + sizeof(TEMPORARY_SUFFIX) > sizeof(out->text)) {
        return fail(error, ERROR_LIMIT, "the path of %zu bytes is longer than %d: use a shorter one", path.len,
                    HOST_PATH_BYTES);
    }
    if (path.len == 0) path = STR(".");
    for (usize i = 0; i < path.len; i++) out->text[i] = path.data[i] == '\\' ? '/' : path.data[i];
    out->text[path.len] = 0;
    return true;
}

typedef struct ErrnoRow {
    i32 number;
    ErrorCode code;
    const char *text;
} ErrnoRow;

static const ErrnoRow ERRNO_ROWS[] = {
    {ERRNO_NOENT, ERROR_NOT_FOUND, "there is no such file: check the name"},
    {ERRNO_NOTDIR, ERROR_NOT_FOUND, "a part of the path is no folder: check the name"},
    {ERRNO_ISDIR, ERROR_IO, "it is a folder, expected a file: check the name"},
    {ERRNO_ACCES, ERROR_IO, "access is denied: change the file's permissions"},
    {ERRNO_PERM, ERROR_READ_ONLY, "writing is not permitted: change the file's permissions"},
    {ERRNO_ROFS, ERROR_READ_ONLY, "the volume is read-only: mount it for writing"},
    {ERRNO_NOSPC, ERROR_FULL, "the volume is full: delete something"},
};

static bool fail_errno(Error *error, Str path, i64 result) {
    for (usize i = 0; i < COUNT_OF(ERRNO_ROWS); i++) {
        const ErrnoRow *row = &ERRNO_ROWS[i];
        if (row->number == -result) return fail(error, row->code, "%.*s: %s", STR_ARG(path), row->text);
    }
    return fail(error, ERROR_IO, "%.*s: the system refused (errno %d): check the device", STR_ARG(path), (int)-result);
}

bool files_open_volume(Host *host, Str path, Error *error) {
    KernelPath kernel;
    if (!to_kernel_path(path, &kernel, error)) return false;
    i64 fd = sys_openat(AT_FDCWD, kernel.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    host->volume = (i32)fd;
    return fd >= 0 || fail_errno(error, path, fd);
}

static File *free_slot(Host *host) {
    for (usize i = 0; i < HOST_OPEN_FILES; i++) {
        if (host->files[i].fd < 0) return &host->files[i];
    }
    return NULL;
}

/** Opens what is there and is no folder. */
static bool open_existing(const Host *host, Str path, i32 flags, i32 *fd, u64 *size, Error *error) {
    KernelPath kernel;
    KernelStat stat;
    if (!to_kernel_path(path, &kernel, error)) return false;
    i64 opened = sys_openat(host->volume, kernel.text, flags | O_CLOEXEC, 0);
    if (opened < 0) return fail_errno(error, path, opened);
    i64 result = sys_fstat((i32)opened, &stat);
    if (result == 0 && (stat.mode & S_IFMT) == S_IFDIR) result = -ERRNO_ISDIR;
    if (result < 0) {
        sys_close((i32)opened);
        return fail_errno(error, path, result);
    }
    *fd = (i32)opened;
    *size = (u64)stat.size;
    return true;
}

bool files_open(void *context, Str path, File **file, u64 *size, Error *error) {
    File *slot = free_slot(context);
    if (!slot) return fail(error, ERROR_LIMIT, "%.*s: %d files are open already", STR_ARG(path), HOST_OPEN_FILES);
    *file = slot;
    return open_existing(context, path, O_RDONLY, &slot->fd, size, error);
}

bool files_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *error) {
    (void)context;
    for (usize done = 0; done < bytes;) {
        i64 got = sys_pread(file->fd, (u8 *)to + done, bytes - done, offset + done);
        if (got == -ERRNO_INTR) continue;
        if (got < 0) return fail(error, ERROR_IO, "read failed (errno %d): check the device", (int)-got);
        if (got == 0) {
            return fail(error, ERROR_TRUNCATED, "the file ends at byte %llu, expected %llu: copy it again",
                        (unsigned long long)(offset + done), (unsigned long long)(offset + bytes));
        }
        done += (usize)got;
    }
    return true;
}

void files_close(void *context, File *file) {
    (void)context;
    sys_close(file->fd);
    file->fd = -1;
}

static i64 write_all(i32 fd, Str data) {
    while (data.len > 0) {
        i64 written = sys_write(fd, data.data, data.len);
        if (written == -ERRNO_INTR) continue;
        if (written < 0) return written;
        data = str_skip(data, (usize)written);
    }
    return sys_fsync(fd);
}

bool files_write(void *context, Str path, Str data, Error *error) {
    Host *host = context;
    KernelPath final, temporary;
    if (!to_kernel_path(path, &final, error)) return false;
    temporary = final;
    memcpy(temporary.text + path.len, TEMPORARY_SUFFIX, sizeof(TEMPORARY_SUFFIX));
    i64 fd = sys_openat(host->volume, temporary.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0) return fail_errno(error, path, fd);
    i64 result = write_all((i32)fd, data);
    sys_close((i32)fd);
    if (result == 0) result = sys_renameat(host->volume, temporary.text, final.text);
    if (result < 0) {
        sys_unlinkat(host->volume, temporary.text);
        return fail_errno(error, path, result);
    }
    return true;
}

static i64 overwrite(i32 fd, u64 offset, Str data) {
    while (data.len > 0) {
        i64 written = sys_pwrite(fd, data.data, data.len, offset);
        if (written == -ERRNO_INTR) continue;
        if (written < 0) return written;
        data = str_skip(data, (usize)written);
        offset += (u64)written;
    }
    return sys_fsync(fd);
}

bool files_write_at(void *context, Str path, u64 offset, Str data, Error *error) {
    i32 fd;
    u64 size;
    if (!open_existing(context, path, O_WRONLY, &fd, &size, error)) return false;
    bool fits = offset <= size && data.len <= size - offset;
    i64 result = fits ? overwrite(fd, offset, data) : 0;
    sys_close(fd);
    if (fits) return result == 0 || fail_errno(error, path, result);
    return fail(error, ERROR_LIMIT, "%.*s: %zu bytes at %llu do not fit into its %llu", STR_ARG(path), data.len,
                (unsigned long long)offset, (unsigned long long)size);
}

/** Head of struct linux_dirent64; the name follows. */
typedef struct KernelDirent {
    u64 inode;
    i64 offset;
    u16 bytes;
    u8 type;
    char name[];
} KernelDirent;

static void visit_entry(i32 folder, const KernelDirent *dirent, DirVisitor *visit, void *argument) {
    KernelStat stat;
    Str name = str_from_c(dirent->name);
    if (str_eq(name, STR(".")) || str_eq(name, STR(".."))) return;
    if (sys_fstatat(folder, dirent->name, &stat) < 0) return;
    DirEntry entry = {name, (u64)stat.size, (stat.mode & S_IFMT) == S_IFDIR};
    visit(argument, &entry);
}

bool files_list(void *context, Str path, DirVisitor *visit, void *argument, Error *error) {
    Host *host = context;
    KernelPath kernel;
    _Alignas(8) char entries[4096];
    if (!to_kernel_path(path, &kernel, error)) return false;
    i64 fd = sys_openat(host->volume, kernel.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return fail_errno(error, path, fd);
    i64 got;
    while ((got = sys_getdents((i32)fd, entries, sizeof(entries))) > 0) {
        for (i64 at = 0; at < got;) {
            const KernelDirent *dirent = (const KernelDirent *)(entries + at);
            visit_entry((i32)fd, dirent, visit, argument);
            at += dirent->bytes;
        }
    }
    sys_close((i32)fd);
    return got == 0 || fail_errno(error, path, got);
}
