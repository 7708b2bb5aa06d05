/* The four memory functions compilers may call on their own. Hosted builds get them from the C library, freestanding
 * ones from platform/freestanding. */
#ifndef FIRMWARE_BASE_MEM_H
#define FIRMWARE_BASE_MEM_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/* Freestanding code has no builtins of its own accord: without these a copy of two bytes would be a call. */
#define memcpy(to, from, bytes) __builtin_memcpy((to), (from), (bytes))
#define memmove(to, from, bytes) __builtin_memmove((to), (from), (bytes))
#define memset(to, byte, bytes) __builtin_memset((to), (byte), (bytes))
#define memcmp(a, b, bytes) __builtin_memcmp((a), (b), (bytes))

#endif
