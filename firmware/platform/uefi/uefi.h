/* What the files of this folder share: one machine, seen through its boot services. */
#ifndef FIRMWARE_PLATFORM_UEFI_UEFI_H
#define FIRMWARE_PLATFORM_UEFI_UEFI_H

#include "firmware/base/platform.h"
#include "firmware/platform/uefi/efi.h"

enum { CONSOLE_SCREENS_MAX = 4 };

/** Text goes to every screen and to the serial line. `screen_count` 0 and no serial line is a mute machine. */
typedef struct Console {
    EfiSimpleTextOutput *screens[CONSOLE_SCREENS_MAX];
    usize screen_count;
    bool has_uart;
} Console;

typedef struct Clock {
    u64 start; /* time-stamp counter at the start of the program */
    u64 hz;    /* its cycles a second, never 0 */
} Clock;

typedef struct Uefi {
    EfiSystemTable *system;
    EfiBootServices *boot;
    EfiLoadedImage *image;
    EfiFile *root; /* of the volume the program was started from; NULL when its device has no file system */
    EfiEvent timer;
    i32 pending_key; /* read too early while joining UTF-8, or KEY_NONE */
    Console console;
    Clock clock;
} Uefi;

/** The protocol a handle carries, or NULL. */
void *uefi_protocol(EfiBootServices *boot, EfiHandle handle, EfiGuid protocol);

/** Lets the processor keep AVX (and, where it has them, AVX-512) registers; without AVX it changes nothing. */
void avx_enable(void);

Console console_open(EfiSystemTable *system);
void console_write(void *uefi, Str text);
i32 console_key_read(void *uefi, u32 timeout_ms);

/** Calibrates the time-stamp counter: from CPUID where the processor states its frequency, else over 20 ms. */
Clock clock_start(EfiBootServices *boot);
/** The time-stamp counter since the start. */
u64 clock_cycles(void *uefi);
u64 clock_now_us(void *uefi);

void *memory_alloc(void *uefi, usize bytes);
void memory_release(void *uefi, void *memory, usize bytes);
u64 memory_free_bytes(void *uefi);

EfiFile *files_open_volume(EfiBootServices *boot, EfiHandle device);
bool files_open(void *uefi, Str path, File **file, u64 *size, Error *error);
bool files_read(void *uefi, File *file, u64 offset, void *to, usize bytes, Error *error);
void files_close(void *uefi, File *file);
bool files_write(void *uefi, Str path, Str data, Error *error);
bool files_write_at(void *uefi, Str path, u64 offset, Str data, Error *error);
bool files_list(void *uefi, Str path, DirVisitor *visit, void *argument, Error *error);

void power_off(void *uefi, u32 code);
void power_reboot(void *uefi);

#endif
