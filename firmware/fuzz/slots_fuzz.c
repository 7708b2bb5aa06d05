#include "firmware/base/crc32c.h"
#include "firmware/fuzz/harness.h"
#include "firmware/store/slots.h"

enum { CRC_AT = 8, SIZE_AT = 12 };

/** Whole is what has a payload inside the file; everything else has an error. */
static void check(Str file) {
    u64 generation = 0;
    Str payload;
    Error error = {0};
    if (!slot_parse(file, &generation, &payload, &error)) {
        harness_check_error(&error);
        return;
    }
    CHECK(generation > 0 && payload.data == file.data + SLOT_HEADER_BYTES && payload.len <= SLOT_PAYLOAD_MAX);
}

/** Makes the checksum right, which no mutation would: what lies behind it is to be reached, too. */
static void seal(Str file) {
    u32 bytes, crc;
    if (file.len < SLOT_BYTES) return;
    memcpy(&bytes, file.data + SIZE_AT, sizeof(bytes));
    crc = crc32c(0, file.data + SIZE_AT, SLOT_HEADER_BYTES - SIZE_AT + bytes % (SLOT_PAYLOAD_MAX + 1));
    memcpy((char *)file.data + CRC_AT, &crc, sizeof(crc));
}

/** The input is the start of a slot file, the rest of which is zeros, or the whole of one that is longer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = arena_new(test_pages(), 0);
    Str input = harness_input(&arena, data, size);
    check(input);
    char *file = arena_alloc(&arena, max_usize(size, SLOT_BYTES), 1, 64);
    CHECK(file != NULL);
    if (size > 0) memcpy(file, data, size);
    Str padded = {file, max_usize(size, SLOT_BYTES)};
    check(padded);
    seal(padded);
    check(padded);
    arena_free(&arena);
    return 0;
}
