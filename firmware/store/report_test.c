/* Reports on a volume whose power fails at every sector, and whose files somebody has changed. */
#include "firmware/store/report.h"

#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

enum { PAGE_BYTES = 4096 };

static const ReportFiles FILES = {STR("REPORT.LOG"), STR("REPORT2.LOG")};

typedef struct Volume {
    FakePlatform *fake;
    Error error;
    char page[PAGE_BYTES];
} Volume;

static Volume volume_new(void) { return (Volume){.fake = fake_platform_new()}; }

static void volume_free(Volume *volume) { fake_platform_free(volume->fake); }

static MemoryVolume *disk(Volume *volume) { return &volume->fake->volume; }

static void add_blank_files(Volume *volume) {
    static char blank[PAGE_BYTES];
    memset(blank, '\n', sizeof(blank));
    memory_volume_add(disk(volume), FILES.file, (Str){blank, sizeof(blank)});
    memory_volume_add(disk(volume), FILES.copy, (Str){blank, sizeof(blank)});
}

/** Report number `number` (from 1) with what stands behind it: length and bytes follow from the number. */
static Str page_of(Volume *volume, u32 number) {
    static const usize LENGTHS[] = {1, 4095, 511, 512, 513, 2000};
    usize len = LENGTHS[number % COUNT_OF(LENGTHS)];
    memset(volume->page, '\n', sizeof(volume->page));
    for (usize i = 0; i < len; i++) volume->page[i] = (char)('a' + (number + i + i / 512) % 26);
    return (Str){volume->page, sizeof(volume->page)};
}

static bool write(Volume *volume, u32 number) {
    return report_write(&volume->fake->platform, &FILES, page_of(volume, number), &volume->error);
}

/** The content that counts, by the rule of report.h; none when neither file holds a text. */
static Str found(Volume *volume) {
    Str content;
    if (memory_volume_get(disk(volume), FILES.file, &content) && content.len > 0 && content.data[0] != '\n') {
        return content;
    }
    if (memory_volume_get(disk(volume), FILES.copy, &content) && content.len > 0 && content.data[0] != '\n') {
        return content;
    }
    return STR_NONE;
}

/** What counts is report `number`, or `other`; 0 stands for none. Returns which. */
static u32 check_found(Volume *volume, u32 number, u32 other) {
    u32 candidates[2] = {number, other};
    Str content = found(volume);
    for (u32 i = 0; i < 2; i++) {
        if (candidates[i] == 0 ? content.len == 0 : str_eq(content, page_of(volume, candidates[i]))) {
            return candidates[i];
        }
    }
    CHECK_MSG(false, "found %zu bytes, neither report %u nor %u", content.len, number, other);
    return 0;
}

static void check_both(Volume *volume, u32 number) {
    Str file, copy;
    CHECK(memory_volume_get(disk(volume), FILES.file, &file) && memory_volume_get(disk(volume), FILES.copy, &copy));
    CHECK_STR(file, page_of(volume, number));
    CHECK_STR(copy, page_of(volume, number));
}

static void blank_files_of_an_image_are_written_in_place(void) {
    Volume volume = volume_new();
    add_blank_files(&volume);
    disk(&volume)->is_full = true; /* nothing can be created or replaced */
    check_found(&volume, 0, 0);
    for (u32 number = 1; number <= 12; number++) {
        CHECK_MSG(write(&volume, number), "%s", volume.error.message);
        check_both(&volume, number);
    }
    volume_free(&volume);
}

static void missing_files_and_files_of_another_size_are_made_once(void) {
    Volume volume = volume_new();
    memory_volume_add(disk(&volume), FILES.file, STR("{ of an older program }\n"));
    CHECK_MSG(write(&volume, 1), "%s", volume.error.message);
    check_both(&volume, 1);
    disk(&volume)->is_full = true;
    CHECK_MSG(write(&volume, 2), "%s", volume.error.message);
    check_both(&volume, 2);
    volume_free(&volume);
}

/** Writes reports from `first` to `last` until power fails after `sectors`; returns the last that was written. */
static u32 write_until_cut(Volume *volume, u32 first, u32 last, u32 sectors) {
    u32 written = first - 1;
    disk(volume)->sectors_left = sectors;
    while (written < last && write(volume, written + 1)) written++;
    memory_volume_power(disk(volume));
    return written;
}

/** After a cut, a second one: nothing is lost by the one before having left a file torn. */
static void check_second_cuts(u32 sectors, u32 last) {
    u32 written = 0;
    for (u32 more = 0; written < last + 3; more++) {
        Volume volume = volume_new();
        add_blank_files(&volume);
        written = write_until_cut(&volume, 1, last, sectors);
        u32 there = check_found(&volume, written, written + 1);
        written = write_until_cut(&volume, last + 1, last + 3, more);
        check_found(&volume, written > last ? written : there, written + 1);
        CHECK(write(&volume, 20));
        check_both(&volume, 20);
        volume_free(&volume);
    }
}

static void power_may_fail_at_every_sector_of_every_write(void) {
    enum { LAST = 3 };
    u32 written = 0;
    for (u32 sectors = 0; written < LAST; sectors++) {
        Volume volume = volume_new();
        add_blank_files(&volume);
        written = write_until_cut(&volume, 1, LAST, sectors);
        check_found(&volume, written, written + 1);
        check_second_cuts(sectors, LAST);
        volume_free(&volume);
    }
}

static void power_may_fail_while_the_files_are_made(void) {
    enum { LAST = 2 };
    u32 written = 0;
    for (u32 sectors = 0; written < LAST; sectors++) {
        Volume volume = volume_new();
        written = write_until_cut(&volume, 1, LAST, sectors);
        check_found(&volume, written, written + 1);
        CHECK(write(&volume, 9));
        check_both(&volume, 9);
        volume_free(&volume);
    }
}

static void a_volume_that_cannot_be_written_keeps_its_report(void) {
    Volume volume = volume_new();
    add_blank_files(&volume);
    CHECK(write(&volume, 1));
    disk(&volume)->is_read_only = true;
    CHECK(!write(&volume, 2));
    CHECK_ERROR(volume.error, ERROR_READ_ONLY);
    check_both(&volume, 1);
    volume_free(&volume);
}

static const TestCase CASES[] = {
    TEST(blank_files_of_an_image_are_written_in_place),     TEST(missing_files_and_files_of_another_size_are_made_once),
    TEST(power_may_fail_at_every_sector_of_every_write),    TEST(power_may_fail_while_the_files_are_made),
    TEST(a_volume_that_cannot_be_written_keeps_its_report),
};
TEST_MAIN(CASES)
