/* Paths: UTF-8 with '/' in the program, UTF-16 with '\' at the firmware. */
#ifndef FIRMWARE_PLATFORM_UEFI_PATH_H
#define FIRMWARE_PLATFORM_UEFI_PATH_H

#include "firmware/base/str.h"

enum { PATH_UNITS_MAX = 256 }; /* FAT's longest name with its NUL; longer paths are refused */

/* Names beside a file while it is replaced: its next content, and its last. */
#define PATH_NEW STR(".new")
#define PATH_OLD STR(".old")

/** `path` + `suffix` as an absolute path ending in NUL; false when it is too long. An empty path is the root folder. */
bool path_to_ucs2(Str path, Str suffix, u16 out[PATH_UNITS_MAX]);
/** The last part of `path`, + `suffix`, ending in NUL; the path must have passed path_to_ucs2. Returns its length. */
usize path_name_to_ucs2(Str path, Str suffix, u16 out[PATH_UNITS_MAX]);
/** A NUL-terminated UTF-16 name as UTF-8 in `out` (3 bytes a unit at most), cut to `capacity`. */
Str path_name_from_ucs2(const u16 *name, char *out, usize capacity);

#endif
