/* Files of the volume the program was started from, through the firmware's file system driver. */
#include "firmware/base/mem.h"
#include "firmware/platform/uefi/path.h"
#include "firmware/platform/uefi/uefi.h"

/* One request to the driver: some drivers fail above 4 GiB, and none gains from more. */
static const usize READ_STEP_BYTES = 8 << 20;

static const struct {
    EfiStatus status;
    ErrorCode code;
    const char *reason;
} FAILURES[] = {
    {EFI_NOT_FOUND, ERROR_NOT_FOUND, "there is no such file on the boot volume"},
    {EFI_WRITE_PROTECTED, ERROR_READ_ONLY, "the boot volume is write-protected"},
    {EFI_VOLUME_FULL, ERROR_FULL, "the boot volume has no room left; delete files you do not need"},
    {EFI_OUT_OF_RESOURCES, ERROR_OUT_OF_MEMORY, "the firmware has no memory left"},
};

/** Fails with what `status` means for `path`. */
static bool fail_status(Error *error, Str path, EfiStatus status) {
    for (usize i = 0; i < COUNT_OF(FAILURES); i++) {
        if (FAILURES[i].status == status) {
            return fail(error, FAILURES[i].code, "%.*s: %s", STR_ARG(path), FAILURES[i].reason);
        }
    }
    return fail(error, ERROR_IO, "%.*s: the firmware's file system failed with status %u; check the boot medium",
                STR_ARG(path), (unsigned)(status & ~EFI_ERROR_BIT));
}

EfiFile *files_open_volume(EfiBootServices *boot, EfiHandle device) {
    EfiSimpleFileSystem *volume = uefi_protocol(boot, device, (EfiGuid)EFI_SIMPLE_FILE_SYSTEM_GUID);
    EfiFile *root = NULL;
    return volume == NULL || efi_failed(volume->open_volume(volume, &root)) ? NULL : root;
}

/** Opens `path` with `suffix` appended (writing uses neighbours of a file). */
static bool open_path(Uefi *uefi, Str path, Str suffix, u64 mode, EfiFile **file, Error *error) {
    EfiChar16 name[PATH_UNITS_MAX];
    if (uefi->root == NULL) {
        return fail(error, ERROR_IO, "%.*s: the device this program was started from has no file system",
                    STR_ARG(path));
    }
    if (!path_to_ucs2(path, suffix, name)) {
        return fail(error, ERROR_LIMIT, "%.*s: a path has at most %u characters", STR_ARG(str_take(path, 40)),
                    PATH_UNITS_MAX - 1);
    }
    EfiStatus status = uefi->root->open(uefi->root, file, name, mode, 0);
    return !efi_failed(status) || fail_status(error, path, status);
}

/* ---- reading ---- */

/** Room for an EfiFileInfo with the longest name FAT has (255 units). */
typedef union InfoBuffer {
    EfiFileInfo info;
    u8 bytes[sizeof(EfiFileInfo) + 256 * sizeof(EfiChar16)];
} InfoBuffer;

static bool file_info(EfiFile *file, Str path, InfoBuffer *buffer, Error *error) {
    EfiGuid kind = EFI_FILE_INFO_GUID;
    usize bytes = sizeof(*buffer);
    EfiStatus status = file->get_info(file, &kind, &bytes, buffer);
    return !efi_failed(status) || fail_status(error, path, status);
}

static bool is_directory(const EfiFileInfo *info) { return (info->attribute & EFI_FILE_DIRECTORY) != 0; }

static bool check_is_file(EfiFile *file, Str path, u64 *size, Error *error) {
    InfoBuffer buffer;
    if (!file_info(file, path, &buffer, error)) return false;
    *size = buffer.info.file_size;
    return !is_directory(&buffer.info) || fail(error, ERROR_IO, "%.*s: is a folder, not a file", STR_ARG(path));
}

/** A replacement that power cut short left the file under its second name (see replace_file). */
static bool open_current(Uefi *uefi, Str path, u64 mode, EfiFile **file, Error *error) {
    if (open_path(uefi, path, STR_NONE, mode, file, error)) return true;
    Error ignored;
    return error->code == ERROR_NOT_FOUND && open_path(uefi, path, PATH_OLD, mode, file, &ignored);
}

static bool open_file(Uefi *uefi, Str path, u64 mode, EfiFile **file, u64 *size, Error *error) {
    if (!open_current(uefi, path, mode, file, error)) return false;
    if (check_is_file(*file, path, size, error)) return true;
    (*file)->close(*file);
    return false;
}

bool files_open(void *uefi, Str path, File **file, u64 *size, Error *error) {
    EfiFile *handle;
    if (!open_file(uefi, path, EFI_FILE_MODE_READ, &handle, size, error)) return false;
    *file = (File *)handle;
    return true;
}

static bool fail_short(Error *error, u64 end) {
    return fail(error, ERROR_TRUNCATED, "the file ends at byte %llu, in the middle of what was to be read",
                (unsigned long long)end);
}

bool files_read(void *uefi, File *file, u64 offset, void *to, usize bytes, Error *error) {
    (void)uefi;
    EfiFile *handle = (EfiFile *)file;
    EfiStatus status = handle->set_position(handle, offset);
    for (usize done = 0; done < bytes && !efi_failed(status);) {
        usize step = min_usize(bytes - done, READ_STEP_BYTES);
        status = handle->read(handle, &step, (u8 *)to + done);
        done += step;
        if (!efi_failed(status) && step == 0) return fail_short(error, offset + done);
    }
    return !efi_failed(status) || fail_status(error, STR("reading"), status);
}

