/* Keys: from the firmware's console input, which merges keyboards and the serial line and decodes escape sequences. */
#include "firmware/platform/uefi/uefi.h"

/* UEFI scan code -> KEY_ value */
static const i16 SCAN_KEYS[] = {
    [EFI_SCAN_UP] = KEY_UP,     [EFI_SCAN_DOWN] = KEY_DOWN, [EFI_SCAN_RIGHT] = KEY_RIGHT,   [EFI_SCAN_LEFT] = KEY_LEFT,
    [EFI_SCAN_HOME] = KEY_HOME, [EFI_SCAN_END] = KEY_END,   [EFI_SCAN_DELETE] = KEY_DELETE,
};

/** KEY_NONE for a key this program has no use for. */
static i32 key_of(EfiInputKey key) {
    if (key.unicode_char == '\r') return '\n';
    if (key.unicode_char == 0x7f) return '\b'; /* what serial terminals send for backspace */
    if (key.unicode_char != 0) return key.unicode_char;
    bool known = key.scan_code < COUNT_OF(SCAN_KEYS) && SCAN_KEYS[key.scan_code] != 0;
    return known ? SCAN_KEYS[key.scan_code] : KEY_NONE;
}

static i32 key_poll(EfiSimpleTextInput *input) {
    EfiInputKey key;
    return efi_failed(input->read_key_stroke(input, &key)) ? KEY_NONE : key_of(key);
}

/** Sleeps until a key is there or the time is over, which it says. */
static bool wait_for_key(Uefi *uefi, EfiEvent key, u32 timeout_ms) {
    EfiEvent events[] = {key, uefi->timer};
    usize index = 1;
    uefi->boot->set_timer(uefi->timer, EFI_TIMER_RELATIVE, (u64)timeout_ms * 10000);
    EfiStatus status = uefi->boot->wait_for_event(COUNT_OF(events), events, &index);
    uefi->boot->set_timer(uefi->timer, EFI_TIMER_CANCEL, 0);
    return !efi_failed(status) && index == 0;
}

static i32 key_within(Uefi *uefi, u32 timeout_ms) {
    EfiSimpleTextInput *input = uefi->system->con_in;
    i32 key = key_poll(input);
    if (key != KEY_NONE || timeout_ms == 0) return key;
    return wait_for_key(uefi, input->wait_for_key, timeout_ms) ? key_poll(input) : KEY_NONE;
}

/** Bytes of the UTF-8 sequence that `lead` starts (RFC 3629), 1 when it starts none. */
static usize sequence_bytes(i32 lead) {
    if (lead < 0xc2 || lead > 0xf4) return 1;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/**
 * The firmware's terminal driver hands on a serial line's UTF-8 byte by byte, each as a character of its own. A key
 * that could be the first of a sequence is one only if the others follow at once; else it is the letter it says.
 */
static i32 join_utf8(Uefi *uefi, i32 lead) {
    enum { FOLLOWS_WITHIN_MS = 20 };
    char bytes[4] = {(char)lead};
    usize wanted = sequence_bytes(lead), count = 1;
    while (count < wanted) {
        i32 next = key_within(uefi, FOLLOWS_WITHIN_MS);
        if (next < 0x80 || next > 0xbf) {
            uefi->pending_key = next;
            return lead;
        }
        bytes[count++] = (char)next;
    }
    u32 scalar = (u32)lead;
    if (wanted > 1) utf8_decode((Str){bytes, wanted}, 0, &scalar);
    return (i32)scalar;
}

i32 console_key_read(void *context, u32 timeout_ms) {
    Uefi *uefi = context;
    if (uefi->system->con_in == NULL) return KEY_EOF;
    i32 key = uefi->pending_key;
    uefi->pending_key = KEY_NONE;
    if (key == KEY_NONE) key = key_within(uefi, timeout_ms);
    return join_utf8(uefi, key);
}
