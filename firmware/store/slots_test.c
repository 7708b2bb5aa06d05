/* Slots on a volume whose power fails at every sector, whose writes go wrong, and whose files somebody has changed. */
#include "firmware/store/slots.h"

#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

static const Str FIRST = STR("OOSTATE.BIN");
static const Str SECOND = STR("OORECOV.BIN");

typedef struct Volume {
    FakePlatform *fake;
    Slots slots;
    Error error;
    char record[SLOT_PAYLOAD_MAX];
} Volume;

static Volume volume_new(void) { return (Volume){.fake = fake_platform_new()}; }

static void volume_free(Volume *volume) { fake_platform_free(volume->fake); }

static MemoryVolume *disk(Volume *volume) { return &volume->fake->volume; }

/** Record number `number` (from 1): its length and every byte follow from the number. */
static Str record(Volume *volume, u32 number) {
    static const usize LENGTHS[] = {1, 4072, 300, 488, 489, 0, 2000};
    usize len = LENGTHS[number % COUNT_OF(LENGTHS)];
    for (usize i = 0; i < len; i++) volume->record[i] = (char)(number * 31 + i * 7 + i / 512);
    return (Str){volume->record, len};
}

static bool save(Volume *volume, u32 number) {
    return slots_save(&volume->slots, record(volume, number), &volume->error);
}

static bool open_slots(Volume *volume, Str *payload) {
    return slots_open(&volume->slots, &volume->fake->platform, FIRST, SECOND, payload);
}

/** What is found is record `number`, or `other`; 0 stands for none. Returns which. */
static u32 check_found(Volume *volume, u32 number, u32 other) {
    Str found = STR_NONE;
    u32 candidates[2] = {number, other};
    bool any = open_slots(volume, &found);
    for (u32 i = 0; i < 2; i++) {
        if (candidates[i] == 0 ? !any : any && str_eq(found, record(volume, candidates[i]))) return candidates[i];
    }
    CHECK_MSG(false, "found %zu bytes, neither record %u nor %u", found.len, number, other);
    return 0;
}

/** Saves `first` and the ones after it up to `last`; returns the last one whose save returned true (or first - 1). */
static u32 save_while_it_goes(Volume *volume, u32 first, u32 last) {
    for (u32 number = first; number <= last; number++) {
        if (!save(volume, number)) return number - 1;
    }
    return last;
}

static void records_come_back_in_turn(void) {
    Volume volume = volume_new();
    Str found;
    CHECK(!open_slots(&volume, &found));
    CHECK(volume.slots.states[0] == SLOT_MISSING && volume.slots.states[1] == SLOT_MISSING);
    for (u32 number = 1; number <= 20; number++) {
        CHECK_MSG(save(&volume, number), "%s", volume.error.message);
        CHECK(slots_reload(&volume.slots, &found, &volume.error));
        CHECK_STR(found, record(&volume, number));
        check_found(&volume, number, number);
        CHECK(volume.slots.states[0] == SLOT_VALID && volume.slots.states[1] == SLOT_VALID);
    }
    volume_free(&volume);
}

static void files_are_made_once_and_then_overwritten_in_place(void) {
    Volume volume = volume_new();
    Str found;
    CHECK(!open_slots(&volume, &found) && save(&volume, 1));
    disk(&volume)->is_full = true; /* nothing can be created or replaced */
    for (u32 number = 2; number <= 5; number++) CHECK_MSG(save(&volume, number), "%s", volume.error.message);
    check_found(&volume, 5, 5);
    volume_free(&volume);
}

static void blank_files_of_an_image_are_saved_to_in_place(void) {
    static char blank[SLOT_BYTES];
    Volume volume = volume_new();
    memset(blank, '\n', sizeof(blank));
    memory_volume_add(disk(&volume), FIRST, (Str){blank, SLOT_BYTES});
    memory_volume_add(disk(&volume), SECOND, (Str){blank, SLOT_BYTES});
    disk(&volume)->is_full = true;
    check_found(&volume, 0, 0);
    CHECK(volume.slots.states[0] == SLOT_MISSING && volume.slots.states[1] == SLOT_MISSING);
    CHECK_MSG(save(&volume, 1), "%s", volume.error.message);
    check_found(&volume, 1, 1);
    volume_free(&volume);
}

