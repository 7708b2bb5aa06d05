#include "firmware/events/markers.gen.h"
#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

static EventSink *sink_on(FakePlatform *fake) {
    EventSink *sink = malloc(sizeof(EventSink));
    sink_init(sink, &fake->platform);
    return sink;
}

/** What the console shows after `text` at the start of a line. */
static void check_text(Str text, Str expected) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    sink_text(sink, STR("\n"));
    sink_text(sink, text);
    sink_text(sink, STR("\n"));
    Str shown = str_skip(fake_output(fake), 1);
    CHECK_STR(str_take(shown, shown.len - 1), expected);
    free(sink);
    fake_platform_free(fake);
}

static void line_carries_sequence_and_time(void) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    event_repl_ready(sink);
    event_obs_startup(sink, 1234567, 5, FILE_FORMAT_BIN, 2, 3, 4);
    CHECK_STR(fake_output(fake), STR("\nOK: REPL ready (/help) level=info seq=1 t_us=1\n"
                                     "[obs][startup] model_select_ms=1234.567 model_prepare_ms=0.005 format=bin "
                                     "opens=2 reads=3 bytes=4 level=info seq=2 t_us=2\n"));
    free(sink);
    fake_platform_free(fake);
}

static void defect_23_marker_never_shares_a_line(void) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    sink_text(sink, STR("You: "));
    event_autorun_shutdown(sink);
    sink_text(sink, STR("O"));
    event_autorun_shutdown(sink);
    CHECK_STR(fake_output(fake), STR("You: \n[autorun] shutting down level=info seq=1 t_us=1\n"
                                     "O\n[autorun] shutting down level=info seq=2 t_us=2\n"));
    free(sink);
    fake_platform_free(fake);
}

static void text_cannot_pass_for_a_marker(void) {
    check_text(STR("[obs] gen_end"), STR(" [obs] gen_end"));
    check_text(STR("OK: Version: 0"), STR(" OK: Version: 0"));
    check_text(STR("a [b] OK: c"), STR("a [b] OK: c"));
    check_text(STR("One\nOK\nO"), STR("One\nOK\nO"));
    check_text(STR("x\n[y]\nOK: z"), STR("x\n [y]\n OK: z"));
}

static void text_split_anywhere_cannot_either(void) {
    const Str text = STR("OK: Model loaded: x");
    for (usize cut = 0; cut <= text.len; cut++) {
        FakePlatform *fake = fake_platform_new();
        EventSink *sink = sink_on(fake);
        sink_text(sink, STR("\n"));
        sink_text(sink, str_take(text, cut));
        sink_text(sink, str_skip(text, cut));
        CHECK_STR(fake_output(fake), STR("\n OK: Model loaded: x"));
        free(sink);
        fake_platform_free(fake);
    }
}

static void control_characters_are_replaced(void) {
    check_text(STR("a\x1B[2Jb\rc"), STR("a\xEF\xBF\xBD[2Jb\xEF\xBF\xBD"
                                        "c"));
    check_text(STR("\r[obs]"), STR("\xEF\xBF\xBD[obs]"));
    check_text(STR("bad \xFF byte"), STR("bad \xEF\xBF\xBD byte"));
}

static void check_quoted(Str text, Str expected) {
    EventLine line = {.len = 0};
    event_quoted(&line, text);
    CHECK_STR(((Str){line.text, line.len}), expected);
}

static void text_fields_are_quoted_when_they_must(void) {
    check_quoted(STR("models/a.gguf"), STR("models/a.gguf"));
    check_quoted(STR(""), STR("\"\""));
    check_quoted(STR("two words"), STR("\"two words\""));
    check_quoted(STR("a\"b\\c"), STR("\"a\\\"b\\\\c\""));
    check_quoted(STR("x\ny seq=9"), STR("\"x\\u000ay seq=9\""));
    check_quoted(STR("\xC3\xA9"), STR("\xC3\xA9"));
}

static void long_text_is_cut_with_a_mark(void) {
    char text[4000];
    memset(text, 'a', sizeof(text));
    EventLine line = {.len = 0};
    event_quoted(&line, (Str){text, sizeof(text)});
    CHECK(line.len <= EVENT_TEXT_BYTES);
    CHECK(str_ends_with_nocase((Str){line.text, line.len}, STR("\xE2\x80\xA6\"")));
    line.len = 0;
    event_quoted(&line, (Str){text, EVENT_TEXT_BYTES});
    CHECK_U64(line.len, EVENT_TEXT_BYTES);
}

