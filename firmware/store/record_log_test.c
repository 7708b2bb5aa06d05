/* Record logs on a volume whose power fails at every sector, whose bytes go wrong, and whose files somebody has
 * changed. A record's text follows from its number, so every record that is read can be judged. */
#include "firmware/store/record_log.h"

#include "firmware/base/crc32c.h"
#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

enum { BYTES = 4096, LONGEST = 100 };
static const Str PATHS[2] = {STR("OOJOUR.LOG"), STR("OOJOUR2.LOG")};

typedef struct Bench {
    FakePlatform *fake;
    Arena arena;
    RecordLog log;
    Error error;
    /* what the last reading found */
    bool found[LONGEST + 8];
    u64 first, last, count;
} Bench;

static Bench bench_new(void) {
    Bench bench = {.fake = fake_platform_new()};
    bench.arena = arena_new(bench.fake->platform.pages, 0);
    return bench;
}

static void bench_free(Bench *bench) {
    arena_free(&bench->arena);
    CHECK_U64(fake_pages_in_use(bench->fake), 0);
    fake_platform_free(bench->fake);
}

static MemoryVolume *disk(Bench *bench) { return &bench->fake->volume; }

/** From nothing to the longest there may be; some look like the frame of a record. */
static Str text_of(u64 number, char text[RECORD_TEXT_MAX]) {
    usize len = number % 13 == 5 ? RECORD_TEXT_MAX : number * 149 % 470;
    for (usize i = 0; i < len; i++) text[i] = (char)(' ' + (number * 7 + i * (number % 5 + 1)) % 95);
    if (number % 3 == 0 && len > 40) memcpy(text + len - 40, " crc=0badc0de event=999 yes crc=0badc0de ", 40);
    return (Str){text, len};
}

static usize line_bytes(u64 number) {
    char text[RECORD_TEXT_MAX];
    return text_of(number, text).len + (number < 10 ? 1 : number < 100 ? 2 : 3) + sizeof("event=  crc=00000000\n") - 1;
}

static bool append(Bench *bench, u64 number) {
    char text[RECORD_TEXT_MAX];
    return record_log_append(&bench->log, number, text_of(number, text), &bench->error);
}

/** Appends the next records up to `last`; false when one of them was refused. */
static bool append_up_to(Bench *bench, u64 last) {
    while (record_log_newest(&bench->log) < last) {
        if (!append(bench, record_log_newest(&bench->log) + 1)) return false;
    }
    return true;
}

static void open_log(Bench *bench) {
    CHECK_MSG(
        record_log_open(&bench->log, &bench->fake->platform, PATHS[0], PATHS[1], BYTES, &bench->arena, &bench->error),
        "%s", bench->error.message);
}

/** Every record that is read is one that was appended, and they come in order. */
static void judge(void *argument, u64 number, Str text) {
    Bench *bench = argument;
    char expected[RECORD_TEXT_MAX];
    CHECK(number > bench->last && number < COUNT_OF(bench->found));
    CHECK_STR(text, text_of(number, expected));
    if (bench->count++ == 0) bench->first = number;
    bench->last = number;
    bench->found[number] = true;
}

static void read_log(Bench *bench) {
    bench->first = bench->last = bench->count = 0;
    memset(bench->found, 0, sizeof(bench->found));
    CHECK_MSG(record_log_read(&bench->log, &bench->arena, judge, bench, &bench->error), "%s", bench->error.message);
    CHECK_U64(bench->last, record_log_newest(&bench->log));
}

/** A file's worth of lines up to `acknowledged` is there, less what a torn line takes of it; and none in between is
 * missing. */
static void check_kept(Bench *bench, u64 acknowledged) {
    usize room = BYTES - RECORD_LINE_MAX;
    for (u32 i = 0; i < 2; i++) room -= bench->log.files[i].torn_bytes + bench->log.files[i].torn_lines;
    read_log(bench);
    CHECK(bench->last == acknowledged || bench->last == acknowledged + 1);
    CHECK(bench->count == 0 || bench->count == bench->last - bench->first + 1);
    for (u64 number = acknowledged; number > 0 && line_bytes(number) <= room; number--) {
        room -= line_bytes(number);
        CHECK_MSG(bench->found[number], "record %llu of %llu is lost", (unsigned long long)number,
                  (unsigned long long)acknowledged);
    }
}

