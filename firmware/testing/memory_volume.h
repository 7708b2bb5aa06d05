/* A volume in memory: files that can be replaced and overwritten, with power that fails, bytes that go wrong, and a
 * write protection. Freestanding: tests use it through fake_platform, the simulation program by itself. */
#ifndef FIRMWARE_TESTING_MEMORY_VOLUME_H
#define FIRMWARE_TESTING_MEMORY_VOLUME_H

#include "firmware/base/platform.h"

enum { MEMORY_FILES = 32, MEMORY_PATH_BYTES = 64, MEMORY_SECTOR_BYTES = 512 };
#define MEMORY_NEVER UINT32_MAX

typedef struct MemoryFile {
    char path[MEMORY_PATH_BYTES]; /* '/' between parts */
    usize path_len;               /* 0: the place is free */
    char *data;
    usize len;
    bool is_borrowed; /* `data` is a test's own and is never written */
} MemoryFile;

typedef struct MemoryVolume {
    PageSource pages; /* where written files get their memory */
    MemoryFile files[MEMORY_FILES];
    u32 opens, closes, reads, writes; /* counted; bytes of reads in read_bytes */
    u64 read_bytes;
    bool is_read_only;
    bool is_full;      /* files cannot be replaced or created; overwriting a part of one needs no room */
    u32 sectors_left;  /* power fails when so many more sectors have been written; MEMORY_NEVER */
    bool has_no_power; /* power failed: nothing can be read or written until memory_volume_power() */
    u32 corrupt_write; /* flips a bit in the first byte of the write that so many others precede; MEMORY_NEVER */
} MemoryVolume;

void memory_volume_init(MemoryVolume *volume, PageSource pages);
/** Forgets every file. */
void memory_volume_free(MemoryVolume *volume);
/** Adds or replaces a file; the bytes stay the caller's. False when there are too many, or the path is too long. */
bool memory_volume_add(MemoryVolume *volume, Str path, Str data);
/** The content as it is, valid until the file is written; false when there is no such file. */
bool memory_volume_get(const MemoryVolume *volume, Str path, Str *data);
void memory_volume_remove(MemoryVolume *volume, Str path);
/** Power is back, and will not fail again by itself: what was written is what there is. */
void memory_volume_power(MemoryVolume *volume);

/* As in Platform; `context` is a MemoryVolume. Letters of paths are compared without their case. */
bool memory_open(void *context, Str path, File **file, u64 *size, Error *error);
bool memory_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *error);
void memory_close(void *context, File *file);
/** Atomic as a whole: power that fails during it leaves the file before. Its own entry costs one sector more. */
bool memory_write(void *context, Str path, Str data, Error *error);
/** Sector by sector: power that fails during it leaves the first sectors written, the others as they were. */
bool memory_write_at(void *context, Str path, u64 offset, Str data, Error *error);
/** The files of a folder; its folders are not listed, nor are names with a '~', as FAT does not list short aliases. */
bool memory_list(void *context, Str path, DirVisitor *visit, void *argument, Error *error);

#endif