static void longest_line_is_whole(void) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    char text[1000];
    memset(text, '\x01', sizeof(text));
    Str longest = {text, sizeof(text)};
    fake->clock_us = UINT64_MAX - 2;
    event_model_failed(sink, longest, longest, longest);
    Str shown = fake_output(fake);
    CHECK(shown.len < EVENT_LINE_BYTES);
    CHECK(str_ends_with_nocase(shown, STR(" level=error seq=1 t_us=18446744073709551614\n")));
    free(sink);
    fake_platform_free(fake);
}

typedef struct Record {
    u32 logs;
    char text[EVENT_LINE_BYTES];
    usize len;
    usize shown_before; /* what the console had when it was recorded */
    const FakePlatform *fake;
    u64 number;
} Record;

static u64 keep(void *argument, u32 logs, Str text) {
    Record *record = argument;
    record->logs = logs;
    memcpy(record->text, text.data, text.len);
    record->len = text.len;
    record->shown_before = record->fake->output_len;
    return record->number;
}

static void decision_is_recorded_before_it_is_shown(void) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    Record record = {.fake = fake, .number = 17};
    sink->record = keep;
    sink->recorder = &record;
    event_sentinel_tripped(sink, .violations = 3, .reason_id = REASON_ID_SENTINEL_TEST);
    CHECK_U64(record.logs, 1u << EVENT_LOG_JOURNAL);
    CHECK_U64(record.shown_before, 0);
    CHECK_STR(((Str){record.text, record.len}), STR("[sentinel] tripped violations=3 reason_id=SENTINEL_TEST"));
    CHECK_STR(fake_output(fake), STR("\n[sentinel] tripped violations=3 reason_id=SENTINEL_TEST event=17 level=error "
                                     "seq=1 t_us=1\n"));
    free(sink);
    fake_platform_free(fake);
}

static void what_is_not_kept_has_no_number(void) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    Record record = {.fake = fake};
    event_sentinel_reset(sink, REASON_ID_SENTINEL_RESET);
    sink->record = keep;
    sink->recorder = &record;
    event_sentinel_reset(sink, REASON_ID_SENTINEL_RESET); /* the volume cannot be written */
    event_repl_ready(sink);
    CHECK_U64(record.len, sizeof("[sentinel] reset reason_id=SENTINEL_RESET") - 1);
    CHECK(!fake_output_has(fake, "event="));
    free(sink);
    fake_platform_free(fake);
}

static void count_line(void *argument, Str line) {
    CHECK(str_starts_with(line, STR("[autorun] done lines=")));
    (*(usize *)argument)++;
}

static void ring_keeps_the_last_lines(void) {
    FakePlatform *fake = fake_platform_new();
    EventSink *sink = sink_on(fake);
    usize seen = 0;
    sink_recent(sink, 10, count_line, &seen);
    CHECK_U64(seen, 0);
    event_repl_ready(sink);
    for (u64 i = 0; i < EVENT_RING_LINES; i++) event_autorun_done(sink, i);
    sink_recent(sink, 5, count_line, &seen);
    CHECK_U64(seen, 5);
    sink_recent(sink, 100000, count_line, &seen);
    CHECK_U64(seen, 5 + EVENT_RING_LINES);
    free(sink);
    fake_platform_free(fake);
}

static const TestCase CASES[] = {TEST(line_carries_sequence_and_time),  TEST(defect_23_marker_never_shares_a_line),
                                 TEST(text_cannot_pass_for_a_marker),   TEST(text_split_anywhere_cannot_either),
                                 TEST(control_characters_are_replaced), TEST(text_fields_are_quoted_when_they_must),
                                 TEST(long_text_is_cut_with_a_mark),    TEST(longest_line_is_whole),
                                 TEST(ring_keeps_the_last_lines),       TEST(decision_is_recorded_before_it_is_shown),
                                 TEST(what_is_not_kept_has_no_number)};
TEST_MAIN(CASES)
