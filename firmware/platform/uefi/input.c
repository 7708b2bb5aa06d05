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

i32 console_key_read(void *context, u32 timeout_ms) {
    Uefi *uefi = context;
    EfiSimpleTextInput *input = uefi->system->con_in;
    if (input == NULL) return KEY_EOF;
    i32 key = key_poll(input);
    if (key != KEY_NONE || timeout_ms == 0) return key;
    return wait_for_key(uefi, input->wait_for_key, timeout_ms) ? key_poll(input) : KEY_NONE;
}
