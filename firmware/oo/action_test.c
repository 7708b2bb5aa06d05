#include "firmware/oo/action.h"

#include "firmware/testing/check.h"

static void values_are_equal_when_every_key_is(void) {
    OoValues a = {{256, 128}}, b = a;
    CHECK(oo_values_equal(&a, &b));
    for (OoKey key = 0; key < OO_KEYS; key++) {
        b = a;
        b.of[key]++;
        CHECK(!oo_values_equal(&a, &b));
    }
}

/** Free memory is better when there is more of it; cycles and overflows are when there are fewer. */
static void every_change_is_judged_the_right_way_round(void) {
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        const ActionInfo *info = &ACTIONS[action];
        CHECK(info->phrase && info->phrase[0]);
        if (!action_changes(action)) continue;
        bool is_memory = info->quantity == OO_QUANTITY_FREE_MEMORY_KIB;
        CHECK_U64(info->direction, is_memory ? OO_DIRECTION_UP : OO_DIRECTION_DOWN);
    }
}

static void only_three_actions_change_anything(void) {
    CHECK(action_changes(OO_ACTION_REDUCE_CTX) && action_changes(OO_ACTION_REDUCE_SEQ));
    CHECK(action_changes(OO_ACTION_INCREASE_CTX));
    CHECK(!action_changes(OO_ACTION_STABLE) && !action_changes(OO_ACTION_REBOOT));
    CHECK(!action_changes(OO_ACTION_CHANGE_MODEL));
}

/** One id a distinct reason: two actions that are only logged do not share one. */
static void every_logged_action_has_a_reason_of_its_own(void) {
    for (OoAction a = 0; a < OO_ACTIONS; a++) {
        for (OoAction b = a + 1; b < OO_ACTIONS; b++) {
            if (!action_changes(a) && !action_changes(b)) CHECK(ACTIONS[a].log_reason != ACTIONS[b].log_reason);
        }
    }
}

static const TestCase CASES[] = {
    TEST(values_are_equal_when_every_key_is), TEST(every_change_is_judged_the_right_way_round),
    TEST(only_three_actions_change_anything), TEST(every_logged_action_has_a_reason_of_its_own)};
TEST_MAIN(CASES)
