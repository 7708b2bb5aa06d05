#include "firmware/repl/keys.h"

enum { WAIT_STEP_MS = 1000 };

static i32 read_key(Keys *keys, u32 timeout_ms) {
    if (keys->ended) return KEY_EOF;
    i32 key = keys->platform->key_read(keys->platform->context, timeout_ms);
    keys->ended = key == KEY_EOF;
    return key;
}

i32 keys_next(Keys *keys, u32 timeout_ms) {
    if (keys->count > 0) {
        i32 key = keys->ahead[keys->first];
        keys->first = (keys->first + 1) % KEYS_AHEAD;
        keys->count--;
        return key;
    }
    if (timeout_ms != KEY_WAIT_FOREVER) return read_key(keys, timeout_ms);
    i32 key;
    do key = read_key(keys, WAIT_STEP_MS);
    while (key == KEY_NONE);
    return key;
}

void keys_unread(Keys *keys, i32 key) {
    if (keys->count == KEYS_AHEAD) return;
    keys->first = (keys->first + KEYS_AHEAD - 1) % KEYS_AHEAD;
    keys->ahead[keys->first] = key;
    keys->count++;
}

bool keys_interrupted(Keys *keys) {
    while (keys->count < KEYS_AHEAD) {
        i32 key = read_key(keys, 0);
        if (key == KEY_NONE || key == KEY_EOF) return false;
        if (key == KEY_ESC || key == KEY_CTRL_C) {
            keys->count = 0;
            return true;
        }
        keys->ahead[(keys->first + keys->count++) % KEYS_AHEAD] = key;
    }
    return false;
}
