/* The part of the UEFI interface this program uses. Names of types and members follow the UEFI Specification 2.10,
 * whose section stands beside each. Members that are never called are `void *`: they only hold their place. The
 * calling convention (Microsoft x64) is the default of the target x86_64-unknown-uefi. */
#ifndef FIRMWARE_PLATFORM_UEFI_EFI_H
#define FIRMWARE_PLATFORM_UEFI_EFI_H

#include "firmware/base/types.h"

/* 2.3.1 Data types */
typedef u16 EfiChar16; /* UCS-2 */
typedef usize EfiStatus;
typedef void *EfiHandle;
typedef void *EfiEvent;
typedef u64 EfiPhysicalAddress;
typedef struct EfiGuid {
    u32 data1;
    u16 data2, data3;
    u8 data4[8];
} EfiGuid;

/* Appendix D, status codes: errors have the top bit set */
#define EFI_ERROR_BIT ((EfiStatus)1 << 63)
enum { EFI_SUCCESS = 0 };
#define EFI_BUFFER_TOO_SMALL (EFI_ERROR_BIT | 5)
#define EFI_NOT_READY (EFI_ERROR_BIT | 6)
#define EFI_WRITE_PROTECTED (EFI_ERROR_BIT | 8)
#define EFI_OUT_OF_RESOURCES (EFI_ERROR_BIT | 9)
#define EFI_VOLUME_FULL (EFI_ERROR_BIT | 11)
#define EFI_NOT_FOUND (EFI_ERROR_BIT | 14)
static inline bool efi_failed(EfiStatus status) { return (status & EFI_ERROR_BIT) != 0; }

/* 4.2 EFI table header */
typedef struct EfiTableHeader {
    u64 signature;
    u32 revision, header_size, crc32, reserved;
} EfiTableHeader;

/* 12.3 Simple text input protocol; scan codes in table 12.2 (EFI Scan Codes) */
typedef struct EfiInputKey {
    u16 scan_code;
    EfiChar16 unicode_char;
} EfiInputKey;
typedef struct EfiSimpleTextInput EfiSimpleTextInput;
struct EfiSimpleTextInput {
    void *reset;
    EfiStatus (*read_key_stroke)(EfiSimpleTextInput *self, EfiInputKey *key);
    EfiEvent wait_for_key;
};
enum {
    EFI_SCAN_UP = 1,
    EFI_SCAN_DOWN,
    EFI_SCAN_RIGHT,
    EFI_SCAN_LEFT,
    EFI_SCAN_HOME,
    EFI_SCAN_END,
    EFI_SCAN_DELETE = 8,
};

