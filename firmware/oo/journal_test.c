#include "firmware/oo/journal.h"

#include "firmware/oo/rig.h"

/** A session that only keeps a journal: no organism. */
typedef struct Keeper {
    FakePlatform *fake;
    EventSink sink;
    Arena scratch;
    Journal journal;
} Keeper;

static void open_journal(Keeper *keeper) {
    keeper->fake->output_len = 0;
    sink_init(&keeper->sink, &keeper->fake->platform);
    journal_open(&keeper->journal, &keeper->fake->platform, &keeper->sink, &keeper->scratch);
}

static Keeper *keeper_new(void) {
    Keeper *keeper = calloc(1, sizeof(Keeper));
    keeper->fake = fake_platform_new();
    keeper->scratch = arena_new(keeper->fake->platform.pages, 0);
    open_journal(keeper);
    return keeper;
}

static void keeper_free(Keeper *keeper) {
    CHECK_U64(keeper->scratch.allocated, 0);
    CHECK_U64(fake_pages_in_use(keeper->fake), 0);
    fake_platform_free(keeper->fake);
    free(keeper);
}

/** An event of the journal alone, and one that the consult log keeps too. */
static void journal_event(Keeper *keeper) { event_sentinel_reset(&keeper->sink, REASON_ID_SENTINEL_RESET); }
static void consult_event(Keeper *keeper) { event_oo_consult_refused(&keeper->sink, REASON_ID_OO_CONSULT_NO_MODEL); }

/** Numbers and texts of a log, a line each. */
typedef struct Listing {
    char text[4096];
    usize len;
} Listing;

static void list(void *argument, u64 number, Str text) {
    Listing *listing = argument;
    listing->len += fmt(listing->text + listing->len, sizeof(listing->text) - listing->len, "%llu %.*s\n",
                        (unsigned long long)number, STR_ARG(text));
}

static void check_recent(Keeper *keeper, EventLog log, usize count, const char *expected) {
    Listing listing = {.len = 0};
    Error error;
    CHECK_MSG(journal_recent(&keeper->journal, log, count, &keeper->scratch, list, &listing, &error), "%s",
              error.message);
    CHECK_STR(((Str){listing.text, listing.len}), str_from_c(expected));
}

#define RESET "[sentinel] reset reason_id=SENTINEL_RESET"
#define REFUSED "OK: OO consult refused reason_id=OO_CONSULT_NO_MODEL"

static void event_has_one_number_in_every_log_and_on_the_console(void) {
    Keeper *keeper = keeper_new();
    keeper->journal.boot = 4;
    journal_event(keeper);
    consult_event(keeper);
    journal_event(keeper);
    check_recent(keeper, EVENT_LOG_JOURNAL, 9, "1 boot=4 " RESET "\n2 boot=4 " REFUSED "\n3 boot=4 " RESET "\n");
    check_recent(keeper, EVENT_LOG_CONSULT, 9, "2 boot=4 " REFUSED "\n");
    check_recent(keeper, EVENT_LOG_OUTCOME, 9, "");
    CHECK(fake_output_has(keeper->fake, "\n" REFUSED " event=2 level=warn seq=2 "));
    keeper_free(keeper);
}

static void numbers_go_on_from_boot_to_boot(void) {
    Keeper *keeper = keeper_new();
    journal_event(keeper);
    consult_event(keeper);
    open_journal(keeper);
    CHECK_U64(keeper->journal.event, 2);
    consult_event(keeper);
    check_recent(keeper, EVENT_LOG_CONSULT, 9, "2 boot=0 " REFUSED "\n3 boot=0 " REFUSED "\n");
    keeper_free(keeper);
}

static void last_ones_are_shown_oldest_first(void) {
    Keeper *keeper = keeper_new();
    for (u32 i = 0; i < 5; i++) journal_event(keeper);
    check_recent(keeper, EVENT_LOG_JOURNAL, 2, "4 boot=0 " RESET "\n5 boot=0 " RESET "\n");
    check_recent(keeper, EVENT_LOG_JOURNAL, 0, "");
    keeper_free(keeper);
}

static void log_that_is_not_kept_is_not_written(void) {
    Keeper *keeper = keeper_new();
    keeper->journal.kept &= ~(1u << EVENT_LOG_CONSULT);
    consult_event(keeper);
    check_recent(keeper, EVENT_LOG_JOURNAL, 9, "1 boot=0 " REFUSED "\n");
    check_recent(keeper, EVENT_LOG_CONSULT, 9, "");
    keeper_free(keeper);
}

static void without_a_volume_events_are_shown_and_that_is_said_once(void) {
    Keeper *keeper = keeper_new();
    keeper->fake->volume.is_read_only = true;
    journal_event(keeper);
    consult_event(keeper);
    CHECK(fake_output_has(keeper->fake, "\n" RESET " level=info seq=2 "));
    CHECK(fake_output_has(keeper->fake, "\n" REFUSED " level=warn seq=3 "));
    CHECK_U64(rig_count_in(fake_output(keeper->fake), "[oo] WARN: log write failed: "), 1);
    CHECK_U64(keeper->journal.event, 0);
    keeper->fake->volume.is_read_only = false;
    journal_event(keeper);
    check_recent(keeper, EVENT_LOG_JOURNAL, 9, "1 boot=0 " RESET "\n");
    keeper_free(keeper);
}

