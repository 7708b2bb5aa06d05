/* One record in two files of a fixed size, written alternately: whatever the moment power fails, one whole record is
 * left, and it is the last one whose slots_save returned true, or the one being written.
 *
 * File (little-endian): "OOST", u32 version = 2, u32 CRC-32C of all that follows it in the record, u32 payload bytes,
 * u64 generation (from 1), payload; zeros up to SLOT_BYTES. The file with the higher generation is the newer one. The
 * first record of all is written to both, with generations 1 and 2. A file of SLOT_BYTES LFs is blank: an image has
 * such, so that not even the first save touches a table of the file system.
 */
#ifndef FIRMWARE_STORE_SLOTS_H
#define FIRMWARE_STORE_SLOTS_H

#include "firmware/base/platform.h"

enum { SLOT_BYTES = 4096, SLOT_HEADER_BYTES = 24, SLOT_PAYLOAD_MAX = SLOT_BYTES - SLOT_HEADER_BYTES };

typedef enum SlotState {
    SLOT_MISSING, /* or blank: nothing was ever saved to it */
    SLOT_VALID,
    SLOT_INVALID, /* there, and not whole; `problem` says how */
    SLOT_UNREADABLE,
} SlotState;

typedef struct Slots {
    const Platform *platform;
    Str paths[2];
    SlotState states[2];  /* as slots_open found them; VALID once saved to */
    Error problems[2];    /* of a slot that slots_open found neither missing nor valid */
    bool is_full_size[2]; /* there with SLOT_BYTES bytes: overwritten in place, others are replaced */
    u64 generation;       /* of the newest valid record; 0 when there is none */
    u32 newest;           /* which slot holds it */
    u8 bytes[2][SLOT_BYTES];
} Slots;

/**
 * Looks at both files. True when there is a valid record: `*payload` is it, valid until the next call. False: there is
 * none (states and problems say why), and slots_save begins anew.
 */
bool slots_open(Slots *slots, const Platform *platform, Str first, Str second, Str *payload);
/**
 * Writes a record over the older slot and reads it back. Errors: those of the file system; ERROR_LIMIT when the payload
 * is too long; ERROR_CORRUPT when what was read back is not what was written. The newest record before is then still
 * there, and is still the newest unless the file system failed once the new one was on the medium.
 */
bool slots_save(Slots *slots, Str payload, Error *error);
/** Reads the newest record from the volume again, whatever is in memory. Errors as slots_save; ERROR_NOT_FOUND when
 * there is none. */
bool slots_reload(Slots *slots, Str *payload, Error *error);

/** Parses the bytes of one slot file: for slots_open, tests and fuzzing. `*payload` is a part of `bytes`. Errors:
 * ERROR_NOT_FOUND (it is blank), ERROR_TRUNCATED, ERROR_CORRUPT, ERROR_UNSUPPORTED (another version). */
bool slot_parse(Str bytes, u64 *generation, Str *payload, Error *error);

#endif
