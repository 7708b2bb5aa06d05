#include "firmware/model/unicode.h"

/* A class in the low bits, the first code point it holds from above them. */
enum { CLASS_BITS = 3 };
#define RANGE(start, name) ((u32)(start) << CLASS_BITS | UNICODE_##name)

static const u32 RANGES[] = {
#include "firmware/model/unicode_ranges.h"
};

UnicodeClass unicode_class(u32 scalar) {
    usize low = 0;
    usize high = COUNT_OF(RANGES);
    while (high - low > 1) {
        usize middle = low + (high - low) / 2;
        *(RANGES[middle] >> CLASS_BITS <= scalar ? &low : &high) = middle;
    }
    return (UnicodeClass)(RANGES[low] & ((1u << CLASS_BITS) - 1));
}