static void records_come_back_in_order_over_many_rotations(void) {
    Bench bench = bench_new();
    open_log(&bench);
    for (u64 number = 1; number <= LONGEST; number++) {
        CHECK_MSG(append(&bench, number), "%s", bench.error.message);
        check_kept(&bench, number);
        if (number % 7 == 0) open_log(&bench);
        CHECK(bench.log.files[0].torn_lines + bench.log.files[1].torn_lines == 0);
    }
    CHECK(bench.first > LONGEST / 2); /* there were rotations */
    bench_free(&bench);
}

static void appending_is_one_write_of_the_line(void) {
    Bench bench = bench_new();
    open_log(&bench);
    CHECK(append_up_to(&bench, 1));
    for (u64 number = 2; number <= LONGEST; number++) {
        u32 writes = disk(&bench)->writes, active = bench.log.active;
        disk(&bench)->sectors_left = 1000;
        CHECK(append(&bench, number));
        u32 sectors = 1000 - disk(&bench)->sectors_left;
        bool is_rotated = bench.log.active != active;
        CHECK_U64(disk(&bench)->writes - writes, is_rotated ? 2 : 1);
        CHECK(is_rotated || sectors <= line_bytes(number) / MEMORY_SECTOR_BYTES + 2);
    }
    CHECK_U64(disk(&bench)->reads, 0);
    bench_free(&bench);
}

static void files_are_made_once_and_then_overwritten_in_place(void) {
    Bench bench = bench_new();
    Str content;
    open_log(&bench);
    CHECK(append_up_to(&bench, 1));
    disk(&bench)->is_full = true; /* nothing can be created or replaced */
    CHECK_MSG(append_up_to(&bench, LONGEST), "%s", bench.error.message);
    for (u32 i = 0; i < 2; i++) CHECK(memory_volume_get(disk(&bench), PATHS[i], &content) && content.len == BYTES);
    check_kept(&bench, LONGEST);
    bench_free(&bench);
}

/* ---- power ---- */

enum { CUT_RECORDS = 40 };

/** Appends up to `last`, and power fails after `sectors` sectors; returns the last record that was acknowledged. */
static u64 append_until_cut(Bench *bench, u64 last, u32 sectors, bool *was_cut) {
    disk(bench)->sectors_left = sectors;
    *was_cut = !append_up_to(bench, last);
    CHECK(*was_cut == disk(bench)->has_no_power);
    memory_volume_power(disk(bench));
    return record_log_newest(&bench->log);
}

/** A second cut after the first, and then neither. */
static void check_second_cut(u32 sectors, u32 more) {
    bool was_cut;
    Bench bench = bench_new();
    open_log(&bench);
    append_until_cut(&bench, CUT_RECORDS, sectors, &was_cut);
    open_log(&bench);
    u64 acknowledged = append_until_cut(&bench, record_log_newest(&bench.log) + 8, more, &was_cut);
    open_log(&bench);
    check_kept(&bench, acknowledged);
    for (u32 i = 0; i < 12; i++) {
        u64 next = record_log_newest(&bench.log) + 1;
        CHECK_MSG(append(&bench, next), "%s", bench.error.message);
        check_kept(&bench, next);
    }
    bench_free(&bench);
}

static void power_may_fail_at_every_sector_of_every_append(void) {
    static const u32 MORE[] = {0, 1, 2, 3, 5, 8, 9, 12, 20};
    bool was_cut = true;
    u32 sectors = 0;
    for (; was_cut; sectors++) {
        Bench bench = bench_new();
        open_log(&bench);
        u64 acknowledged = append_until_cut(&bench, CUT_RECORDS, sectors, &was_cut);
        open_log(&bench);
        CHECK(bench.log.files[0].torn_lines + bench.log.files[1].torn_lines <= 1);
        check_kept(&bench, acknowledged);
        bench_free(&bench);
        for (usize i = 0; i < COUNT_OF(MORE); i++) check_second_cut(sectors, MORE[i]);
    }
    CHECK(sectors > 100); /* some rotations' worth */
}

static void an_append_that_failed_can_be_tried_again(void) {
    bool was_cut = true;
    for (u32 sectors = 0; was_cut; sectors++) {
        Bench bench = bench_new();
        open_log(&bench);
        append_until_cut(&bench, CUT_RECORDS, sectors, &was_cut);
        CHECK_MSG(append_up_to(&bench, CUT_RECORDS + 3), "%s", bench.error.message);
        check_kept(&bench, CUT_RECORDS + 3);
        open_log(&bench);
        check_kept(&bench, CUT_RECORDS + 3);
        bench_free(&bench);
    }
}

