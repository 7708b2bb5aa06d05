/* The symbols clang calls on its own in freestanding code. Copies are string instructions in assembly, so that the
 * compiler can not recognise a loop and call the function it is compiling; eight bytes a step, because an emulator
 * takes as long for a step of one. */
#include "firmware/base/mem.h"

/** Microsoft's linker convention: an object that uses floating point refers to this name. */
int _fltused = 0;

void *(memcpy)(void *restrict to, const void *restrict from, size_t bytes) {
    void *cursor = to;
    size_t words = bytes / 8;
    size_t rest = bytes % 8;
    __asm__ volatile("rep movsq" : "+D"(cursor), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(cursor), "+S"(from), "+c"(rest) : : "memory");
    return to;
}

static void copy_backwards(void *to, const void *from, size_t bytes) {
    char *last_to = (char *)to + bytes - 1;
    const char *last_from = (const char *)from + bytes - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(last_to), "+S"(last_from), "+c"(bytes) : : "memory", "cc");
}

void *(memmove)(void *to, const void *from, size_t bytes) {
    if ((size_t)to - (size_t)from >= bytes) return memcpy(to, from, bytes); /* not inside the source's own bytes */
    copy_backwards(to, from, bytes);
    return to;
}

void *(memset)(void *to, int byte, size_t bytes) {
    void *cursor = to;
    size_t words = bytes / 8;
    size_t rest = bytes % 8;
    unsigned long long pattern = (unsigned char)byte * 0x0101010101010101ULL;
    __asm__ volatile("rep stosq" : "+D"(cursor), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(cursor), "+c"(rest) : "a"(pattern) : "memory");
    return to;
}

int(memcmp)(const void *a, const void *b, size_t bytes) {
    const unsigned char *left = a, *right = b;
    for (size_t i = 0; i < bytes; i++) {
        if (left[i] != right[i]) return left[i] - right[i];
    }
    return 0;
}

#ifdef _WIN32
/* The probe clang calls before a frame larger than a page (Microsoft x64 ABI: size in RAX, every register kept). UEFI
 * maps the whole stack at once, so there is nothing to touch. */
__asm__(".globl __chkstk\n__chkstk:\n\tret\n");
#endif
