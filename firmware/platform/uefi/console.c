/* The person's text: to the screens through the firmware, to the serial line directly. The firmware's terminal driver
 * would also write to the serial line, in another encoding, so consoles that end in a UART are left out. */
#include "firmware/platform/uefi/uart.h"
#include "firmware/platform/uefi/uefi.h"

/** A handle without a device path is the firmware's own bundle of all consoles: no screen either. */
static bool is_screen(const EfiDevicePath *node) {
    if (node == NULL) return false;
    while (node->type != EFI_DEVICE_PATH_END) {
        if (node->type == EFI_DEVICE_PATH_MESSAGING && node->subtype == EFI_DEVICE_PATH_UART) return false;
        usize length = node->length[0] | (usize)node->length[1] << 8;
        node = (const EfiDevicePath *)((const u8 *)node + max_usize(length, sizeof(*node)));
    }
    return true;
}

static void find_screens(EfiBootServices *boot, Console *console) {
    EfiGuid text_output = EFI_SIMPLE_TEXT_OUTPUT_GUID;
    EfiHandle *handles = NULL;
    usize count = 0;
    if (efi_failed(boot->locate_handle_buffer(EFI_LOCATE_BY_PROTOCOL, &text_output, NULL, &count, &handles))) return;
    for (usize i = 0; i < count && console->screen_count < CONSOLE_SCREENS_MAX; i++) {
        if (!is_screen(uefi_protocol(boot, handles[i], (EfiGuid)EFI_DEVICE_PATH_GUID))) continue;
        EfiSimpleTextOutput *screen = uefi_protocol(boot, handles[i], text_output);
        if (screen != NULL) console->screens[console->screen_count++] = screen;
    }
    boot->free_pool(handles);
}

Console console_open(EfiSystemTable *system) {
    Console console = {.has_uart = uart_open()};
    find_screens(system->boot, &console);
    if (!console.has_uart && console.screen_count == 0 && system->con_out != NULL) {
        console.screens[console.screen_count++] = system->con_out;
    }
    return console;
}

/** Puts one scalar as the firmware wants it: UCS-2, CR before LF. Returns the units used, at most two. */
static usize ucs2_put(u32 scalar, EfiChar16 *out) {
    if (scalar == '\n')
        out[0] = '\r', out[1] = '\n';
    else
        out[0] = scalar > 0xffff || scalar == 0 ? '?' : (EfiChar16)scalar;
    return scalar == '\n' ? 2 : 1;
}

static void screens_write(const Console *console, Str text) {
    EfiChar16 units[128];
    for (usize at = 0; at < text.len;) {
        usize count = 0;
        while (at < text.len && count + 2 < COUNT_OF(units)) {
            u32 scalar;
            at += utf8_decode(text, at, &scalar);
            count += ucs2_put(scalar, units + count);
        }
        units[count] = 0;
        for (usize i = 0; i < console->screen_count; i++) {
            console->screens[i]->output_string(console->screens[i], units);
        }
    }
}

void console_write(void *uefi, Str text) {
    const Console *console = &((Uefi *)uefi)->console;
    if (console->has_uart) uart_write(text);
    if (console->screen_count > 0) screens_write(console, text);
}