static void a_torn_line_is_counted_and_passed_over(void) {
    bool was_cut;
    Bench bench = bench_new();
    open_log(&bench);
    CHECK(append_up_to(&bench, 4) && bench.log.files[0].used % MEMORY_SECTOR_BYTES < 400);
    usize used = bench.log.files[0].used;
    append_until_cut(&bench, 5, 1, &was_cut); /* the longest of all */
    CHECK(was_cut);
    open_log(&bench);
    CHECK_U64(bench.log.files[0].torn_lines, 1);
    CHECK_U64(bench.log.files[0].torn_bytes, MEMORY_SECTOR_BYTES - used % MEMORY_SECTOR_BYTES);
    CHECK_U64(record_log_newest(&bench.log), 4);
    CHECK(append_up_to(&bench, 6));
    check_kept(&bench, 6);
    open_log(&bench);
    CHECK_U64(bench.log.files[0].torn_lines, 1);
    check_kept(&bench, 6);
    bench_free(&bench);
}

/* ---- files that were changed ---- */

typedef char Files[2][BYTES + 64];

/** The two files of a log after CUT_RECORDS records, as the volume's own; what is read of them is in the bench. */
static Bench bench_of(Files files) {
    Bench bench = bench_new();
    Str content;
    open_log(&bench);
    CHECK(append_up_to(&bench, CUT_RECORDS));
    for (u32 i = 0; i < 2; i++) {
        CHECK(memory_volume_get(disk(&bench), PATHS[i], &content));
        memcpy(files[i], content.data, BYTES);
    }
    read_log(&bench);
    return bench;
}

static void put(Bench *bench, u32 which, Files files, usize len) {
    CHECK(memory_volume_add(disk(bench), PATHS[which], (Str){files[which], len}));
}

static void put_both(Bench *bench, Files files) {
    for (u32 i = 0; i < 2; i++) put(bench, i, files, BYTES);
}

/** Whatever was done to the files: what is left is read, and a record can be appended and read. */
static void check_goes_on(Bench *bench) {
    open_log(bench);
    read_log(bench);
    u64 next = bench->last + 1;
    CHECK_MSG(append(bench, next), "%s", bench->error.message);
    read_log(bench);
    CHECK(bench->found[next]);
    open_log(bench);
    read_log(bench);
    CHECK(bench->found[next]);
}

static void a_spoilt_byte_loses_at_most_two_records_and_forges_none(void) {
    static Files files;
    Bench bench = bench_of(files);
    u64 before = bench.count;
    for (usize at = 0; at < 2 * BYTES; at++) {
        char *byte = &files[at / BYTES][at % BYTES];
        char was = *byte;
        *byte ^= (char)(1 + at % 255);
        put_both(&bench, files);
        open_log(&bench);
        read_log(&bench);
        CHECK(bench.count + 2 >= before);
        if (at % 16 == 0) check_goes_on(&bench);
        *byte = was;
    }
    bench_free(&bench);
}

static void spoilt_bytes_everywhere_forge_nothing(void) {
    static Files whole, files;
    Bench bench = bench_of(whole);
    u64 seed = 7;
    for (u32 round = 0; round < 2000; round++) {
        memcpy(files, whole, sizeof(files));
        for (u32 i = 0; i <= round % 60; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            files[seed >> 63][(seed >> 40) % BYTES] = (char)(seed >> 32 & 1 ? '\n' : seed >> 24);
        }
        put_both(&bench, files);
        check_goes_on(&bench);
    }
    bench_free(&bench);
}

/** Where a record ends in a file, its LF left out; past the file when it is not there. */
static usize end_of(const char *file, u64 number) {
    char start[32];
    int bytes = snprintf(start, sizeof(start), "event=%llu ", (unsigned long long)number);
    usize at = str_find((Str){file, BYTES}, (Str){start, (usize)bytes});
    return at + line_bytes(number) - 1;
}

static void the_newest_file_cut_anywhere_keeps_its_lines(void) {
    static Files files;
    usize ends[CUT_RECORDS + 1];
    Bench bench = bench_of(files);
    u32 newest = bench.log.active;
    for (u64 number = 1; number <= CUT_RECORDS; number++) ends[number] = end_of(files[newest], number);
    for (usize len = 0; len < BYTES; len++) {
        put(&bench, newest, files, len);
        put(&bench, !newest, files, BYTES);
        check_goes_on(&bench);
        for (u64 number = 1; number <= CUT_RECORDS; number++) CHECK(ends[number] > len || bench.found[number]);
    }
    bench_free(&bench);
}

