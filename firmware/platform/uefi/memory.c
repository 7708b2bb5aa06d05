/* Pages from the firmware: 4096-byte aligned, so any alignment an arena may ask for holds. */
#include "firmware/platform/uefi/uefi.h"

static usize pages_for(usize bytes) { return bytes / EFI_PAGE_BYTES + (bytes % EFI_PAGE_BYTES != 0); }

void *memory_alloc(void *uefi, usize bytes) {
    EfiPhysicalAddress memory = 0;
    EfiStatus status =
        ((Uefi *)uefi)->boot->allocate_pages(EFI_ALLOCATE_ANY_PAGES, EFI_LOADER_DATA, pages_for(bytes), &memory);
    return efi_failed(status) ? NULL : (void *)memory;
}

void memory_release(void *uefi, void *memory, usize bytes) {
    ((Uefi *)uefi)->boot->free_pages((EfiPhysicalAddress)memory, pages_for(bytes));
}

static u64 conventional_bytes(const u8 *map, usize map_bytes, usize descriptor_bytes) {
    u64 pages = 0;
    for (usize at = 0; at + descriptor_bytes <= map_bytes; at += descriptor_bytes) {
        const EfiMemoryDescriptor *area = (const EfiMemoryDescriptor *)(map + at);
        if (area->type == EFI_CONVENTIONAL_MEMORY) pages += area->number_of_pages;
    }
    return pages * EFI_PAGE_BYTES;
}

u64 memory_free_bytes(void *uefi) {
    EfiBootServices *boot = ((Uefi *)uefi)->boot;
    usize bytes = 0, key, descriptor_bytes = 0;
    u32 version;
    boot->get_memory_map(&bytes, NULL, &key, &descriptor_bytes, &version);
    bytes += 8 * descriptor_bytes; /* the allocation below can split areas */
    void *map = NULL;
    if (efi_failed(boot->allocate_pool(EFI_LOADER_DATA, bytes, &map))) return 0;
    EfiStatus status = boot->get_memory_map(&bytes, map, &key, &descriptor_bytes, &version);
    u64 free_bytes = efi_failed(status) ? 0 : conventional_bytes(map, bytes, descriptor_bytes);
    boot->free_pool(map);
    return free_bytes;
}
