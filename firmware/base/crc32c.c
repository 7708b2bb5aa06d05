#include "firmware/base/crc32c.h"

#include "firmware/base/mem.h"

/* Entry i of the table is what the byte i leaves behind. That is linear in its bits, so eight entries give them all. */
#define BIT_LEAVES(i, bit, leaves) ((i) >> (bit)&1 ? (leaves) : 0u)
#define ENTRY(i)                                                                                                       \
    (BIT_LEAVES(i, 0, 0xF26B8303u) ^ BIT_LEAVES(i, 1, 0xE13B70F7u) ^ BIT_LEAVES(i, 2, 0xC79A971Fu) ^                   \
     BIT_LEAVES(i, 3, 0x8AD958CFu) ^ BIT_LEAVES(i, 4, 0x105EC76Fu) ^ BIT_LEAVES(i, 5, 0x20BD8EDEu) ^                   \
     BIT_LEAVES(i, 6, 0x417B1DBCu) ^ BIT_LEAVES(i, 7, 0x82F63B78u))
#define ENTRIES_4(i) ENTRY(i), ENTRY((i) + 1), ENTRY((i) + 2), ENTRY((i) + 3)
#define ENTRIES_16(i) ENTRIES_4(i), ENTRIES_4((i) + 4), ENTRIES_4((i) + 8), ENTRIES_4((i) + 12)
#define ENTRIES_64(i) ENTRIES_16(i), ENTRIES_16((i) + 16), ENTRIES_16((i) + 32), ENTRIES_16((i) + 48)

static const u32 TABLE[256] = {ENTRIES_64(0), ENTRIES_64(64), ENTRIES_64(128), ENTRIES_64(192)};

u32 crc32c_by_table(u32 crc, const void *data, usize bytes) {
    const u8 *at = data;
    u32 state = ~crc;
    for (; bytes > 0; bytes--) state = state >> 8 ^ TABLE[(state ^ *at++) & 0xFF];
    return ~state;
}

#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
enum { STEP_WORDS = 8 };

WITH_INSTRUCTION static inline u64 add_word(u64 state, const u8 *at) {
    u64 word;
    memcpy(&word, at, sizeof(word));
    return __builtin_ia32_crc32di(state, word);
}

WITH_INSTRUCTION static u32 by_instruction(u32 crc, const u8 *at, usize bytes) {
    u64 state = (u32)~crc;
    for (; bytes >= STEP_WORDS * sizeof(u64); bytes -= STEP_WORDS * sizeof(u64)) {
#pragma clang loop unroll(full)
        for (u32 i = 0; i < STEP_WORDS; i++) state = add_word(state, at + i * sizeof(u64));
        at += STEP_WORDS * sizeof(u64);
    }
    for (; bytes >= sizeof(u64); bytes -= sizeof(u64), at += sizeof(u64)) state = add_word(state, at);
    for (; bytes > 0; bytes--) state = __builtin_ia32_crc32qi((u32)state, *at++);
    return ~(u32)state;
}

/** Intel SDM volume 2A, CPUID leaf 1: ECX bit 20 is SSE4.2. */
static bool has_instruction(void) {
    u32 eax = 1, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 20 & 1;
}

u32 crc32c(u32 crc, const void *data, usize bytes) {
    return has_instruction() ? by_instruction(crc, data, bytes) : crc32c_by_table(crc, data, bytes);
}