static void files_of_another_size_are_made_again_in_their_turn(void) {
    static Files files;
    static const Str NOTE = STR("a person was here\n");
    Bench bench = bench_of(files);
    Str content;
    u64 before = bench.count;
    for (u32 i = 0; i < 2; i++) {
        memcpy(files[i] + BYTES, NOTE.data, NOTE.len);
        put(&bench, i, files, BYTES + NOTE.len);
    }
    open_log(&bench);
    read_log(&bench);
    CHECK_U64(bench.count, before);
    CHECK(bench.log.files[0].torn_lines == 1 && bench.log.files[1].torn_lines == 1);
    CHECK_MSG(append_up_to(&bench, LONGEST), "%s", bench.error.message);
    check_kept(&bench, LONGEST);
    for (u32 i = 0; i < 2; i++) CHECK(memory_volume_get(disk(&bench), PATHS[i], &content) && content.len == BYTES);
    bench_free(&bench);
}

static void a_lost_file_is_made_again(void) {
    static Files files;
    for (u32 lost = 0; lost < 2; lost++) {
        Bench bench = bench_of(files);
        memory_volume_remove(disk(&bench), PATHS[lost]);
        check_goes_on(&bench);
        CHECK(bench.log.files[0].exists && bench.log.files[1].exists);
        CHECK(append_up_to(&bench, LONGEST));
        check_kept(&bench, LONGEST);
        bench_free(&bench);
    }
}

/* ---- refusals ---- */

static void a_volume_that_cannot_be_written_loses_nothing(void) {
    static Files files;
    Bench bench = bench_of(files);
    disk(&bench)->is_read_only = true;
    CHECK(!append(&bench, CUT_RECORDS + 1));
    CHECK_ERROR(bench.error, ERROR_READ_ONLY);
    disk(&bench)->is_read_only = false;
    check_kept(&bench, CUT_RECORDS);
    CHECK(append_up_to(&bench, CUT_RECORDS + 1));
    check_kept(&bench, CUT_RECORDS + 1);
    bench_free(&bench);
}

static void a_volume_that_is_full_from_the_start_says_so(void) {
    Bench bench = bench_new();
    open_log(&bench);
    disk(&bench)->is_full = true;
    CHECK(!append(&bench, 1));
    CHECK_ERROR(bench.error, ERROR_FULL);
    disk(&bench)->is_full = false;
    CHECK(append_up_to(&bench, 1));
    bench_free(&bench);
}

static void memory_that_lacks_is_an_error_and_loses_nothing(void) {
    static Files files;
    Bench bench = bench_of(files);
    u64 memory = bench.fake->memory_free;
    bench.fake->memory_free = 0;
    while (append(&bench, record_log_newest(&bench.log) + 1)) continue;
    CHECK_ERROR(bench.error, ERROR_OUT_OF_MEMORY);
    u64 newest = record_log_newest(&bench.log);
    CHECK(!record_log_open(&bench.log, &bench.fake->platform, PATHS[0], PATHS[1], BYTES, &bench.arena, &bench.error));
    CHECK_ERROR(bench.error, ERROR_OUT_OF_MEMORY);
    bench.fake->memory_free = memory;
    open_log(&bench);
    check_kept(&bench, newest);
    CHECK(append_up_to(&bench, newest + 1));
    check_kept(&bench, newest + 1);
    bench_free(&bench);
}

static void a_volume_that_cannot_be_read_is_an_error(void) {
    static Files files;
    Bench bench = bench_of(files);
    disk(&bench)->has_no_power = true;
    CHECK(!record_log_read(&bench.log, &bench.arena, judge, &bench, &bench.error));
    CHECK_ERROR(bench.error, ERROR_IO);
    CHECK(!record_log_open(&bench.log, &bench.fake->platform, PATHS[0], PATHS[1], BYTES, &bench.arena, &bench.error));
    CHECK_ERROR(bench.error, ERROR_IO);
    bench_free(&bench);
}

