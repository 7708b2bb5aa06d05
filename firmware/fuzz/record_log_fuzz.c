#include "firmware/fuzz/harness.h"
#include "firmware/store/record_log.h"
#include "firmware/testing/memory_volume.h"

enum { BYTES = 1200 }; /* as little as there is room for: short inputs are found sooner */

typedef struct Reading {
    u64 records;
    u64 newest;
    bool has_note;
} Reading;

static void judge(void *argument, u64 number, Str text) {
    Reading *reading = argument;
    reading->records++;
    if (number > reading->newest) reading->newest = number;
    if (number == reading->newest) reading->has_note = str_eq(text, STR("note"));
}

static Reading read_log(RecordLog *log, Arena *arena) {
    Reading reading = {0};
    Error error;
    CHECK_MSG(record_log_read(log, arena, judge, &reading, &error), "%s", error.message);
    CHECK_U64(reading.newest, record_log_newest(log));
    return reading;
}

static RecordLog open_log(const Platform *platform, Arena *arena) {
    RecordLog log;
    Error error;
    CHECK_MSG(record_log_open(&log, platform, STR("A.LOG"), STR("B.LOG"), BYTES, arena, &error), "%s", error.message);
    return log;
}

/** Whatever the files hold: they are read, and a record behind them is kept and found. */
static void check(const Platform *platform, Arena *arena) {
    Error error;
    RecordLog log = open_log(platform, arena);
    u64 newest = read_log(&log, arena).newest;
    if (newest == UINT64_MAX) return;
    CHECK_MSG(record_log_append(&log, newest + 1, STR("note"), &error), "%s", error.message);
    CHECK(read_log(&log, arena).has_note);
    log = open_log(platform, arena);
    CHECK(read_log(&log, arena).has_note);
}

/** The input is the start of one log file (the rest of it is LF), what is behind that the whole of the other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = arena_new(test_pages(), 0);
    Str input = harness_input(&arena, data, size);
    static MemoryVolume volume;
    memory_volume_init(&volume, test_pages());
    const Platform platform = {.context = &volume,
                               .pages = test_pages(),
                               .file_open = memory_open,
                               .file_read = memory_read,
                               .file_close = memory_close,
                               .file_write = memory_write,
                               .file_write_at = memory_write_at};
    char *first = arena_alloc(&arena, BYTES, 1, 64);
    CHECK(first != NULL);
    memset(first, '\n', BYTES);
    Str start = str_take(input, BYTES), rest = str_skip(input, BYTES);
    if (start.len > 0) memcpy(first, start.data, start.len);
    CHECK(memory_volume_add(&volume, STR("A.LOG"), (Str){first, BYTES}));
    if (rest.len > 0) CHECK(memory_volume_add(&volume, STR("B.LOG"), rest));
    check(&platform, &arena);
    CHECK_U64(volume.closes, volume.opens);
    memory_volume_free(&volume);
    arena_free(&arena);
    return 0;
}
