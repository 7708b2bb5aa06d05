/* Where the UEFI firmware hands over: makes the machine usable, fills the Platform table, runs the session. */
#include "firmware/platform/uefi/uefi.h"
#include "firmware/repl/repl.h"

void *uefi_protocol(EfiBootServices *boot, EfiHandle handle, EfiGuid protocol) {
    void *interface = NULL;
    return efi_failed(boot->handle_protocol(handle, &protocol, &interface)) ? NULL : interface;
}

static Uefi uefi_start(EfiHandle handle, EfiSystemTable *system) {
    EfiBootServices *boot = system->boot;
    Uefi uefi = {.system = system, .boot = boot, .pending_key = KEY_NONE, .clock = clock_start(boot)};
    boot->set_watchdog_timer(0, 0, 0, NULL); /* the firmware would reset the machine after five minutes */
    boot->create_event((u32)EFI_EVENT_TIMER, EFI_TPL_APPLICATION, NULL, NULL, &uefi.timer);
    uefi.image = uefi_protocol(boot, handle, (EfiGuid)EFI_LOADED_IMAGE_GUID);
    uefi.root = files_open_volume(boot, uefi.image->device_handle);
    uefi.console = console_open(system);
    return uefi;
}

static Platform platform_of(Uefi *uefi) {
    return (Platform){
        .context = uefi,
        .name = "uefi",
        .pages = {.alloc = memory_alloc, .free = memory_release, .context = uefi},
        .memory_free = memory_free_bytes,
        .now_us = clock_now_us,
        .cycles = clock_cycles,
        .cycles_hz = uefi->clock.hz,
        .console_write = console_write,
        .key_read = console_key_read,
        .file_open = files_open,
        .file_read = files_read,
        .file_close = files_close,
        .file_write = files_write,
        .file_write_at = files_write_at,
        .dir_list = files_list,
        .power_off = power_off,
        .reboot = power_reboot,
    };
}

/**
 * The time stamp of this program's own PE header, which a reproducible link (/Brepro) makes a hash of its content.
 * Microsoft PE format: the header's offset is at 0x3c, the stamp 8 bytes into it.
 */
static u32 build_id(const u8 *image) { return *(const u32 *)(image + *(const u32 *)(image + 0x3c) + 8); }

EfiStatus efi_main(EfiHandle handle, EfiSystemTable *system) {
    avx_enable();
    Uefi uefi = uefi_start(handle, system);
    Platform platform = platform_of(&uefi);
    BootOptions options = {.build_id = build_id(uefi.image->image_base)};
    ReplEnd end = repl_main(&platform, &options);
    power_off(&uefi, (u32)end);
    return EFI_SUCCESS;
}
