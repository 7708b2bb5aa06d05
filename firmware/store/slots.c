#include "firmware/store/slots.h"

#include "firmware/base/crc32c.h"
#include "firmware/base/mem.h"

static const char MAGIC[4] = {'O', 'O', 'S', 'T'};
enum { VERSION = 2, COMPARE_BYTES = 512 };

/** As in the file: x86-64 is little-endian. */
typedef struct SlotHeader {
    char magic[sizeof(MAGIC)];
    u32 version;
    u32 crc;
    u32 payload_bytes;
    u64 generation;
} SlotHeader;
_Static_assert(sizeof(SlotHeader) == SLOT_HEADER_BYTES, "the header has no padding");

/** Of the record that starts at `bytes`: what follows the checksum itself. */
static u32 record_crc(const void *bytes, usize payload_bytes) {
    const usize start = offsetof(SlotHeader, payload_bytes);
    return crc32c(0, (const u8 *)bytes + start, SLOT_HEADER_BYTES - start + payload_bytes);
}

static bool fail_size(Error *error, u64 size) {
    return fail(error, size < SLOT_BYTES ? ERROR_TRUNCATED : ERROR_CORRUPT,
                "a state file has %d bytes, this one %llu: the next save makes it again", SLOT_BYTES,
                (unsigned long long)size);
}

static bool is_blank(Str bytes) {
    usize at = 0;
    while (at < bytes.len && bytes.data[at] == '\n') at++;
    return at == bytes.len;
}

bool slot_parse(Str bytes, u64 *generation, Str *payload, Error *error) {
    SlotHeader header;
    if (bytes.len != SLOT_BYTES) return fail_size(error, bytes.len);
    if (is_blank(bytes)) return fail(error, ERROR_NOT_FOUND, "nothing has been saved to it yet");
    memcpy(&header, bytes.data, sizeof(header));
    if (memcmp(header.magic, MAGIC, sizeof(MAGIC)) != 0) {
        return fail(error, ERROR_CORRUPT,
                    "expected OOST at the start: this is no state file; the next save makes it one");
    }
    if (header.version != VERSION) {
        return fail(error, ERROR_UNSUPPORTED, "expected version %d, found %u: another program wrote it", VERSION,
                    header.version);
    }
    if (header.payload_bytes > SLOT_PAYLOAD_MAX || header.crc != record_crc(bytes.data, header.payload_bytes)) {
        return fail(error, ERROR_CORRUPT,
                    "the checksum is not that of the record: a write was cut short, or the medium"
                    " is failing");
    }
    if (header.generation == 0 || header.generation == UINT64_MAX) {
        return fail(error, ERROR_CORRUPT, "generation %llu is none: the next save makes the file again",
                    (unsigned long long)header.generation);
    }
    *generation = header.generation;
    *payload = (Str){bytes.data + SLOT_HEADER_BYTES, header.payload_bytes};
    return true;
}

/* ---- reading ---- */

static Str slot_bytes(const Slots *slots, u32 slot) { return (Str){(const char *)slots->bytes[slot], SLOT_BYTES}; }

static bool load_slot(Slots *slots, u32 slot, Error *error) {
    const Platform *platform = slots->platform;
    File *file;
    u64 size;
    slots->is_full_size[slot] = false;
    if (!platform->file_open(platform->context, slots->paths[slot], &file, &size, error)) return false;
    slots->is_full_size[slot] = size == SLOT_BYTES;
    bool done = slots->is_full_size[slot]
                    ? platform->file_read(platform->context, file, 0, slots->bytes[slot], SLOT_BYTES, error)
                    : fail_size(error, size) || fail_in(error, slots->paths[slot]);
    platform->file_close(platform->context, file);
    return done;
}

static bool read_slot(Slots *slots, u32 slot, u64 *generation, Str *payload, Error *error) {
    return load_slot(slots, slot, error) &&
           (slot_parse(slot_bytes(slots, slot), generation, payload, error) || fail_in(error, slots->paths[slot]));
}

static SlotState state_of(ErrorCode code) {
    switch (code) {
    case ERROR_NOT_FOUND:
        return SLOT_MISSING;
    case ERROR_TRUNCATED:
    case ERROR_CORRUPT:
    case ERROR_UNSUPPORTED:
        return SLOT_INVALID;
    default:
        return SLOT_UNREADABLE;
    }
}

