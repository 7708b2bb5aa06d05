/* What the core asks of the machine below it. platform/uefi and platform/host each fill one of these tables. */
#ifndef FIRMWARE_BASE_PLATFORM_H
#define FIRMWARE_BASE_PLATFORM_H

#include "firmware/base/arena.h"
#include "firmware/base/error.h"

/** Keys that are no Unicode scalar, as `key_read` returns them. */
enum {
    KEY_NONE = -1, /* nothing typed before the time-out */
    KEY_EOF = -2,  /* input has ended and will not come back */
    KEY_UP = -10,
    KEY_DOWN = -11,
    KEY_LEFT = -12,
    KEY_RIGHT = -13,
    KEY_HOME = -14,
    KEY_END = -15,
    KEY_DELETE = -16,
};

typedef struct File File;

typedef struct DirEntry {
    Str name; /* UTF-8, valid during the visit */
    u64 size; /* bytes */
    bool is_dir;
} DirEntry;

typedef void DirVisitor(void *argument, const DirEntry *entry);

/** Paths are UTF-8, relative to the boot volume, with '/' or '\\' between parts. */
typedef struct Platform {
    void *context;
    const char *name; /* "uefi" or "host" */
    PageSource pages;
    /** Free memory in bytes, as the machine sees it now. */
    u64 (*memory_free)(void *context);
    /** Microseconds since start, monotonic. */
    u64 (*now_us)(void *context);
    /** The counter that now_us is made of, and its frequency in Hz, measured once. The host program's are nanoseconds.
     */
    u64 (*cycles)(void *context);
    u64 cycles_hz;
    /** Text for the person and the serial line: UTF-8, lines end in LF. */
    void (*console_write)(void *context, Str text);
    /** One key: a Unicode scalar ('\r' is given as '\n', backspace as '\b') or a KEY_ value. 0 ms polls. */
    i32 (*key_read)(void *context, u32 timeout_ms);
    bool (*file_open)(void *context, Str path, File **file, u64 *size, Error *error);
    /** Exactly `bytes` bytes from `offset`, or an error. */
    bool (*file_read)(void *context, File *file, u64 offset, void *to, usize bytes, Error *error);
    void (*file_close)(void *context, File *file);
    /** Replaces a whole file, or creates it. The old content is intact if this fails. */
    bool (*file_write)(void *context, Str path, Str data, Error *error);
    /** Overwrites a part of a file, which keeps its size, and returns once that is on the medium. Nothing but these
     * bytes (and its time) is written, so a cut of power harms no other. ERROR_LIMIT past the end of the file. */
    bool (*file_write_at)(void *context, Str path, u64 offset, Str data, Error *error);
    bool (*dir_list)(void *context, Str path, DirVisitor *visit, void *argument, Error *error);
    /** Do not return. `code` 0 is success; an emulator's debug exit passes it on. */
    void (*power_off)(void *context, u32 code);
    void (*reboot)(void *context);
} Platform;

static inline u64 platform_cycles(const Platform *platform) { return platform->cycles(platform->context); }
/** Cycles as microseconds. */
static inline u64 platform_us(const Platform *platform, u64 cycles) {
    u64 hz = platform->cycles_hz;
    return cycles / hz * 1000000 + cycles % hz * 1000000 / hz;
}

#endif
