/* Keys from standard input: a terminal in raw mode, or a pipe. */
#ifndef FIRMWARE_PLATFORM_HOST_TERMINAL_H
#define FIRMWARE_PLATFORM_HOST_TERMINAL_H

#include "firmware/base/platform.h"

/** struct termios of the kernel, x86-64. */
typedef struct KernelTermios {
    u32 input, output, control, local;
    u8 line;
    u8 characters[19];
} KernelTermios;

typedef struct Terminal {
    bool is_raw;
    KernelTermios saved;
    bool ended; /* end of input was read */
    u8 bytes[256];
    usize begin, end; /* unread part of `bytes` */
} Terminal;

/** Raw mode when standard input is a terminal; it is given back on exit and on signals that end the program. */
void terminal_start(Terminal *terminal);
void terminal_restore(Terminal *terminal);
/** As Platform.key_read. */
i32 terminal_key(Terminal *terminal, u32 timeout_ms);

#endif
