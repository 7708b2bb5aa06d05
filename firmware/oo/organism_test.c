/* Boots one after the other on one volume: modes, health, and what the volume keeps. */
#include "firmware/oo/organism.h"

#include "firmware/oo/rig.h"

static const Str STATE = STR("OOSTATE.BIN"), RECOVERY = STR("OORECOV.BIN");

static void ask_without_an_answer(Rig *rig) {
    rig_boot(rig);
    organism_asked(&rig->organism);
}

static void damage(Rig *rig, Str path) { memory_volume_add(&rig->fake->volume, path, STR("not a state")); }

static void check_state(const Rig *rig, u64 boot, OoMode mode) {
    CHECK_U64(rig->organism.state.boot_count, boot);
    CHECK_STR(oo_mode_word(rig->organism.state.mode), oo_mode_word(mode));
}

/* ---- counting and modes ---- */

static void first_boot_of_a_volume_is_safe(void) {
    Rig *rig = rig_new();
    rig_start(rig);
    CHECK_SHOWS(rig, "\nOK: OO boot_count=1 mode=SAFE previous=none healthy_boots=0 reason_id=OO_MODE_INIT event=1 ");
    CHECK_SHOWS_NOT(rig, "RECOVERY");
    rig_free(rig);
}

static void healthy_boots_lift_the_mode(void) {
    static const OoMode MODES[] = {OO_MODE_SAFE,     OO_MODE_SAFE,   OO_MODE_DEGRADED,
                                   OO_MODE_DEGRADED, OO_MODE_NORMAL, OO_MODE_NORMAL};
    Rig *rig = rig_new();
    for (u32 i = 0; i < COUNT_OF(MODES); i++) {
        rig_whole_boot(rig, 1, NULL);
        check_state(rig, i + 1, MODES[i]);
        CHECK_U64(rig_check_journal(rig), MODES[i] == OO_MODE_NORMAL ? 2 : 3);
    }
    rig_free(rig);
}

static void idle_boot_changes_nothing(void) {
    Rig *rig = rig_new();
    rig_reach(rig, OO_MODE_DEGRADED);
    for (u32 i = 0; i < 3; i++) {
        rig_whole_boot(rig, 0, NULL);
        rig_start(rig);
        CHECK_SHOWS(rig, " mode=DEGRADED previous=idle ");
        CHECK_SHOWS(rig, "reason_id=OO_MODE_HELD_IDLE");
        organism_ready(&rig->organism, &(OrganismReady){.model = MODEL_LOADED});
    }
    rig_free(rig);
}

/** In the reference a mode, once lifted, was never lowered. */
static void unhealthy_boot_lowers_the_mode(void) {
    Rig *rig = rig_new();
    rig_reach(rig, OO_MODE_NORMAL);
    ask_without_an_answer(rig);
    rig_start(rig);
    CHECK_SHOWS(rig, " mode=DEGRADED previous=unhealthy healthy_boots=0 reason_id=OO_MODE_LOWERED");
    rig_start(rig); /* the boot before ended before the prompt */
    CHECK_SHOWS(rig, " mode=SAFE previous=unhealthy healthy_boots=0 reason_id=OO_MODE_LOWERED");
    rig_start(rig);
    CHECK_SHOWS(rig, "reason_id=OO_MODE_AT_BOTTOM");
    rig_free(rig);
}

static void organism_that_is_off_does_nothing(void) {
    Rig *rig = rig_new();
    Str data;
    rig->settings.enabled = false;
    rig_whole_boot(rig, 3, "reduce ctx");
    CHECK_U64(rig->ctx, 1024);
    CHECK_SHOWS(rig, "\nOK: OO consult refused reason_id=OO_CONSULT_DISABLED ");
    CHECK_U64(rig->sink.sequence, 1);
    CHECK(!memory_volume_get(&rig->fake->volume, STATE, &data));
    rig_free(rig);
}