bool slots_open(Slots *slots, const Platform *platform, Str first, Str second, Str *payload) {
    *slots = (Slots){.platform = platform, .paths = {first, second}};
    for (u32 slot = 0; slot < 2; slot++) {
        u64 generation;
        Str found;
        Error *problem = &slots->problems[slot];
        bool valid = read_slot(slots, slot, &generation, &found, problem);
        slots->states[slot] = valid ? SLOT_VALID : state_of(problem->code);
        if (!valid || generation <= slots->generation) continue;
        slots->generation = generation;
        slots->newest = slot;
        *payload = found;
    }
    return slots->generation > 0;
}

bool slots_reload(Slots *slots, Str *payload, Error *error) {
    u64 generation;
    Str path = slots->paths[slots->newest];
    if (slots->generation == 0) return fail(error, ERROR_NOT_FOUND, "%.*s: no record has been saved", STR_ARG(path));
    if (!read_slot(slots, slots->newest, &generation, payload, error)) return false;
    return generation == slots->generation ||
           fail(error, ERROR_CORRUPT, "%.*s: expected generation %llu, found %llu: something else wrote it",
                STR_ARG(path), (unsigned long long)slots->generation, (unsigned long long)generation);
}

/* ---- writing ---- */

static void compose(Slots *slots, u32 slot, Str payload) {
    u8 *bytes = slots->bytes[slot];
    SlotHeader header = {.version = VERSION, .payload_bytes = (u32)payload.len, .generation = slots->generation + 1};
    memcpy(header.magic, MAGIC, sizeof(MAGIC));
    memset(bytes, 0, SLOT_BYTES);
    if (payload.len > 0) memcpy(bytes + SLOT_HEADER_BYTES, payload.data, payload.len);
    memcpy(bytes, &header, sizeof(header));
    header.crc = record_crc(bytes, payload.len);
    memcpy(bytes, &header, sizeof(header));
}

static bool write_slot(Slots *slots, u32 slot, Error *error) {
    const Platform *platform = slots->platform;
    Str bytes = slot_bytes(slots, slot);
    if (slots->is_full_size[slot]) {
        return platform->file_write_at(platform->context, slots->paths[slot], 0, bytes, error);
    }
    slots->is_full_size[slot] = platform->file_write(platform->context, slots->paths[slot], bytes, error);
    return slots->is_full_size[slot];
}

static bool compare(const Platform *platform, File *file, const u8 *expected, usize bytes, Error *error) {
    u8 found[COMPARE_BYTES];
    for (usize at = 0; at < bytes; at += sizeof(found)) {
        usize step = min_usize(bytes - at, sizeof(found));
        if (!platform->file_read(platform->context, file, at, found, step, error)) return false;
        if (memcmp(found, expected + at, step) != 0) {
            return fail(error, ERROR_CORRUPT,
                        "from byte %zu on, what was read back is not what was written: check the"
                        " medium",
                        at);
        }
    }
    return true;
}

/** Compares the record only: what is wrong behind it, nobody reads. */
static bool check_written(const Slots *slots, u32 slot, usize payload_bytes, Error *error) {
    const Platform *platform = slots->platform;
    File *file;
    u64 size;
    if (!platform->file_open(platform->context, slots->paths[slot], &file, &size, error)) return false;
    bool done = compare(platform, file, slots->bytes[slot], SLOT_HEADER_BYTES + payload_bytes, error);
    platform->file_close(platform->context, file);
    return done || fail_in(error, slots->paths[slot]);
}

static bool save_to(Slots *slots, u32 slot, Str payload, Error *error) {
    compose(slots, slot, payload);
    if (!write_slot(slots, slot, error) || !check_written(slots, slot, payload.len, error)) return false;
    slots->states[slot] = SLOT_VALID;
    slots->generation++;
    slots->newest = slot;
    return true;
}

bool slots_save(Slots *slots, Str payload, Error *error) {
    if (payload.len > SLOT_PAYLOAD_MAX) {
        return fail(error, ERROR_LIMIT, "%.*s: expected at most %d bytes to save, got %zu", STR_ARG(slots->paths[0]),
                    SLOT_PAYLOAD_MAX, payload.len);
    }
    /* Both files are made while there is nothing to lose, so later saves touch no table of the file system. */
    if (slots->generation == 0) return save_to(slots, 0, payload, error) && save_to(slots, 1, payload, error);
    return save_to(slots, !slots->newest, payload, error);
}