static void a_text_that_is_no_line_is_refused(void) {
    static char text[RECORD_TEXT_MAX + 1];
    Bench bench = bench_new();
    open_log(&bench);
    memset(text, 'x', sizeof(text));
    CHECK(!record_log_append(&bench.log, 1, (Str){text, sizeof(text)}, &bench.error));
    CHECK_ERROR(bench.error, ERROR_LIMIT);
    CHECK(!record_log_append(&bench.log, 1, STR("two\nlines"), &bench.error));
    CHECK_ERROR(bench.error, ERROR_USAGE);
    CHECK(record_log_append(&bench.log, UINT64_MAX, (Str){text, RECORD_TEXT_MAX}, &bench.error));
    CHECK_U64(bench.log.files[0].used, RECORD_LINE_MAX);
    open_log(&bench);
    CHECK(record_log_newest(&bench.log) == UINT64_MAX && bench.log.files[0].torn_lines == 0);
    bench_free(&bench);
}

/* ---- one line ---- */

/** The same line is in tools/oo/test_records.py: both programs read one format. */
static void the_format_is_the_one_that_hosts_read(void) {
    static const Str LINE = STR("event=7 [oo] a crc=b text crc=80422537\n\n");
    Bench bench = bench_new();
    Str content;
    open_log(&bench);
    CHECK(record_log_append(&bench.log, 7, STR("[oo] a crc=b text"), &bench.error));
    CHECK(memory_volume_get(disk(&bench), PATHS[0], &content));
    CHECK_STR(str_take(content, LINE.len), LINE);
    bench_free(&bench);
}

static bool parses(const char *line) {
    u64 number;
    Str text;
    return record_parse(str_from_c(line), &number, &text);
}

static bool parses_when_sealed(const char *sealed) {
    char line[128];
    snprintf(line, sizeof(line), "%s crc=%08x", sealed, crc32c(0, sealed, strlen(sealed)));
    return parses(line);
}

static void lines_that_are_not_whole_are_refused(void) {
    static const char *const SEALED[] = {"",           "event=",     "event= x",   "event=0 x",
                                         "event=07 x", "event=+7 x", "event=-7 x", "event=7",
                                         "Event=7 x",  " event=7 x", "event=7x y", "event=18446744073709551616 x"};
    static const char *const LINES[] = {"",
                                        "event=7 x",
                                        "event=7 x crc=",
                                        "event=7 x crc=ce72427",
                                        "event=7 x crc=ce724272 ",
                                        "event=7 x crc=ce724272\r",
                                        "event=7 x crc=0ce724272",
                                        "event=7 x  crc=ce724272",
                                        "event=7 xcrc=ce724272",
                                        "event=7 x CRC=ce724272",
                                        "event=7 x crc=CE724272"};
    CHECK(parses("event=7 x crc=ce724272") && parses_when_sealed("event=7 x"));
    CHECK(parses_when_sealed("event=7 ") && parses_when_sealed("event=18446744073709551615 x"));
    for (usize i = 0; i < COUNT_OF(SEALED); i++) CHECK_MSG(!parses_when_sealed(SEALED[i]), "%s", SEALED[i]);
    for (usize i = 0; i < COUNT_OF(LINES); i++) CHECK_MSG(!parses(LINES[i]), "%s", LINES[i]);
}

static const TestCase CASES[] = {
    TEST(records_come_back_in_order_over_many_rotations),
    TEST(appending_is_one_write_of_the_line),
    TEST(files_are_made_once_and_then_overwritten_in_place),
    TEST(power_may_fail_at_every_sector_of_every_append),
    TEST(an_append_that_failed_can_be_tried_again),
    TEST(a_torn_line_is_counted_and_passed_over),
    TEST(a_spoilt_byte_loses_at_most_two_records_and_forges_none),
    TEST(spoilt_bytes_everywhere_forge_nothing),
    TEST(the_newest_file_cut_anywhere_keeps_its_lines),
    TEST(files_of_another_size_are_made_again_in_their_turn),
    TEST(a_lost_file_is_made_again),
    TEST(a_volume_that_cannot_be_written_loses_nothing),
    TEST(a_volume_that_is_full_from_the_start_says_so),
    TEST(memory_that_lacks_is_an_error_and_loses_nothing),
    TEST(a_volume_that_cannot_be_read_is_an_error),
    TEST(a_text_that_is_no_line_is_refused),
    TEST(the_format_is_the_one_that_hosts_read),
    TEST(lines_that_are_not_whole_are_refused),
};
TEST_MAIN(CASES)