static void careful_modes_bound_the_context_and_say_so(void) {
    Rig *rig = rig_new();
    rig_start(rig);
    CHECK_U64(rig->ctx, 256);
    CHECK_SHOWS(rig, "\nOK: OO ctx_len clamp: 1024 -> 256 (mode=SAFE) reason_id=OO_CLAMP_MODE event=2 ");
    CHECK_U64(organism_clamp(&rig->organism, 0), 256);
    CHECK_SHOWS(rig, "clamp: 0 -> 256");
    CHECK_U64(organism_clamp(&rig->organism, 256), 256);
    CHECK_U64(organism_clamp(&rig->organism, 100), 100);
    CHECK_SHOWS_TIMES(rig, "clamp:", 2);
    rig_reach(rig, OO_MODE_NORMAL);
    CHECK_U64(rig->ctx, 1024);
    CHECK_U64(organism_clamp(&rig->organism, 0), 0);
    CHECK_SHOWS_NOT(rig, "clamp:");
    rig_free(rig);
}

/* ---- health ---- */

static void next_start_finds(Rig *rig, const char *health) {
    char text[64];
    rig_start(rig);
    fmt(text, sizeof(text), " previous=%s ", health);
    CHECK_SHOWS(rig, text);
}

static void first_answer_is_the_health_mark(void) {
    Rig *rig = rig_new();
    rig_boot(rig);
    CHECK_SHOWS_NOT(rig, "OO health=");
    rig_talk(rig, 3);
    CHECK_SHOWS_TIMES(rig, "\nOK: OO health=healthy reason_id=OO_HEALTH_ANSWERED event=", 1);
    next_start_finds(rig, "healthy");
    rig_free(rig);
}

static void boot_without_a_model_on_purpose_is_healthy_at_the_prompt(void) {
    Rig *rig = rig_new();
    rig->model = MODEL_NONE_ON_PURPOSE;
    rig_boot(rig);
    CHECK_SHOWS(rig, "\nOK: OO health=healthy reason_id=OO_HEALTH_NO_MODEL ");
    next_start_finds(rig, "healthy");
    rig_free(rig);
}

static void missing_model_loses_the_health(void) {
    Rig *rig = rig_new();
    rig->model = MODEL_MISSED;
    rig_boot(rig);
    CHECK_SHOWS(rig, "\nOK: OO health=unhealthy reason_id=OO_HEALTH_LOST_MODEL ");
    next_start_finds(rig, "unhealthy");
    rig_free(rig);
}

static void refused_memory_loses_the_health(void) {
    Rig *rig = rig_new();
    rig_start(rig);
    organism_ready(&rig->organism, &(OrganismReady){.model = MODEL_LOADED, .ctx = 256, .allocation_failures = 1});
    CHECK_SHOWS(rig, "\nOK: OO health=unhealthy reason_id=OO_HEALTH_LOST_MEMORY ");
    rig_talk(rig, 5);
    CHECK_SHOWS_NOT(rig, "health=healthy");
    CHECK_U64(rig->organism.state.vitals.allocation_failures, 1);
    next_start_finds(rig, "unhealthy");
    rig_free(rig);
}

static void one_event_says_that_the_health_is_lost(void) {
    Rig *rig = rig_new();
    rig_start(rig);
    organism_ready(&rig->organism, &(OrganismReady){.model = MODEL_MISSED, .allocation_failures = 1});
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
    CHECK_SHOWS_TIMES(rig, "health=unhealthy", 1);
    CHECK_SHOWS(rig, "OO_HEALTH_LOST_MODEL");
    rig_free(rig);
}

static void health_can_be_lost_after_the_mark(void) {
    Rig *rig = rig_new();
    rig_boot(rig);
    rig_talk(rig, 2);
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
    rig_talk(rig, 2);
    CHECK_SHOWS_TIMES(rig, "\nOK: OO health=unhealthy reason_id=OO_HEALTH_LOST_SENTINEL ", 1);
    CHECK_SHOWS_TIMES(rig, "health=healthy", 1);
    CHECK_U64(rig->organism.state.vitals.sentinel_trips, 2);
    next_start_finds(rig, "unhealthy");
    rig_free(rig);
}