/** A run of saves that power ends after `sectors` sectors. */
static bool run_until_cut(Volume *volume, u32 first, u32 last, u32 sectors, u32 *saved) {
    disk(volume)->sectors_left = sectors;
    *saved = save_while_it_goes(volume, first, last);
    bool was_cut = disk(volume)->has_no_power;
    memory_volume_power(disk(volume));
    return was_cut;
}

/** After a cut: the last record saved or the one after it is there, also after a second cut during later saves. */
static void check_second_cuts(u32 sectors, u32 saves) {
    bool was_cut = true;
    for (u32 more = 0; was_cut; more++) {
        Volume volume = volume_new();
        Str found;
        u32 saved;
        CHECK(!open_slots(&volume, &found));
        run_until_cut(&volume, 1, saves, sectors, &saved);
        u32 there = check_found(&volume, saved, saved + 1);
        was_cut = run_until_cut(&volume, there + 1, there + 3, more, &saved);
        there = check_found(&volume, saved, saved + 1);
        CHECK(save(&volume, there + 1));
        check_found(&volume, there + 1, there + 1);
        volume_free(&volume);
    }
}

static void power_may_fail_at_every_sector_of_every_save(void) {
    enum { SAVES = 9 };
    u32 saved = 0;
    for (u32 sectors = 0; saved < SAVES; sectors++) {
        Volume volume = volume_new();
        Str found;
        CHECK(!open_slots(&volume, &found));
        run_until_cut(&volume, 1, SAVES, sectors, &saved);
        if (saved < SAVES) check_second_cuts(sectors, SAVES);
        volume_free(&volume);
    }
}

static void a_write_that_goes_wrong_is_noticed_and_harms_nothing(void) {
    for (u32 wrong = 2; wrong <= 8; wrong++) {
        Volume volume = volume_new();
        Str found;
        CHECK(!open_slots(&volume, &found));
        CHECK_U64(save_while_it_goes(&volume, 1, wrong - 1), wrong - 1);
        disk(&volume)->corrupt_write = disk(&volume)->writes;
        CHECK(!save(&volume, wrong));
        CHECK_ERROR(volume.error, ERROR_CORRUPT);
        CHECK(slots_reload(&volume.slots, &found, &volume.error));
        CHECK_STR(found, record(&volume, wrong - 1));
        if (wrong % 2 == 0) check_found(&volume, wrong - 1, wrong - 1); /* a new boot, or the same one */
        disk(&volume)->is_full = true;                                  /* nothing can be created or replaced */
        CHECK_MSG(save(&volume, wrong), "%s", volume.error.message);
        check_found(&volume, wrong, wrong);
        volume_free(&volume);
    }
}

static void a_first_write_that_goes_wrong_leaves_none_or_the_record(void) {
    for (u32 wrong = 0; wrong < 2; wrong++) {
        Volume volume = volume_new();
        Str found;
        CHECK(!open_slots(&volume, &found));
        disk(&volume)->corrupt_write = wrong;
        CHECK(!save(&volume, 1));
        CHECK_ERROR(volume.error, ERROR_CORRUPT);
        check_found(&volume, wrong, wrong);
        CHECK(save(&volume, 2));
        check_found(&volume, 2, 2);
        volume_free(&volume);
    }
}

enum { OLDER = 2, NEWEST = 3 };

/** Two files with these records, as they are on the volume; the newest is in the second. */
static Volume volume_of_two(char files[2][SLOT_BYTES]) {
    Volume volume = volume_new();
    Str found;
    CHECK(!open_slots(&volume, &found));
    CHECK_U64(save_while_it_goes(&volume, 1, NEWEST), NEWEST);
    for (u32 slot = 0; slot < 2; slot++) {
        CHECK(memory_volume_get(disk(&volume), slot == 0 ? FIRST : SECOND, &found));
        memcpy(files[slot], found.data, SLOT_BYTES);
    }
    CHECK(volume.slots.newest == 1);
    return volume;
}