void files_close(void *uefi, File *file) {
    (void)uefi;
    ((EfiFile *)file)->close((EfiFile *)file);
}

static bool is_self_or_parent(Str name) { return str_eq(name, STR(".")) || str_eq(name, STR("..")); }

/** Visits the entry in `buffer`, as a read of a folder gives it. */
static void visit_entry(const EfiFileInfo *info, DirVisitor *visit, void *argument) {
    char name[3 * PATH_UNITS_MAX];
    DirEntry entry = {.name = path_name_from_ucs2(info->file_name, name, sizeof(name)),
                      .size = info->file_size,
                      .is_dir = is_directory(info)};
    if (!is_self_or_parent(entry.name)) visit(argument, &entry);
}

static bool visit_folder(EfiFile *folder, Str path, DirVisitor *visit, void *argument, Error *error) {
    InfoBuffer buffer;
    if (!file_info(folder, path, &buffer, error)) return false;
    if (!is_directory(&buffer.info)) return fail(error, ERROR_IO, "%.*s: is a file, not a folder", STR_ARG(path));
    for (;;) {
        usize bytes = sizeof(buffer);
        EfiStatus status = folder->read(folder, &bytes, &buffer);
        if (efi_failed(status)) return fail_status(error, path, status);
        if (bytes == 0) return true; /* UEFI 13.5, Read: the end of a folder */
        visit_entry(&buffer.info, visit, argument);
    }
}

bool files_list(void *uefi, Str path, DirVisitor *visit, void *argument, Error *error) {
    EfiFile *folder;
    if (!open_path(uefi, path, STR_NONE, EFI_FILE_MODE_READ, &folder, error)) return false;
    bool done = visit_folder(folder, path, visit, argument, error);
    folder->close(folder);
    return done;
}

/* ---- writing ---- */

static EfiStatus write_all(EfiFile *file, Str data) {
    usize bytes = data.len;
    EfiStatus status = file->write(file, &bytes, data.data);
    if (!efi_failed(status) && bytes != data.len) status = EFI_VOLUME_FULL;
    return efi_failed(status) ? status : file->flush(file);
}

/** Deletes the file `path` + `suffix` if there is one. */
static void delete_if_there(Uefi *uefi, Str path, Str suffix) {
    EfiFile *file;
    Error ignored;
    u64 mode = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE;
    if (open_path(uefi, path, suffix, mode, &file, &ignored)) file->delete (file);
}

static bool write_new(Uefi *uefi, Str path, Str data, Error *error) {
    EfiFile *file;
    u64 mode = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE;
    delete_if_there(uefi, path, PATH_NEW);
    if (!open_path(uefi, path, PATH_NEW, mode, &file, error)) return false;
    EfiStatus status = write_all(file, data);
    if (efi_failed(status)) {
        file->delete (file);
        return fail_status(error, path, status);
    }
    file->close(file);
    return true;
}

/** Gives the open `file` the last part of `path` + `suffix` as its name. Its folder stays the same. */
static bool set_name(EfiFile *file, Str path, Str suffix, Error *error) {
    InfoBuffer buffer;
    EfiGuid kind = EFI_FILE_INFO_GUID;
    if (!file_info(file, path, &buffer, error)) return false;
    usize units = path_name_to_ucs2(path, suffix, buffer.info.file_name);
    buffer.info.size = sizeof(EfiFileInfo) + (units + 1) * sizeof(EfiChar16);
    EfiStatus status = file->set_info(file, &kind, buffer.info.size, &buffer);
    return !efi_failed(status) || fail_status(error, path, status);
}

static bool rename_file(Uefi *uefi, Str path, Str from, Str to, Error *error) {
    EfiFile *file;
    u64 mode = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE;
    if (!open_path(uefi, path, from, mode, &file, error)) return false;
    bool done = set_name(file, path, to, error);
    file->close(file);
    return done;
}

/** UEFI's rename does not replace, so the old file steps aside first; at every moment one whole file can be opened. */
static bool replace_file(Uefi *uefi, Str path, Error *error) {
    Error ignored;
    delete_if_there(uefi, path, PATH_OLD);
    if (!rename_file(uefi, path, STR_NONE, PATH_OLD, error) && error->code != ERROR_NOT_FOUND) return false;
    if (!rename_file(uefi, path, PATH_NEW, STR_NONE, error)) {
        rename_file(uefi, path, PATH_OLD, STR_NONE, &ignored);
        return false;
    }
    delete_if_there(uefi, path, PATH_OLD);
    return true;
}

bool files_write(void *uefi, Str path, Str data, Error *error) {
    if (!write_new(uefi, path, data, error)) return false;
    if (replace_file(uefi, path, error)) return true;
    delete_if_there(uefi, path, PATH_NEW);
    return false;
}

static bool overwrite(EfiFile *file, Str path, u64 size, u64 offset, Str data, Error *error) {
    if (offset > size || data.len > size - offset) {
        return fail(error, ERROR_LIMIT, "%.*s: %zu bytes at %llu do not fit into its %llu", STR_ARG(path), data.len,
                    (unsigned long long)offset, (unsigned long long)size);
    }
    EfiStatus status = file->set_position(file, offset);
    if (!efi_failed(status)) status = write_all(file, data);
    return !efi_failed(status) || fail_status(error, path, status);
}

bool files_write_at(void *uefi, Str path, u64 offset, Str data, Error *error) {
    EfiFile *file;
    u64 size;
    if (!open_file(uefi, path, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, &file, &size, error)) return false;
    bool done = overwrite(file, path, size, offset, data, error);
    file->close(file);
    return done;
}
