/* What the fuzzers share: every allocation on its own, so that the address sanitizer sees a read past any of them. */
#ifndef FIRMWARE_FUZZ_HARNESS_H
#define FIRMWARE_FUZZ_HARNESS_H

#include "firmware/testing/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The input in memory of exactly its size, aligned as a loaded file is. */
static inline Str harness_input(Arena *arena, const uint8_t *data, size_t size) {
    char *copy = arena_alloc(arena, size, 1, 64);
    CHECK(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    return (Str){copy, size};
}

/** An error that is no single, non-empty line is a finding, too. */
static inline void harness_check_error(const Error *error) {
    Str message = str_from_c(error->message);
    CHECK(error->code != ERROR_NONE && message.len > 0 && str_is_printable(message));
}

#endif