static void health_lost_before_the_prompt_stays_lost(void) {
    Rig *rig = rig_new();
    rig_start(rig);
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    organism_ready(&rig->organism, &(OrganismReady){.model = MODEL_LOADED, .ctx = 256});
    rig_talk(rig, 1);
    next_start_finds(rig, "unhealthy");
    rig_free(rig);
}

/* ---- the volume ---- */

static void damaged_state_file_is_said_and_the_other_one_used(void) {
    for (u32 which = 0; which < 2; which++) {
        Rig *rig = rig_new();
        rig_reach(rig, OO_MODE_DEGRADED);
        u64 boots = rig->organism.state.boot_count;
        damage(rig, which ? STATE : RECOVERY);
        rig_start(rig);
        CHECK_SHOWS_TIMES(rig, "\n[oo] RECOVERY: ", 1);
        CHECK_SHOWS(rig, which ? "RECOVERY: OOSTATE.BIN problem=" : "RECOVERY: OORECOV.BIN problem=");
        CHECK_SHOWS_NOT(rig, "OO_MODE_RECOVERED");
        check_state(rig, boots + 1, OO_MODE_DEGRADED);
        CHECK_U64(rig->organism.state.recoveries, 1);
        rig_start(rig);
        CHECK_SHOWS_NOT(rig, "RECOVERY");
        CHECK_U64(rig->organism.state.recoveries, 0);
        rig_free(rig);
    }
}

static void without_a_whole_state_the_journal_knows_the_boot(void) {
    Rig *rig = rig_new();
    rig_reach(rig, OO_MODE_NORMAL);
    u64 boots = rig->organism.state.boot_count;
    damage(rig, STATE);
    damage(rig, RECOVERY);
    rig_start(rig);
    CHECK_SHOWS_TIMES(rig, "\n[oo] RECOVERY: ", 2);
    CHECK_SHOWS(rig, " mode=SAFE previous=none healthy_boots=0 reason_id=OO_MODE_RECOVERED ");
    check_state(rig, boots + 1, OO_MODE_SAFE);
    rig_free(rig);
}

static void without_state_and_journal_boots_are_counted_anew(void) {
    Rig *rig = rig_new();
    damage(rig, STATE);
    rig_start(rig);
    CHECK_SHOWS(rig, "OK: OO boot_count=1 mode=SAFE previous=none healthy_boots=0 reason_id=OO_MODE_RECOVERED ");
    rig_free(rig);
}

static void state_that_is_gone_is_a_first_boot(void) {
    Rig *rig = rig_new();
    rig_reach(rig, OO_MODE_DEGRADED);
    memory_volume_remove(&rig->fake->volume, STATE);
    memory_volume_remove(&rig->fake->volume, RECOVERY);
    rig_start(rig);
    CHECK_SHOWS(rig, "OK: OO boot_count=1 mode=SAFE previous=none healthy_boots=0 reason_id=OO_MODE_INIT ");
    rig_free(rig);
}

/** A whole record with a text that this program cannot read: another program wrote it. */
static void state_text_that_cannot_be_read_is_no_state(void) {
    Rig *rig = rig_new();
    Error error;
    rig_reach(rig, OO_MODE_DEGRADED);
    u64 boots = rig->organism.state.boot_count;
    CHECK(slots_save(&rig->organism.slots, STR("mode=HAPPY\n"), &error));
    rig_start(rig);
    CHECK_SHOWS(rig, "RECOVERY: ");
    CHECK_SHOWS(rig, "problem=\"mode cannot be ");
    check_state(rig, boots + 1, OO_MODE_SAFE);
    rig_free(rig);
}

