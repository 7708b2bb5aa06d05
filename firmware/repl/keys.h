/* Keys as typed, with those typed ahead while an answer was being written. */
#ifndef FIRMWARE_REPL_KEYS_H
#define FIRMWARE_REPL_KEYS_H

#include "firmware/base/platform.h"

enum { KEY_CTRL_C = 3, KEY_CTRL_D = 4, KEY_CTRL_U = 21, KEY_CTRL_W = 23, KEY_ESC = 27 };
enum { KEYS_AHEAD = 1024 };
enum { KEY_WAIT_FOREVER = 0xFFFFFFFFu };

typedef struct Keys {
    const Platform *platform;
    i32 ahead[KEYS_AHEAD]; /* a ring */
    u32 first, count;
    bool ended; /* input has ended; what was typed ahead is still there */
} Keys;

/** The next key, as Platform.key_read gives it; waits in steps for KEY_WAIT_FOREVER. */
i32 keys_next(Keys *keys, u32 timeout_ms);
/** Puts a key back in front. */
void keys_unread(Keys *keys, i32 key);
/** Looks whether Esc or Ctrl-C was pressed, which also drops what was typed ahead; keeps other keys for later. */
bool keys_interrupted(Keys *keys);

#endif