static void a_spoilt_byte_of_the_newest_gives_the_one_before(void) {
    static char files[2][SLOT_BYTES];
    Volume volume = volume_of_two(files);
    usize used = SLOT_HEADER_BYTES + record(&volume, NEWEST).len;
    memory_volume_add(disk(&volume), SECOND, (Str){files[1], SLOT_BYTES});
    for (usize at = 0; at < SLOT_BYTES; at++) {
        u32 expected = at < used ? OLDER : NEWEST;
        files[1][at] ^= (char)(1 + at % 255);
        check_found(&volume, expected, expected);
        CHECK(volume.slots.states[1] == (at < used ? SLOT_INVALID : SLOT_VALID));
        files[1][at] ^= (char)(1 + at % 255);
    }
    volume_free(&volume);
}

static void a_file_of_another_size_is_made_again(void) {
    static char files[2][SLOT_BYTES];
    static char longer[SLOT_BYTES + 1];
    static const usize SIZES[] = {0, 1, 23, 24, 32, SLOT_BYTES - 1, SLOT_BYTES + 1};
    for (usize i = 0; i < COUNT_OF(SIZES); i++) {
        Volume volume = volume_of_two(files);
        memcpy(longer, files[1], SLOT_BYTES);
        memory_volume_add(disk(&volume), SECOND, (Str){longer, SIZES[i]});
        check_found(&volume, OLDER, OLDER);
        CHECK(volume.slots.states[1] == SLOT_INVALID);
        CHECK(str_find(str_from_c(volume.slots.problems[1].message), STR("OORECOV.BIN: a state file has 4096 bytes")) ==
              0);
        CHECK_MSG(save(&volume, 9), "%s", volume.error.message);
        check_found(&volume, 9, 9);
        CHECK(volume.slots.states[0] == SLOT_VALID && volume.slots.states[1] == SLOT_VALID);
        volume_free(&volume);
    }
}

static void a_lost_file_is_made_again(void) {
    static char files[2][SLOT_BYTES];
    Volume volume = volume_of_two(files);
    memory_volume_remove(disk(&volume), SECOND);
    check_found(&volume, OLDER, OLDER);
    CHECK(volume.slots.states[1] == SLOT_MISSING);
    CHECK(save(&volume, 8) && save(&volume, 9));
    check_found(&volume, 9, 9);
    CHECK(volume.slots.states[0] == SLOT_VALID && volume.slots.states[1] == SLOT_VALID);
    volume_free(&volume);
}

static void two_spoilt_files_are_none_and_a_save_begins_anew(void) {
    static char files[2][SLOT_BYTES];
    Volume volume = volume_of_two(files);
    for (u32 slot = 0; slot < 2; slot++) {
        files[slot][30] ^= 1;
        memory_volume_add(disk(&volume), slot == 0 ? FIRST : SECOND, (Str){files[slot], SLOT_BYTES});
    }
    check_found(&volume, 0, 0);
    for (u32 slot = 0; slot < 2; slot++) {
        CHECK(volume.slots.states[slot] == SLOT_INVALID);
        CHECK_ERROR(volume.slots.problems[slot], ERROR_CORRUPT);
    }
    CHECK(save(&volume, 7));
    check_found(&volume, 7, 7);
    volume_free(&volume);
}

static void a_volume_that_cannot_be_written_keeps_its_record(void) {
    static char files[2][SLOT_BYTES];
    Volume volume = volume_of_two(files);
    disk(&volume)->is_read_only = true;
    CHECK(!save(&volume, 6));
    CHECK_ERROR(volume.error, ERROR_READ_ONLY);
    check_found(&volume, NEWEST, NEWEST);
    disk(&volume)->is_read_only = false;
    CHECK(save(&volume, 6));
    check_found(&volume, 6, 6);
    volume_free(&volume);
}

