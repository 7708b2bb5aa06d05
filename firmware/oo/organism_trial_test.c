/* Changes on trial: confirmed, rolled back, suspended, and given back to the operator. */
#include "firmware/oo/organism.h"

#include "firmware/oo/rig.h"

static void ask_without_an_answer(Rig *rig) {
    rig_boot(rig);
    organism_asked(&rig->organism);
}

static u32 in_force(const Rig *rig, OoKey key) { return organism_values(&rig->organism).of[key]; }

/** Boot 1 applies a context of 128; it is on trial from boot 2 on. */
static Rig *rig_with_a_trial(void) {
    Rig *rig = rig_new();
    rig_whole_boot(rig, 2, "reduce ctx");
    CHECK_SHOWS(rig, "\nOK: OO auto-apply: reduce_ctx (old=256 new=128 check=pass reason_id=OO_APPLY_OK) event=");
    CHECK_U64(in_force(rig, OO_KEY_CTX_LEN), 0);
    return rig;
}

static void change_is_confirmed_by_an_answer(void) {
    Rig *rig = rig_with_a_trial();
    OoState saved;
    rig_boot(rig);
    CHECK_U64(in_force(rig, OO_KEY_CTX_LEN), 128);
    CHECK(rig->organism.is_trial && rig->ctx == 128);
    rig_talk(rig, 1);
    CHECK_SHOWS_TIMES(rig, "\nOK: OO change ctx_len=128 confirmed reason_id=OO_TRIAL_CONFIRMED event=", 1);
    CHECK(!rig->organism.is_trial && rig_saved(rig, &saved));
    CHECK_U64(saved.confirmed.of[OO_KEY_CTX_LEN], 128);
    CHECK_U64(saved.trial_boot, 0);
    ask_without_an_answer(rig); /* what is confirmed stays, whatever becomes of later boots */
    rig_start(rig);
    CHECK_SHOWS(rig, "previous=unhealthy");
    CHECK_SHOWS_NOT(rig, "rollback");
    CHECK_U64(in_force(rig, OO_KEY_CTX_LEN), 128);
    rig_free(rig);
}

static void change_is_rolled_back_after_an_unhealthy_boot(void) {
    Rig *rig = rig_with_a_trial();
    ask_without_an_answer(rig);
    rig_start(rig);
    CHECK_SHOWS(rig, "\nOK: OO rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY event=");
    CHECK_SHOWS(rig, "OO outcome: action=reduce_ctx applied_event=");
    CHECK_SHOWS(rig, " label=harmful improved=-1 reason_id=OO_OUTCOME_UNHEALTHY ");
    CHECK(in_force(rig, OO_KEY_CTX_LEN) == 0 && rig->ctx == 256);
    CHECK(rig->organism.state.tallies[OO_ACTION_REDUCE_CTX].bad_milli > 900);
    CHECK(!rig->organism.state.pending[0].is_used);
    CHECK(rig_check_journal(rig) >= 3);
    rig_free(rig);
}

static void answer_after_a_failure_confirms_nothing(void) {
    Rig *rig = rig_with_a_trial();
    rig_boot(rig);
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    rig_talk(rig, 3);
    CHECK_SHOWS_NOT(rig, "confirmed");
    rig_start(rig);
    CHECK_SHOWS(rig, "rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY");
    rig_free(rig);
}

static void boot_that_never_reached_the_prompt_rolls_back_too(void) {
    Rig *rig = rig_with_a_trial();
    rig_start(rig);
    rig_start(rig);
    CHECK_SHOWS(rig, "rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY");
    CHECK_U64(in_force(rig, OO_KEY_CTX_LEN), 0);
    rig_free(rig);
}

static void trial_goes_on_over_idle_boots(void) {
    Rig *rig = rig_with_a_trial();
    for (u32 i = 0; i < 4; i++) {
        rig_whole_boot(rig, 0, NULL);
        CHECK(rig->organism.is_trial && in_force(rig, OO_KEY_CTX_LEN) == 128);
        CHECK_SHOWS_NOT(rig, "outcome");
    }
    rig_whole_boot(rig, 1, NULL);
    CHECK_SHOWS(rig, "change ctx_len=128 confirmed");
    rig_free(rig);
}

/** A context that no model has run with has proved nothing. */
static void boot_without_a_model_confirms_nothing(void) {
    Rig *rig = rig_with_a_trial();
    rig->model = MODEL_NONE_ON_PURPOSE;
    rig_whole_boot(rig, 0, NULL);
    CHECK_SHOWS(rig, "health=healthy");
    CHECK_SHOWS_NOT(rig, "confirmed");
    rig->model = MODEL_LOADED;
    rig_boot(rig);
    CHECK_SHOWS_NOT(rig, "outcome");
    CHECK(rig->organism.is_trial && in_force(rig, OO_KEY_CTX_LEN) == 128);
    rig_free(rig);
}

