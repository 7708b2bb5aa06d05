#include "firmware/base/crc32c.h"

#include "firmware/testing/check.h"

typedef u32 Checksum(u32 crc, const void *data, usize bytes);
static Checksum *const PATHS[] = {crc32c, crc32c_by_table};

static void check_vector(const void *data, usize bytes, u32 expected) {
    for (usize i = 0; i < COUNT_OF(PATHS); i++) CHECK_U64(PATHS[i](0, data, bytes), expected);
}

/* RFC 3720, B.4 prints the bytes of the checksums in the order they are sent, the lowest first. */
static void vectors_of_rfc_3720_are_met(void) {
    static const u8 READ_COMMAND[48] = {0x01, 0xC0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
                                        0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
                                        0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0};
    u8 bytes[32];
    memset(bytes, 0, sizeof(bytes));
    check_vector(bytes, sizeof(bytes), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof(bytes));
    check_vector(bytes, sizeof(bytes), 0x62A8AB43);
    for (u8 i = 0; i < sizeof(bytes); i++) bytes[i] = i;
    check_vector(bytes, sizeof(bytes), 0x46DD794E);
    for (u8 i = 0; i < sizeof(bytes); i++) bytes[i] = (u8)(sizeof(bytes) - 1 - i);
    check_vector(bytes, sizeof(bytes), 0x113FDB5C);
    check_vector(READ_COMMAND, sizeof(READ_COMMAND), 0xD9963A56);
    check_vector("123456789", 9, 0xE3069283);
    check_vector("", 0, 0);
}

enum { LENGTHS = 301, OFFSETS = 9 };

static void fill(u8 *bytes, usize count) {
    u64 seed = 1;
    for (usize i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (u8)(seed >> 56);
    }
}

static void both_ways_agree_at_every_length_and_offset(void) {
    u8 bytes[LENGTHS + OFFSETS];
    fill(bytes, sizeof(bytes));
    for (usize offset = 0; offset < OFFSETS; offset++) {
        for (usize length = 0; length < LENGTHS; length++) {
            CHECK_U64(crc32c(0, bytes + offset, length), crc32c_by_table(0, bytes + offset, length));
        }
    }
}

static void pieces_give_what_the_whole_gives(void) {
    u8 bytes[LENGTHS];
    fill(bytes, sizeof(bytes));
    for (usize i = 0; i < COUNT_OF(PATHS); i++) {
        u32 whole = PATHS[i](0, bytes, sizeof(bytes));
        for (usize cut = 0; cut <= sizeof(bytes); cut++) {
            u32 head = PATHS[i](0, bytes, cut);
            CHECK_U64(PATHS[i](head, bytes + cut, sizeof(bytes) - cut), whole);
        }
    }
}

static const TestCase CASES[] = {TEST(vectors_of_rfc_3720_are_met), TEST(both_ways_agree_at_every_length_and_offset),
                                 TEST(pieces_give_what_the_whole_gives)};
TEST_MAIN(CASES)
