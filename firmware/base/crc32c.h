/* CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720, appendix B.4). */
#ifndef FIRMWARE_BASE_CRC32C_H
#define FIRMWARE_BASE_CRC32C_H

#include "firmware/base/types.h"

/** Of `bytes` bytes that follow those `crc` is of; begin with 0. Uses the processor's instruction where it has one. */
u32 crc32c(u32 crc, const void *data, usize bytes);
/** The same by table, on any processor; what the other is tested against. */
u32 crc32c_by_table(u32 crc, const void *data, usize bytes);

#endif
