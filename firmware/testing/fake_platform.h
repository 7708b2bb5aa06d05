/* A machine in memory for tests of everything above a platform: files, typed keys, captured output, a counting clock.
 */
#ifndef FIRMWARE_TESTING_FAKE_PLATFORM_H
#define FIRMWARE_TESTING_FAKE_PLATFORM_H

#include <setjmp.h>

#include "firmware/testing/memory_volume.h"

enum { FAKE_PAGES = 1024, FAKE_KEYS = 128 * 1024, FAKE_OUTPUT_BYTES = 1024 * 1024 };

typedef struct FakePages {
    void *memory; /* NULL when the slot is free */
    usize bytes;
} FakePages;

typedef struct FakePlatform {
    Platform platform;
    MemoryVolume volume;
    i32 keys[FAKE_KEYS]; /* then KEY_EOF, or KEY_NONE for ever when `is_silent` */
    usize key_count, keys_read;
    bool is_silent;
    char output[FAKE_OUTPUT_BYTES];
    usize output_len;
    u64 clock_us;    /* each look at the clock or the cycles adds a microsecond; waiting for a key the time waited */
    u64 memory_free; /* what pages may still take; the volume's memory is not counted */
    FakePages pages[FAKE_PAGES];
    jmp_buf ended; /* where power_off and reboot jump to, once set */
    bool is_off, was_rebooted;
    u32 exit_code;
} FakePlatform;

/** A new machine with nothing on its volume, which can be written; never NULL. */
FakePlatform *fake_platform_new(void);
/** Frees it and the pages still in use: a session that switched the machine off gave none back. Every file it opened
 * must be closed. */
void fake_platform_free(FakePlatform *fake);
/** Bytes of pages in use. */
usize fake_pages_in_use(const FakePlatform *fake);
/** Adds or replaces a file of the volume; the bytes stay the caller's. */
void fake_add_file(FakePlatform *fake, const char *path, Str data);
/** Types UTF-8 text; '\n' is Enter. */
void fake_type(FakePlatform *fake, const char *text);
void fake_press(FakePlatform *fake, i32 key);
Str fake_output(const FakePlatform *fake);
bool fake_output_has(const FakePlatform *fake, const char *text);

#endif