/* 12.4 Simple text output protocol */
typedef struct EfiSimpleTextOutput EfiSimpleTextOutput;
struct EfiSimpleTextOutput {
    void *reset;
    EfiStatus (*output_string)(EfiSimpleTextOutput *self, const EfiChar16 *text);
};
#define EFI_SIMPLE_TEXT_OUTPUT_GUID                                                                                    \
    {                                                                                                                  \
        0x387477c2, 0x69c7, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

/* 10.2 Device path protocol: a packed list of nodes; 10.3.4.13 UART device path */
typedef struct EfiDevicePath {
    u8 type, subtype;
    u8 length[2]; /* of the whole node, low byte first */
} EfiDevicePath;
enum { EFI_DEVICE_PATH_END = 0x7f, EFI_DEVICE_PATH_MESSAGING = 3, EFI_DEVICE_PATH_UART = 14 };
#define EFI_DEVICE_PATH_GUID                                                                                           \
    {                                                                                                                  \
        0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

/* 13.5 File protocol */
typedef struct EfiFile EfiFile;
struct EfiFile {
    u64 revision;
    EfiStatus (*open)(EfiFile *self, EfiFile **file, const EfiChar16 *name, u64 mode, u64 attributes);
    EfiStatus (*close)(EfiFile *self);
    EfiStatus (*delete)(EfiFile *self); /* closes it too, whatever it returns */
    EfiStatus (*read)(EfiFile *self, usize *bytes, void *to);
    EfiStatus (*write)(EfiFile *self, usize *bytes, const void *from);
    void *get_position;
    EfiStatus (*set_position)(EfiFile *self, u64 position);
    EfiStatus (*get_info)(EfiFile *self, const EfiGuid *kind, usize *bytes, void *info);
    EfiStatus (*set_info)(EfiFile *self, const EfiGuid *kind, usize bytes, const void *info);
    EfiStatus (*flush)(EfiFile *self);
};
#define EFI_FILE_MODE_READ 1ULL
#define EFI_FILE_MODE_WRITE 2ULL
#define EFI_FILE_MODE_CREATE (1ULL << 63)
#define EFI_FILE_DIRECTORY 0x10ULL
typedef struct EfiFileInfo {
    u64 size; /* of this structure with its name */
    u64 file_size, physical_size;
    u8 times[3][16];
    u64 attribute;
    EfiChar16 file_name[]; /* ends in NUL */
} EfiFileInfo;
#define EFI_FILE_INFO_GUID                                                                                             \
    {                                                                                                                  \
        0x09576e92, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

/* 13.4 Simple file system protocol */
typedef struct EfiSimpleFileSystem EfiSimpleFileSystem;
struct EfiSimpleFileSystem {
    u64 revision;
    EfiStatus (*open_volume)(EfiSimpleFileSystem *self, EfiFile **root);
};
#define EFI_SIMPLE_FILE_SYSTEM_GUID                                                                                    \
    {                                                                                                                  \
        0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

/* 7.2 Memory allocation services */
enum { EFI_ALLOCATE_ANY_PAGES = 0, EFI_LOADER_DATA = 2, EFI_CONVENTIONAL_MEMORY = 7, EFI_PAGE_BYTES = 4096 };
typedef struct EfiMemoryDescriptor {
    u32 type;
    EfiPhysicalAddress physical_start;
    u64 virtual_start, number_of_pages, attribute;
} EfiMemoryDescriptor;

/* 7.1 Event, timer and task priority services */
enum { EFI_EVENT_TIMER = (i32)0x80000000, EFI_TPL_APPLICATION = 4, EFI_TIMER_CANCEL = 0, EFI_TIMER_RELATIVE = 2 };

/* 4.4 Boot services table */
typedef struct EfiBootServices {
    EfiTableHeader header;
    void *raise_tpl, *restore_tpl;
    EfiStatus (*allocate_pages)(u32 how, u32 memory_type, usize pages, EfiPhysicalAddress *memory);
    EfiStatus (*free_pages)(EfiPhysicalAddress memory, usize pages);
    EfiStatus (*get_memory_map)(usize *bytes, void *map, usize *key, usize *descriptor_bytes, u32 *version);
    EfiStatus (*allocate_pool)(u32 memory_type, usize bytes, void **memory);
    EfiStatus (*free_pool)(void *memory);
    EfiStatus (*create_event)(u32 type, usize tpl, void *notify, void *context, EfiEvent *event);
    EfiStatus (*set_timer)(EfiEvent event, u32 type, u64 hundred_ns);
    EfiStatus (*wait_for_event)(usize count, const EfiEvent *events, usize *index);
    void *signal_event, *close_event, *check_event;
    void *install_protocol_interface, *reinstall_protocol_interface, *uninstall_protocol_interface;
    EfiStatus (*handle_protocol)(EfiHandle handle, const EfiGuid *protocol, void **interface);
    void *reserved, *register_protocol_notify, *locate_handle, *locate_device_path, *install_configuration_table;
    void *load_image, *start_image, *exit, *unload_image, *exit_boot_services;
    void *get_next_monotonic_count;
    EfiStatus (*stall)(usize microseconds);
    EfiStatus (*set_watchdog_timer)(usize seconds, u64 code, usize data_bytes, const EfiChar16 *data);
    void *connect_controller, *disconnect_controller, *open_protocol, *close_protocol, *open_protocol_information;
    void *protocols_per_handle;
    EfiStatus (*locate_handle_buffer)(u32 how, const EfiGuid *protocol, void *key, usize *count, EfiHandle **handles);
} EfiBootServices;
enum { EFI_LOCATE_BY_PROTOCOL = 2 };

/* 4.5 Runtime services table; 8.5.1 ResetSystem */
typedef struct EfiRuntimeServices {
    EfiTableHeader header;
    void *time[4], *virtual_memory[2], *variables[3], *get_next_high_monotonic_count;
    void (*reset_system)(u32 type, EfiStatus status, usize data_bytes, const void *data);
} EfiRuntimeServices;
enum { EFI_RESET_COLD = 0, EFI_RESET_SHUTDOWN = 2 };

/* 4.3 System table */
typedef struct EfiSystemTable {
    EfiTableHeader header;
    const EfiChar16 *firmware_vendor;
    u32 firmware_revision;
    EfiHandle console_in_handle;
    EfiSimpleTextInput *con_in;
    EfiHandle console_out_handle;
    EfiSimpleTextOutput *con_out;
    EfiHandle standard_error_handle;
    EfiSimpleTextOutput *std_err;
    EfiRuntimeServices *runtime;
    EfiBootServices *boot;
} EfiSystemTable;

/* 9.1 Loaded image protocol */
typedef struct EfiLoadedImage {
    u32 revision;
    EfiHandle parent_handle;
    EfiSystemTable *system_table;
    EfiHandle device_handle;
    EfiDevicePath *file_path;
    void *reserved;
    u32 load_options_size;
    void *load_options;
    void *image_base;
    u64 image_size;
} EfiLoadedImage;
#define EFI_LOADED_IMAGE_GUID                                                                                          \
    {                                                                                                                  \
        0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

#endif