static void volume_that_cannot_be_written_is_said_once_and_the_session_goes_on(void) {
    Rig *rig = rig_new();
    rig_reach(rig, OO_MODE_DEGRADED);
    u64 boots = rig->organism.state.boot_count;
    rig->fake->volume.is_read_only = true;
    for (u32 i = 0; i < 2; i++) {
        rig_whole_boot(rig, 9, "reduce ctx");
        CHECK_SHOWS_TIMES(rig, "[oo] WARN: state write failed: ", 1);
        CHECK_SHOWS_TIMES(rig, "[oo] WARN: log write failed: ", 1);
        CHECK_SHOWS(rig, "health=healthy");
        CHECK_SHOWS(rig, "policy blocked: reduce_ctx (old=512 new=256 score=");
        CHECK_SHOWS(rig, "reason_id=OO_BLOCK_STATE_LOST)");
        check_state(rig, boots + 1, OO_MODE_DEGRADED);
    }
    rig_free(rig);
}

/** A cut of power loses little of what was measured. */
static void vitals_are_written_now_and_then(void) {
    Rig *rig = rig_new();
    OoState saved;
    rig_boot(rig);
    rig_talk(rig, 7);
    CHECK(rig_saved(rig, &saved));
    CHECK_U64(saved.vitals.turns, 4);
    CHECK_U64(saved.vitals.tokens, 40);
    CHECK_U64(saved.vitals.decode_cpt, 1256000);
    rig_talk(rig, 1);
    organism_overflowed(&rig->organism);
    organism_guard_tripped(&rig->organism);
    CHECK(rig_saved(rig, &saved));
    CHECK(saved.vitals.turns == 8 && saved.vitals.overflows == 1 && saved.vitals.guard_trips == 1);
    rig_free(rig);
}

static void cost_of_a_token_is_the_median_of_the_turns(void) {
    static const u64 COSTS[] = {500, 0, 100, 900, 300};
    static const u64 MEDIANS[] = {500, 500, 300, 500, 400};
    Rig *rig = rig_new();
    rig_boot(rig);
    for (usize i = 0; i < COUNT_OF(COSTS); i++) {
        organism_answered(&rig->organism, 10, COSTS[i]);
        CHECK_U64(rig->organism.state.vitals.decode_cpt, MEDIANS[i]);
    }
    for (u32 i = 0; i < 2 * ORGANISM_TURNS; i++) organism_answered(&rig->organism, 10, 7);
    CHECK_U64(rig->organism.state.vitals.decode_cpt, 7);
    rig_free(rig);
}

static const TestCase CASES[] = {TEST(first_boot_of_a_volume_is_safe),
                                 TEST(healthy_boots_lift_the_mode),
                                 TEST(idle_boot_changes_nothing),
                                 TEST(unhealthy_boot_lowers_the_mode),
                                 TEST(organism_that_is_off_does_nothing),
                                 TEST(careful_modes_bound_the_context_and_say_so),
                                 TEST(first_answer_is_the_health_mark),
                                 TEST(boot_without_a_model_on_purpose_is_healthy_at_the_prompt),
                                 TEST(missing_model_loses_the_health),
                                 TEST(refused_memory_loses_the_health),
                                 TEST(one_event_says_that_the_health_is_lost),
                                 TEST(health_can_be_lost_after_the_mark),
                                 TEST(health_lost_before_the_prompt_stays_lost),
                                 TEST(damaged_state_file_is_said_and_the_other_one_used),
                                 TEST(without_a_whole_state_the_journal_knows_the_boot),
                                 TEST(without_state_and_journal_boots_are_counted_anew),
                                 TEST(state_that_is_gone_is_a_first_boot),
                                 TEST(state_text_that_cannot_be_read_is_no_state),
                                 TEST(volume_that_cannot_be_written_is_said_once_and_the_session_goes_on),
                                 TEST(vitals_are_written_now_and_then),
                                 TEST(cost_of_a_token_is_the_median_of_the_turns)};
TEST_MAIN(CASES)
