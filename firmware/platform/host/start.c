/* Where Linux starts the program: the stack holds argc, argv, the environment and the auxiliary vector (System V ABI,
 * x86-64 supplement, "Process Initialization"). */
#include "firmware/base/mem.h"
#include "firmware/platform/host/main.h"
#include "firmware/platform/host/syscall.h"

enum { AT_NULL = 0, AT_PHDR = 3, AT_PHNUM = 5 };
enum { PT_NOTE = 4, NT_GNU_BUILD_ID = 3 };

typedef struct Auxiliary {
    u64 type, value;
} Auxiliary;

/** Elf64_Phdr. */
typedef struct ProgramHeader {
    u32 type, flags;
    u64 offset, address, physical, file_bytes, memory_bytes, align;
} ProgramHeader;

/** Elf64_Nhdr; name and description follow, each padded to 4 bytes. */
typedef struct Note {
    u32 name_bytes, description_bytes, type;
} Note;

static u32 padded(u32 bytes) { return (bytes + 3) & ~3u; }

/** The first four bytes of the build id in a note segment, read as the hexadecimal number tools show; 0 without one. */
static u32 build_id_of_notes(const u8 *at, const u8 *end) {
    while ((usize)(end - at) >= sizeof(Note)) {
        const Note *note = (const Note *)at;
        const u8 *description = at + sizeof(Note) + padded(note->name_bytes);
        if (note->type == NT_GNU_BUILD_ID && note->description_bytes >= sizeof(u32)) {
            u32 id;
            memcpy(&id, description, sizeof(id));
            return __builtin_bswap32(id);
        }
        at = description + padded(note->description_bytes);
    }
    return 0;
}

static u64 auxiliary_value(const Auxiliary *auxiliary, u64 type) {
    for (; auxiliary->type != AT_NULL; auxiliary++) {
        if (auxiliary->type == type) return auxiliary->value;
    }
    return 0;
}

static u32 build_id(const Auxiliary *auxiliary) {
    const ProgramHeader *header = (const ProgramHeader *)auxiliary_value(auxiliary, AT_PHDR);
    u64 count = auxiliary_value(auxiliary, AT_PHNUM);
    u32 id = 0;
    for (u64 i = 0; header && i < count && id == 0; i++) {
        if (header[i].type != PT_NOTE) continue;
        const u8 *notes = (const u8 *)header[i].address;
        id = build_id_of_notes(notes, notes + header[i].memory_bytes);
    }
    return id;
}

__attribute__((used)) _Noreturn void host_start(u64 *stack) {
    i32 count = (i32)stack[0];
    char **arguments = (char **)(stack + 1);
    u64 *environment = stack + 1 + count + 1;
    while (*environment) environment++;
    sys_exit(host_main(count, arguments, build_id((const Auxiliary *)(environment + 1))));
}

/** The ABI gives a stack aligned to 16 bytes and no return address; a called function expects one. */
__attribute__((naked, noreturn)) void _start(void) {
    __asm__("xorl %ebp, %ebp\n"
            "movq %rsp, %rdi\n"
            "andq $-16, %rsp\n"
            "call host_start\n");
}
