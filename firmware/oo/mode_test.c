#include "firmware/oo/mode.h"

#include "firmware/oo/rig.h"

typedef struct Expected {
    OoMode mode;
    u32 healthy_boots;
    OoHealth previous;
    OoMode next;
    u32 next_healthy_boots;
    const char *reason;
} Expected;

static const Expected TABLE[] = {
    {OO_MODE_SAFE, 0, OO_HEALTH_NONE, OO_MODE_SAFE, 0, "OO_MODE_INIT"},
    {OO_MODE_SAFE, 0, OO_HEALTH_HEALTHY, OO_MODE_SAFE, 1, "OO_MODE_HEALTHY_ONCE"},
    {OO_MODE_SAFE, 1, OO_HEALTH_HEALTHY, OO_MODE_DEGRADED, 0, "OO_MODE_LIFTED"},
    {OO_MODE_SAFE, 0, OO_HEALTH_IDLE, OO_MODE_SAFE, 0, "OO_MODE_HELD_IDLE"},
    {OO_MODE_SAFE, 1, OO_HEALTH_IDLE, OO_MODE_SAFE, 1, "OO_MODE_HELD_IDLE"},
    {OO_MODE_SAFE, 0, OO_HEALTH_UNHEALTHY, OO_MODE_SAFE, 0, "OO_MODE_AT_BOTTOM"},
    {OO_MODE_SAFE, 1, OO_HEALTH_UNHEALTHY, OO_MODE_SAFE, 0, "OO_MODE_AT_BOTTOM"},
    {OO_MODE_DEGRADED, 0, OO_HEALTH_HEALTHY, OO_MODE_DEGRADED, 1, "OO_MODE_HEALTHY_ONCE"},
    {OO_MODE_DEGRADED, 1, OO_HEALTH_HEALTHY, OO_MODE_NORMAL, 0, "OO_MODE_LIFTED"},
    {OO_MODE_DEGRADED, 1, OO_HEALTH_IDLE, OO_MODE_DEGRADED, 1, "OO_MODE_HELD_IDLE"},
    {OO_MODE_DEGRADED, 0, OO_HEALTH_UNHEALTHY, OO_MODE_SAFE, 0, "OO_MODE_LOWERED"},
    {OO_MODE_DEGRADED, 1, OO_HEALTH_UNHEALTHY, OO_MODE_SAFE, 0, "OO_MODE_LOWERED"},
    {OO_MODE_NORMAL, 0, OO_HEALTH_HEALTHY, OO_MODE_NORMAL, 1, "OO_MODE_AT_TOP"},
    {OO_MODE_NORMAL, 9, OO_HEALTH_HEALTHY, OO_MODE_NORMAL, 10, "OO_MODE_AT_TOP"},
    {OO_MODE_NORMAL, UINT32_MAX, OO_HEALTH_HEALTHY, OO_MODE_NORMAL, UINT32_MAX, "OO_MODE_AT_TOP"},
    {OO_MODE_NORMAL, 9, OO_HEALTH_IDLE, OO_MODE_NORMAL, 9, "OO_MODE_HELD_IDLE"},
    {OO_MODE_NORMAL, 9, OO_HEALTH_UNHEALTHY, OO_MODE_DEGRADED, 0, "OO_MODE_LOWERED"},
    /* what no program writes, and a damaged file may hold */
    {OO_MODE_SAFE, UINT32_MAX, OO_HEALTH_HEALTHY, OO_MODE_DEGRADED, 0, "OO_MODE_LIFTED"},
    {OO_MODE_NORMAL, 5, OO_HEALTH_NONE, OO_MODE_SAFE, 0, "OO_MODE_INIT"},
};

static void every_step_is_that_of_the_table(void) {
    for (usize i = 0; i < COUNT_OF(TABLE); i++) {
        const Expected *row = &TABLE[i];
        ModeStep step = mode_next(row->mode, row->healthy_boots, row->previous);
        CHECK_MSG(step.mode == row->next && step.healthy_boots == row->next_healthy_boots, "row %zu", i);
        CHECK_STR(reason_id_word(step.reason), str_from_c(row->reason));
    }
}

/** However boots went before, two healthy ones in a row lift a mode and one unhealthy one lowers it. */
static void two_healthy_boots_lift_and_one_unhealthy_lowers(void) {
    u64 seed = 1;
    OoMode mode = OO_MODE_SAFE;
    u32 healthy_boots = 0, in_a_row = 0;
    for (u32 boot = 0; boot < 100000; boot++) {
        OoHealth health = OO_HEALTH_HEALTHY + rig_below(&seed, 3);
        ModeStep step = mode_next(mode, healthy_boots, health);
        in_a_row = health == OO_HEALTH_HEALTHY ? in_a_row + 1 : health == OO_HEALTH_UNHEALTHY ? 0 : in_a_row;
        bool is_lifted = step.mode<mode, is_lowered = step.mode> mode;
        CHECK_U64(is_lifted, in_a_row == MODE_HEALTHY_BOOTS && mode != OO_MODE_NORMAL);
        CHECK_U64(is_lowered, health == OO_HEALTH_UNHEALTHY && mode != OO_MODE_SAFE);
        CHECK((is_lifted ? mode - step.mode : step.mode - mode) <= 1);
        if (is_lifted) in_a_row = 0;
        mode = step.mode;
        healthy_boots = step.healthy_boots;
    }
}

static void health_follows_from_how_far_a_boot_came(void) {
    CHECK_U64(boot_health(BOOT_NONE), OO_HEALTH_NONE);
    CHECK_U64(boot_health(BOOT_STARTED), OO_HEALTH_UNHEALTHY);
    CHECK_U64(boot_health(BOOT_READY), OO_HEALTH_IDLE);
    CHECK_U64(boot_health(BOOT_ASKED), OO_HEALTH_UNHEALTHY);
    CHECK_U64(boot_health(BOOT_HEALTHY), OO_HEALTH_HEALTHY);
    CHECK_U64(boot_health(BOOT_LOST), OO_HEALTH_UNHEALTHY);
}

static void careful_modes_bound_the_context(void) {
    CHECK_U64(mode_context_cap(OO_MODE_SAFE), 256);
    CHECK_U64(mode_context_cap(OO_MODE_DEGRADED), 512);
    CHECK_U64(mode_context_cap(OO_MODE_NORMAL), 0);
}

static const TestCase CASES[] = {TEST(every_step_is_that_of_the_table),
                                 TEST(two_healthy_boots_lift_and_one_unhealthy_lowers),
                                 TEST(health_follows_from_how_far_a_boot_came), TEST(careful_modes_bound_the_context)};
TEST_MAIN(CASES)