static void a_volume_that_cannot_be_read_is_told_from_an_empty_one(void) {
    static char files[2][SLOT_BYTES];
    Volume volume = volume_of_two(files);
    disk(&volume)->has_no_power = true;
    check_found(&volume, 0, 0);
    CHECK(volume.slots.states[0] == SLOT_UNREADABLE && volume.slots.states[1] == SLOT_UNREADABLE);
    CHECK_ERROR(volume.slots.problems[0], ERROR_IO);
    memory_volume_power(disk(&volume));
    check_found(&volume, NEWEST, NEWEST);
    volume_free(&volume);
}

static void reloading_notices_what_changed_on_the_volume(void) {
    static char files[2][SLOT_BYTES];
    Volume volume = volume_of_two(files);
    Str found;
    memory_volume_add(disk(&volume), SECOND, (Str){files[0], SLOT_BYTES});
    CHECK(!slots_reload(&volume.slots, &found, &volume.error));
    CHECK_ERROR(volume.error, ERROR_CORRUPT);
    memory_volume_remove(disk(&volume), FIRST);
    memory_volume_remove(disk(&volume), SECOND);
    CHECK(!slots_reload(&volume.slots, &found, &volume.error));
    CHECK_ERROR(volume.error, ERROR_NOT_FOUND);
    CHECK(!open_slots(&volume, &found) && !slots_reload(&volume.slots, &found, &volume.error));
    CHECK_ERROR(volume.error, ERROR_NOT_FOUND);
    volume_free(&volume);
}

static void a_record_that_is_too_long_is_refused(void) {
    static char files[2][SLOT_BYTES];
    static char payload[SLOT_PAYLOAD_MAX + 1];
    Volume volume = volume_of_two(files);
    CHECK(!slots_save(&volume.slots, (Str){payload, sizeof(payload)}, &volume.error));
    CHECK_ERROR(volume.error, ERROR_LIMIT);
    check_found(&volume, NEWEST, NEWEST);
    volume_free(&volume);
}

/** The same bytes are in tools/oo/test_slots.py: both programs read one format. */
static void the_format_is_the_one_that_hosts_read(void) {
    static const char START[] = "OOST\2\0\0\0"
                                "\xB4\x11\x01\xE3"
                                "\6\0\0\0"
                                "\1\0\0\0\0\0\0\0"
                                "mode=0\0";
    Volume volume = volume_new();
    Str found;
    CHECK(!open_slots(&volume, &found));
    CHECK(slots_save(&volume.slots, STR("mode=0"), &volume.error));
    CHECK(memory_volume_get(disk(&volume), FIRST, &found));
    CHECK_U64(found.len, SLOT_BYTES);
    CHECK(memcmp(found.data, START, sizeof(START)) == 0);
    volume_free(&volume);
}

static const TestCase CASES[] = {
    TEST(records_come_back_in_turn),
    TEST(files_are_made_once_and_then_overwritten_in_place),
    TEST(blank_files_of_an_image_are_saved_to_in_place),
    TEST(power_may_fail_at_every_sector_of_every_save),
    TEST(a_write_that_goes_wrong_is_noticed_and_harms_nothing),
    TEST(a_first_write_that_goes_wrong_leaves_none_or_the_record),
    TEST(a_spoilt_byte_of_the_newest_gives_the_one_before),
    TEST(a_file_of_another_size_is_made_again),
    TEST(a_lost_file_is_made_again),
    TEST(two_spoilt_files_are_none_and_a_save_begins_anew),
    TEST(a_volume_that_cannot_be_written_keeps_its_record),
    TEST(a_volume_that_cannot_be_read_is_told_from_an_empty_one),
    TEST(reloading_notices_what_changed_on_the_volume),
    TEST(a_record_that_is_too_long_is_refused),
    TEST(the_format_is_the_one_that_hosts_read),
};
TEST_MAIN(CASES)