static void health_of_the_applying_boot_says_nothing_of_the_change(void) {
    Rig *rig = rig_new();
    rig_boot(rig);
    rig_consult(rig, "reduce ctx");
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    rig_start(rig);
    CHECK_SHOWS(rig, "previous=unhealthy");
    CHECK_SHOWS_NOT(rig, "rollback");
    CHECK_SHOWS_NOT(rig, "outcome");
    CHECK(rig->organism.is_trial && in_force(rig, OO_KEY_CTX_LEN) == 128);
    rig_free(rig);
}

/** Boot 2 runs with a context on trial and shortens the sequence too. */
static Rig *rig_with_two_trials(void) {
    Rig *rig = rig_with_a_trial();
    rig->operator_values.of[OO_KEY_SEQ_LEN] = 512;
    rig_boot(rig);
    rig_consult(rig, "reduce seq");
    CHECK_SHOWS(rig, "auto-apply: reduce_seq (old=512 new=256 ");
    return rig;
}

static void change_on_top_of_a_trial_falls_with_it(void) {
    Rig *rig = rig_with_two_trials();
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    rig_start(rig);
    CHECK_SHOWS(rig, "rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY");
    CHECK_SHOWS(rig, "rollback seq_len: 256 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY");
    CHECK_SHOWS_TIMES(rig, "label=harmful", 1);
    CHECK_SHOWS(rig, "outcome: action=reduce_seq applied_event=");
    CHECK_SHOWS_TIMES(rig, "label=pending improved=0 reason_id=OO_OUTCOME_NO_EVIDENCE", 1);
    CHECK_U64(rig->organism.state.tallies[OO_ACTION_REDUCE_SEQ].bad_milli, 0);
    rig_free(rig);
}

static void change_on_top_of_a_trial_outlives_its_confirmation(void) {
    Rig *rig = rig_with_two_trials();
    rig_talk(rig, 1);
    CHECK_SHOWS(rig, "change ctx_len=128 confirmed");
    CHECK_SHOWS_NOT(rig, "change seq_len");
    organism_failed(&rig->organism,
                    REASON_ID_OO_HEALTH_LOST_SENTINEL); /* not with the sequence: it starts with boot 3 */
    rig_boot(rig);
    CHECK(rig->organism.is_trial && in_force(rig, OO_KEY_SEQ_LEN) == 256 && in_force(rig, OO_KEY_CTX_LEN) == 128);
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
    rig_start(rig);
    CHECK_SHOWS(rig, "rollback seq_len: 256 -> 0");
    CHECK_SHOWS_NOT(rig, "rollback ctx_len");
    CHECK(in_force(rig, OO_KEY_SEQ_LEN) == 0 && in_force(rig, OO_KEY_CTX_LEN) == 128);
    rig_free(rig);
}

/** Undoing a second change of a key gives back the first. */
static void rollback_returns_to_what_was_confirmed(void) {
    Rig *rig = rig_new();
    rig->operator_values.of[OO_KEY_SEQ_LEN] = 1024;
    rig_whole_boot(rig, 2, "reduce seq");
    rig_whole_boot(rig, 2, "reduce seq");
    CHECK_SHOWS(rig, "change seq_len=512 confirmed");
    rig_boot(rig);
    CHECK_U64(in_force(rig, OO_KEY_SEQ_LEN), 256);
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_MEMORY);
    rig_start(rig);
    CHECK_SHOWS(rig, "rollback seq_len: 256 -> 512 reason_id=OO_ROLLBACK_UNHEALTHY");
    CHECK_U64(in_force(rig, OO_KEY_SEQ_LEN), 512);
    rig_free(rig);
}

/* ---- the operator ---- */

static void key_that_the_operator_sets_anew_is_the_operator_s(void) {
    Rig *rig = rig_with_a_trial();
    rig->operator_values.of[OO_KEY_CTX_LEN] = 200;
    rig_start(rig);
    CHECK_SHOWS(rig, "\nOK: OO rollback ctx_len: 128 -> 0 reason_id=OO_OPERATOR_OVERRIDES event=");
    CHECK_SHOWS(rig, "label=pending improved=0 reason_id=OO_OUTCOME_NO_EVIDENCE");
    CHECK(rig->ctx == 200 && !rig->organism.is_trial);
    rig_boot(rig);
    CHECK_SHOWS_NOT(rig, "rollback");
    rig_free(rig);
}

static void change_made_after_the_operator_s_stays(void) {
    Rig *rig = rig_with_a_trial();
    rig->operator_values.of[OO_KEY_CTX_LEN] = 200;
    rig_whole_boot(rig, 2, "reduce ctx");
    CHECK_SHOWS(rig, "auto-apply: reduce_ctx (old=200 new=128");
    rig_boot(rig);
    CHECK_SHOWS_NOT(rig, "rollback");
    CHECK_U64(rig->ctx, 128);
    rig_free(rig);
}

