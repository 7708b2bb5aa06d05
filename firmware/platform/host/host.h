/* The Linux side of a Platform: files below one folder, a terminal or a pipe, and memory from the kernel. */
#ifndef FIRMWARE_PLATFORM_HOST_HOST_H
#define FIRMWARE_PLATFORM_HOST_HOST_H

#include "firmware/base/platform.h"
#include "firmware/platform/host/terminal.h"

enum { HOST_OPEN_FILES = 16, HOST_PATH_BYTES = 4096 };

/** Exit codes of the host program; power_off gives its own code. */
enum { HOST_EXIT_FAILURE = 1, HOST_EXIT_USAGE = 2, HOST_EXIT_REBOOT = 10 };

struct File {
    i32 fd; /* -1 when the slot is free */
};

typedef struct Host {
    i32 volume;   /* the folder that paths are relative to */
    u64 start_ns; /* of the kernel's monotonic clock */
    Terminal terminal;
    File files[HOST_OPEN_FILES];
} Host;

/** Opens the volume and fills the table; `host` outlives it. Errors: ERROR_NOT_FOUND. */
bool host_init(Host *host, Str volume, Platform *platform, Error *error);
/** Gives the terminal back as it was. */
void host_end(Host *host);
/** Writes all of `text` to a file descriptor. */
void host_write(i32 fd, Str text);

#endif
