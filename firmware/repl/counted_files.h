/* A platform that counts what is read through it. */
#ifndef FIRMWARE_REPL_COUNTED_FILES_H
#define FIRMWARE_REPL_COUNTED_FILES_H

#include "firmware/base/platform.h"

typedef struct CountedFiles {
    Platform platform; /* like `inner`, but reading is counted; valid while this struct stays where it is */
    const Platform *inner;
    u32 opens, reads;
    u64 bytes;
} CountedFiles;

void counted_files_init(CountedFiles *counted, const Platform *inner);

#endif