static void confirmed_change_gives_way_to_the_operator_too(void) {
    Rig *rig = rig_with_a_trial();
    rig_whole_boot(rig, 2, NULL);
    rig->operator_values.of[OO_KEY_CTX_LEN] = 0;
    rig_start(rig);
    CHECK_SHOWS(rig, "rollback ctx_len: 128 -> 0 reason_id=OO_OPERATOR_OVERRIDES");
    CHECK_U64(rig->organism.state.confirmed.of[OO_KEY_CTX_LEN], 0);
    rig_free(rig);
}

static void other_key_stays_on_trial(void) {
    Rig *rig = rig_new();
    rig->operator_values.of[OO_KEY_SEQ_LEN] = 512;
    rig_whole_boot(rig, 2, "reduce ctx and seq");
    rig->operator_values.of[OO_KEY_SEQ_LEN] = 300;
    rig_boot(rig);
    CHECK_SHOWS_TIMES(rig, "rollback", 1);
    CHECK(rig->organism.is_trial && rig->ctx == 128 && rig->seq == 300);
    rig_talk(rig, 1);
    CHECK_SHOWS(rig, "change ctx_len=128 confirmed");
    CHECK_SHOWS_NOT(rig, "change seq_len");
    rig_free(rig);
}

/** As long as the organism has not changed a key, the operator may set it as often as wanted. */
static void keys_without_a_change_are_followed(void) {
    Rig *rig = rig_new();
    for (u32 i = 0; i < 4; i++) {
        rig->operator_values.of[OO_KEY_CTX_LEN] = 200 + i;
        rig_whole_boot(rig, 0, NULL);
    }
    rig_whole_boot(rig, 2, "reduce ctx");
    rig_start(rig);
    CHECK_SHOWS_NOT(rig, "rollback");
    CHECK_U64(rig->ctx, 128);
    rig_free(rig);
}

/* ---- the volume ---- */

/** Nothing could be learnt from such a boot, and nothing rolled back after it. */
static void trial_is_not_in_force_while_the_volume_cannot_be_written(void) {
    Rig *rig = rig_with_a_trial();
    rig->fake->volume.is_read_only = true;
    for (u32 i = 0; i < 2; i++) {
        ask_without_an_answer(rig);
        CHECK_SHOWS(rig, "rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_STATE_LOST");
        CHECK(in_force(rig, OO_KEY_CTX_LEN) == 0 && !rig->organism.is_trial);
    }
    rig->fake->volume.is_read_only = false;
    rig_whole_boot(rig, 1, NULL);
    CHECK_SHOWS(rig, "change ctx_len=128 confirmed");
    rig_free(rig);
}

/** The volume comes back in the middle of a boot that ran without its trial: what becomes of that boot is none of it.
 */
static void trial_that_was_not_in_force_is_not_judged(void) {
    Rig *rig = rig_with_a_trial();
    rig->fake->volume.is_read_only = true;
    rig_boot(rig);
    rig->fake->volume.is_read_only = false;
    organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
    rig_boot(rig);
    CHECK_SHOWS(rig, "boot_count=3 ");
    CHECK_SHOWS(rig, "previous=unhealthy");
    CHECK_SHOWS_NOT(rig, "rollback");
    CHECK_SHOWS_NOT(rig, "outcome");
    CHECK(rig->organism.is_trial && in_force(rig, OO_KEY_CTX_LEN) == 128);
    rig_free(rig);
}

static void confirmation_that_is_not_on_the_volume_is_not_said(void) {
    Rig *rig = rig_with_a_trial();
    rig_boot(rig);
    rig->fake->volume.is_read_only = true;
    rig_talk(rig, 1);
    CHECK_SHOWS(rig, "health=healthy");
    CHECK_SHOWS_NOT(rig, "confirmed");
    rig->fake->volume.is_read_only = false;
    rig_talk(rig, 1);
    CHECK_SHOWS_TIMES(rig, "change ctx_len=128 confirmed", 1);
    rig_free(rig);
}

static const TestCase CASES[] = {TEST(change_is_confirmed_by_an_answer),
                                 TEST(change_is_rolled_back_after_an_unhealthy_boot),
                                 TEST(answer_after_a_failure_confirms_nothing),
                                 TEST(boot_that_never_reached_the_prompt_rolls_back_too),
                                 TEST(trial_goes_on_over_idle_boots),
                                 TEST(boot_without_a_model_confirms_nothing),
                                 TEST(health_of_the_applying_boot_says_nothing_of_the_change),
                                 TEST(change_on_top_of_a_trial_falls_with_it),
                                 TEST(change_on_top_of_a_trial_outlives_its_confirmation),
                                 TEST(rollback_returns_to_what_was_confirmed),
                                 TEST(key_that_the_operator_sets_anew_is_the_operator_s),
                                 TEST(change_made_after_the_operator_s_stays),
                                 TEST(confirmed_change_gives_way_to_the_operator_too),
                                 TEST(other_key_stays_on_trial),
                                 TEST(keys_without_a_change_are_followed),
                                 TEST(trial_is_not_in_force_while_the_volume_cannot_be_written),
                                 TEST(trial_that_was_not_in_force_is_not_judged),
                                 TEST(confirmation_that_is_not_on_the_volume_is_not_said)};
TEST_MAIN(CASES)
