/* Fixed-width names used everywhere; nothing here allocates or calls anything. */
#ifndef FIRMWARE_BASE_TYPES_H
#define FIRMWARE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef size_t usize;
typedef float f32;
typedef double f64;

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline usize min_usize(usize a, usize b) { return a < b ? a : b; }
static inline usize max_usize(usize a, usize b) { return a > b ? a : b; }

/** Sum or product of two sizes. Returns false, leaving *out unspecified, when it does not fit. */
static inline bool add_usize(usize a, usize b, usize *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool mul_usize(usize a, usize b, usize *out) { return !__builtin_mul_overflow(a, b, out); }

#endif
