#include "firmware/guard/sentinel.h"

#include "firmware/testing/check.h"

static void only_the_first_trip_is_news_until_the_reset(void) {
    Sentinel sentinel = {0};
    CHECK(sentinel_trip(&sentinel, REASON_ID_SENTINEL_LOGITS));
    CHECK(sentinel.is_tripped && sentinel.reason == REASON_ID_SENTINEL_LOGITS);
    CHECK(!sentinel_trip(&sentinel, REASON_ID_SENTINEL_POSITION));
    CHECK(sentinel.is_tripped && sentinel.reason == REASON_ID_SENTINEL_POSITION);
    sentinel_reset(&sentinel);
    CHECK(!sentinel.is_tripped);
    CHECK(sentinel_trip(&sentinel, REASON_ID_SENTINEL_POSITION));
}

static void defect_27_every_violation_is_counted_resets_or_not(void) {
    Sentinel sentinel = {0};
    for (u32 i = 1; i <= 10; i++) {
        sentinel_trip(&sentinel, REASON_ID_SENTINEL_BUDGET);
        CHECK_U64(sentinel.violations, i);
        if (i % 3 == 0) sentinel_reset(&sentinel);
        CHECK_U64(sentinel.violations, i);
    }
}

static void the_drill_is_over_when_it_has_tripped_or_after_a_reset(void) {
    Sentinel sentinel = {.is_armed = true};
    sentinel_trip(&sentinel, REASON_ID_SENTINEL_TEST);
    CHECK(!sentinel.is_armed);
    sentinel.is_armed = true;
    sentinel_reset(&sentinel);
    CHECK(!sentinel.is_armed);
}

static const TestCase CASES[] = {
    TEST(only_the_first_trip_is_news_until_the_reset),
    TEST(defect_27_every_violation_is_counted_resets_or_not),
    TEST(the_drill_is_over_when_it_has_tripped_or_after_a_reset),
};
TEST_MAIN(CASES)