/** The journal has the event; the other log lacks it, which is said. */
static void event_has_its_number_when_another_log_fails(void) {
    Keeper *keeper = keeper_new();
    journal_event(keeper);
    memory_volume_add(&keeper->fake->volume, STR("OOCONSULT.LOG"), STR("x"));
    memory_volume_add(&keeper->fake->volume, STR("OOCONSULT2.LOG"), STR("y"));
    open_journal(keeper);
    keeper->fake->volume.is_full = true; /* files of another size cannot be replaced */
    consult_event(keeper);
    CHECK(fake_output_has(keeper->fake, "[oo] WARN: log write failed: "));
    CHECK(fake_output_has(keeper->fake, "\n" REFUSED " event=2 "));
    check_recent(keeper, EVENT_LOG_JOURNAL, 1, "2 boot=0 " REFUSED "\n");
    check_recent(keeper, EVENT_LOG_CONSULT, 9, "");
    keeper_free(keeper);
}

/** A record that was cut short is said and passed over; its number is used for the next. */
static void torn_record_is_said_and_passed_over(void) {
    Keeper *keeper = keeper_new();
    char long_text[300];
    Str name = {long_text, sizeof(long_text)};
    memset(long_text, 'a', sizeof(long_text));
    journal_event(keeper);
    while (keeper->journal.logs[0].files[0].used % MEMORY_SECTOR_BYTES < 400) journal_event(keeper);
    u64 last = keeper->journal.event;
    keeper->fake->volume.sectors_left = 1;
    event_policy(&keeper->sink, name, 1, STR("canary"), REASON_ID_POLICY_APPLIED);
    CHECK_U64(keeper->journal.event, last);
    memory_volume_power(&keeper->fake->volume);
    open_journal(keeper);
    CHECK(fake_output_has(keeper->fake, "[oo] log torn file=OOJOUR.LOG lines=1 bytes="));
    CHECK_U64(keeper->journal.event, last);
    journal_event(keeper);
    CHECK_U64(keeper->journal.event, last + 1);
    keeper_free(keeper);
}

/** The journal is read for the last boot when the state is lost. */
static void highest_boot_of_the_journal_is_found(void) {
    Keeper *keeper = keeper_new();
    CHECK_U64(journal_last_boot(&keeper->journal, &keeper->scratch), 0);
    journal_event(keeper);
    CHECK_U64(journal_last_boot(&keeper->journal, &keeper->scratch), 0);
    keeper->journal.boot = 41;
    journal_event(keeper);
    keeper->journal.boot = 0; /* a session without the organism */
    journal_event(keeper);
    CHECK_U64(journal_last_boot(&keeper->journal, &keeper->scratch), 41);
    keeper_free(keeper);
}

static void volume_that_cannot_be_read_is_no_error(void) {
    Keeper *keeper = keeper_new();
    Error error;
    Listing listing = {.len = 0};
    keeper->fake->volume.has_no_power = true;
    open_journal(keeper);
    CHECK(!keeper->journal.is_open);
    journal_event(keeper);
    CHECK(fake_output_has(keeper->fake, "\n" RESET " level=info seq=2 "));
    CHECK(!journal_recent(&keeper->journal, EVENT_LOG_JOURNAL, 9, &keeper->scratch, list, &listing, &error));
    CHECK_ERROR(error, ERROR_IO);
    CHECK_U64(journal_last_boot(&keeper->journal, &keeper->scratch), 0);
    keeper_free(keeper);
}

/** Rows of the longest fields there are, and all logs turned over many times: the last ones are always there. */
static void newest_records_outlive_every_rotation(void) {
    Keeper *keeper = keeper_new();
    char text[EVENT_TEXT_BYTES];
    memset(text, 'a', sizeof(text));
    Str suggestion = {text, sizeof(text)};
    keeper->journal.boot = UINT64_MAX;
    for (u32 i = 0; i < 400; i++) {
        event_oo_consulted(&keeper->sink, OO_MODE_DEGRADED, UINT64_MAX, UINT64_MAX, UINT64_MAX, OO_SOURCE_MODEL,
                           suggestion, UINT64_MAX, UINT64_MAX, UINT64_MAX, 100, 100, OO_GATE_LOG_ONLY,
                           REASON_ID_OO_CONSULT_DONE);
        CHECK_U64(keeper->journal.event, i + 1);
        for (EventLog log = EVENT_LOG_JOURNAL; log <= EVENT_LOG_CONSULT; log++) {
            CHECK_U64(record_log_newest(&keeper->journal.logs[log]), i + 1);
        }
    }
    CHECK(!fake_output_has(keeper->fake, "WARN"));
    keeper_free(keeper);
}

static const TestCase CASES[] = {TEST(event_has_one_number_in_every_log_and_on_the_console),
                                 TEST(numbers_go_on_from_boot_to_boot),
                                 TEST(last_ones_are_shown_oldest_first),
                                 TEST(log_that_is_not_kept_is_not_written),
                                 TEST(without_a_volume_events_are_shown_and_that_is_said_once),
                                 TEST(event_has_its_number_when_another_log_fails),
                                 TEST(torn_record_is_said_and_passed_over),
                                 TEST(highest_boot_of_the_journal_is_found),
                                 TEST(volume_that_cannot_be_read_is_no_error),
                                 TEST(newest_records_outlive_every_rotation)};
TEST_MAIN(CASES)
