/* Consults: what is said, in which order, and what becomes of each action. */
#include "firmware/oo/organism.h"

#include "firmware/oo/rig.h"

/** The beginnings of the marker lines behind the boot's own, a line each: up to the first '=' or '('. */
static Str decisions(Rig *rig, char *buffer, usize room) {
    Str output = fake_output(rig->fake);
    output = str_skip(output, str_find(output, STR("OK: OO LLM suggested")));
    usize len = 0;
    while (output.len > 0) {
        Str line = str_cut(&output, '\n');
        Str head = str_take(line, min_usize(str_find_byte(line, '='), str_find_byte(line, '(')));
        len += fmt(buffer + len, room - len, "%.*s|", STR_ARG(head));
    }
    return (Str){buffer, len};
}

#define CHECK_DECISIONS(rig, expected)                                                                                 \
    do {                                                                                                               \
        char shown[2048];                                                                                              \
        CHECK_STR(decisions((rig), shown, sizeof(shown)), STR(expected));                                              \
    } while (0)

static Rig *rig_at_the_prompt(void) {
    Rig *rig = rig_new();
    rig_boot(rig);
    rig_talk(rig, 2);
    return rig;
}

static void consult_tells_everything_in_order(void) {
    Rig *rig = rig_at_the_prompt();
    rig_consult(rig, "reduce ctx, then reboot");
    CHECK_DECISIONS(rig, "OK: OO LLM suggested: \"reduce ctx, then reboot\" source|OK: OO confidence: score|"
                         "OK: OO feedback: good|OK: OO plan: enabled|OK: OO plan checkpoint tag|"
                         "OK: OO auto-apply: reduce_ctx |OK: OO policy decided: logged_only reason_id|"
                         "OK: OO consult: mode|");
    CHECK_SHOWS(rig, "\nOK: OO confidence: score=62 base=50 mode=0 ram=2 ctx=5 seq=5 advice=0 strength=0 feedback=0 "
                     "threshold=60 gate=log_only pass=yes reason_id=OO_CONF_LOG_ONLY event=");
    CHECK_SHOWS(rig, "\nOK: OO plan: enabled=yes max=2 used=0 remain=2 hard_stop=no reason_id=OO_PLAN_ACTIVE event=");
    CHECK_SHOWS(rig, "\nOK: OO plan checkpoint tag=pre_auto_apply generation=");
    CHECK_SHOWS(rig, " reason_id=OO_REBOOT_LOG_ONLY event=");
    CHECK_SHOWS(rig, "\nOK: OO consult: mode=SAFE ram=700 ctx=256 seq=256 source=mock "
                     "suggestion=\"reduce ctx, then reboot\" applied=1 simulated=0 blocked=0 score=62 threshold=60 "
                     "gate=log_only reason_id=OO_CONSULT_DONE event=");
    CHECK_U64(rig_check_journal(rig), 9);
    CHECK_U64(record_log_newest(&rig->journal.logs[EVENT_LOG_CONSULT]), rig->journal.event);
    rig_free(rig);
}

static void advice_without_an_action_is_ignored_and_said(void) {
    Rig *rig = rig_at_the_prompt();
    rig_consult(rig, "hello");
    CHECK_DECISIONS(rig, "OK: OO LLM suggested: hello source|OK: OO confidence: score|OK: OO feedback: good|"
                         "OK: OO plan: enabled|OK: OO policy decided: ignored reason_id|OK: OO consult: mode|");
    CHECK_SHOWS(rig, "reason_id=OO_NO_ACTIONABLE_KEYWORD event=");
    rig_consult(rig, "all is ok");
    CHECK_SHOWS(rig, "policy decided: system_stable reason_id=OO_STABLE_OK event=");
    rig_consult(rig, "switch model");
    CHECK_SHOWS(rig, "policy decided: logged_only reason_id=OO_MODEL_LOG_ONLY event=");
    rig_free(rig);
}

static void consult_that_is_switched_off_is_refused_and_nothing_else(void) {
    Rig *rig = rig_new();
    rig->settings.consult = false;
    rig_boot(rig);
    u64 before = rig->sink.sequence;
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "\nOK: OO consult refused reason_id=OO_CONSULT_DISABLED event=");
    CHECK_U64(rig->sink.sequence, before + 1);
    rig_free(rig);
}

/** Both actions of a plan were verified against the values from before the plan, so the second one always failed. */
static void defect_11_two_actions_of_one_plan_verify(void) {
    Rig *rig = rig_at_the_prompt();
    OoState saved;
    rig_consult(rig, "reduce ctx and reduce seq");
    CHECK_SHOWS(rig, "auto-apply: reduce_ctx (old=256 new=128 check=pass reason_id=OO_APPLY_OK)");
    CHECK_SHOWS(rig, "auto-apply: reduce_seq (old=256 new=128 check=pass reason_id=OO_APPLY_OK)");
    CHECK_SHOWS(rig, " applied=2 simulated=0 blocked=0 ");
    CHECK_SHOWS_TIMES(rig, "plan checkpoint", 1);
    CHECK(rig_saved(rig, &saved));
    CHECK(saved.trial.of[OO_KEY_CTX_LEN] == 128 && saved.trial.of[OO_KEY_SEQ_LEN] == 128 && saved.trial_boot == 2);
    CHECK(saved.pending[0].event > 0 && saved.pending[1].event > saved.pending[0].event);
    rig_whole_boot(rig, 2, NULL);
    CHECK_SHOWS(rig, "change ctx_len=128 confirmed");
    CHECK_SHOWS(rig, "change seq_len=128 confirmed");
    rig_free(rig);
}

/** seq_len was written and never read: the next boot has both. */
static void defect_12_next_boot_has_every_key_that_was_changed(void) {
    Rig *rig = rig_at_the_prompt();
    rig_consult(rig, "reduce seq");
    rig_boot(rig);
    CHECK_U64(organism_values(&rig->organism).of[OO_KEY_SEQ_LEN], 128);
    CHECK(rig->seq == 128 && rig->ctx == 256);
    rig_free(rig);
}

static void budget_is_the_boot_s_and_not_the_consult_s(void) {
    Rig *rig = rig_new();
    rig->operator_values.of[OO_KEY_SEQ_LEN] = 8192;
    rig_boot(rig);
    for (u32 i = 0; i < 4; i++) rig_consult(rig, "reduce seq");
    CHECK_SHOWS_TIMES(rig, "auto-apply: reduce_seq", 2);
    CHECK_SHOWS_TIMES(rig, "reason_id=OO_BLOCK_PLAN_BUDGET", 2);
    CHECK_SHOWS_TIMES(rig, "plan checkpoint", 1);
    CHECK_SHOWS_TIMES(rig, "used=2 remain=0 hard_stop=no reason_id=OO_PLAN_EXHAUSTED", 2);
    rig_boot(rig);
    rig_consult(rig, "reduce seq");
    CHECK_SHOWS(rig, "used=0 remain=2 hard_stop=no reason_id=OO_PLAN_ACTIVE");
    CHECK_SHOWS(rig, "auto-apply: reduce_seq (old=2048 new=1024");
    rig_free(rig);
}

static void simulation_estimates_and_changes_nothing(void) {
    Rig *rig = rig_new();
    OoState saved;
    rig->settings.auto_apply = 0;
    rig_boot(rig);
    rig_talk(rig, 2);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "\nOK: OO policy simulation: reduce_ctx (would_apply_if_enabled, old=256 new=128 estimate=helpful "
                     "quantity=free_memory_kib before=589760 after=594880 reason_id=OO_SIMULATED) event=");
    CHECK_SHOWS_NOT(rig, "checkpoint");
    CHECK_U64(record_log_newest(&rig->journal.logs[EVENT_LOG_OUTCOME]), rig->journal.event - 1);
    CHECK(rig_saved(rig, &saved) && saved.trial_boot == 0 && !saved.pending[0].is_used);
    rig_free(rig);
}

static void gate_blocks_what_is_not_trusted(void) {
    Rig *rig = rig_new();
    rig->settings.conf_gate = true;
    rig->settings.conf_threshold = 68;
    rig_boot(rig);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "gate=enforced pass=no reason_id=OO_CONF_GATE_FAIL event=");
    CHECK_SHOWS(rig, "\nOK: OO policy blocked: reduce_ctx (old=256 new=128 score=67 threshold=68 "
                     "reason_id=OO_BLOCK_CONFIDENCE) event=");
    CHECK_SHOWS(rig, " applied=0 simulated=0 blocked=1 ");
    rig_free(rig);
}

/** Without the gate a low score is only logged, and said to be low: the reference called it a pass. */
static void without_the_gate_a_low_score_is_said_and_does_nothing(void) {
    Rig *rig = rig_new();
    rig->settings.conf_threshold = 68;
    rig_boot(rig);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "gate=log_only pass=no reason_id=OO_CONF_LOG_ONLY_LOW event=");
    CHECK_SHOWS(rig, "auto-apply: reduce_ctx");
    rig_free(rig);
}

static void feedback_is_that_of_the_action_with_the_worst_outcomes(void) {
    Rig *rig = rig_at_the_prompt();
    rig->organism.state.tallies[OO_ACTION_REDUCE_CTX] = (Tally){4000, 0};
    rig->organism.state.tallies[OO_ACTION_REDUCE_SEQ] = (Tally){1000, 2000};
    rig_consult(rig, "reduce ctx and seq");
    CHECK_SHOWS(rig, "feedback: good=1.000 bad=2.000 bias=-5 ");
    rig_free(rig);
}

/* ---- what goes wrong ---- */

/** Makes the write go wrong that `others` of this boot precede. */
static void corrupt_write(Rig *rig, u32 others) { rig->fake->volume.corrupt_write = rig->fake->volume.writes + others; }

static void check_reverted(Rig *rig) {
    OoState saved;
    CHECK(rig_saved(rig, &saved));
    CHECK(saved.trial_boot == 0 && saved.trial.of[OO_KEY_CTX_LEN] == 0 && !saved.pending[0].is_used);
    CHECK(rig->organism.is_hard_stopped && rig->organism.applied == 0);
}

/** Writes of a consult: confidence, plan, checkpoint, its event, the change. */
enum { WRITES_BEFORE_CHECKPOINT = 2, WRITES_BEFORE_CHANGE = 4 };

static void change_that_does_not_read_back_is_reverted(void) {
    Rig *rig = rig_at_the_prompt();
    corrupt_write(rig, WRITES_BEFORE_CHANGE);
    rig_consult(rig, "reduce ctx and reduce seq");
    CHECK_SHOWS(rig, "\nERROR: OO auto-apply verification failed: reduce_ctx (old=256 new=128 "
                     "reason_id=OO_APPLY_VERIFY_FAILED, reverting) event=");
    CHECK_SHOWS(rig, "policy blocked: reduce_seq (old=256 new=128 score=67 threshold=60 reason_id=OO_BLOCK_HARD_STOP)");
    CHECK_SHOWS(rig, " applied=0 simulated=0 blocked=2 ");
    check_reverted(rig);
    rig_check_journal(rig);
    rig_boot(rig);
    CHECK_U64(rig->ctx, 256);
    rig_free(rig);
}

static bool (*read_well)(void *context, File *file, u64 offset, void *to, usize bytes, Error *error);

/** A medium that gives other bytes once a write has been checked: whole slots are read by nobody else in a boot. */
static bool read_badly(void *context, File *file, u64 offset, void *to, usize bytes, Error *error) {
    if (!read_well(context, file, offset, to, bytes, error)) return false;
    if (bytes == SLOT_BYTES) ((u8 *)to)[100] ^= 1;
    return true;
}

static void change_that_reads_otherwise_a_moment_later_is_reverted(void) {
    Rig *rig = rig_at_the_prompt();
    read_well = rig->fake->platform.file_read;
    rig->fake->platform.file_read = read_badly;
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "verification failed: reduce_ctx (old=256 new=128 reason_id=OO_APPLY_VERIFY_FAILED, reverting)");
    rig->fake->platform.file_read = read_well;
    check_reverted(rig);
    rig_boot(rig);
    CHECK_U64(rig->ctx, 256);
    rig_free(rig);
}

/** It lasted for one consult. */
static void hard_stop_lasts_for_the_boot(void) {
    Rig *rig = rig_at_the_prompt();
    corrupt_write(rig, WRITES_BEFORE_CHANGE);
    rig_consult(rig, "reduce ctx");
    for (u32 i = 0; i < 3; i++) rig_consult(rig, "reduce seq");
    CHECK_SHOWS_TIMES(rig, "reason_id=OO_BLOCK_HARD_STOP", 3);
    CHECK_SHOWS_TIMES(rig, "hard_stop=yes reason_id=OO_PLAN_HARD_STOP", 3);
    CHECK_SHOWS_NOT(rig, "state write failed");
    organism_end(&rig->organism);
    rig_whole_boot(rig, 2, "reduce ctx");
    CHECK_SHOWS(rig, "previous=healthy");
    CHECK_SHOWS(rig, "auto-apply: reduce_ctx (old=256 new=128");
    rig_free(rig);
}

static void second_action_that_fails_leaves_the_first(void) {
    Rig *rig = rig_at_the_prompt();
    OoState saved;
    rig_consult(rig, "reduce ctx");
    u64 event = rig->organism.state.pending[0].event;
    corrupt_write(rig, 2); /* there is a checkpoint already */
    rig_consult(rig, "reduce seq");
    CHECK_SHOWS(rig, "verification failed: reduce_seq");
    CHECK(rig_saved(rig, &saved));
    CHECK(saved.trial.of[OO_KEY_CTX_LEN] == 128 && saved.trial.of[OO_KEY_SEQ_LEN] == 0);
    CHECK(saved.pending[0].event == event && !saved.pending[1].is_used);
    rig_free(rig);
}

static void checkpoint_that_fails_stops_the_action(void) {
    Rig *rig = rig_at_the_prompt();
    corrupt_write(rig, WRITES_BEFORE_CHECKPOINT);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "reason_id=OO_APPLY_VERIFY_FAILED");
    CHECK_SHOWS_NOT(rig, "checkpoint");
    check_reverted(rig);
    rig_free(rig);
}

/** The medium is refused in the middle of a consult: everything else is as with a failed verification. */
static void change_that_cannot_be_written_is_reverted(void) {
    Rig *rig = rig_at_the_prompt();
    rig->fake->volume.is_read_only = true;
    rig_consult(rig, "reduce ctx and reduce seq");
    CHECK_SHOWS(rig, "verification failed: reduce_ctx (old=256 new=128 reason_id=OO_APPLY_WRITE_FAILED, reverting)");
    CHECK_SHOWS(rig, "reason_id=OO_BLOCK_HARD_STOP)");
    CHECK_SHOWS_TIMES(rig, "[oo] WARN: state write failed: ", 1);
    CHECK(!rig->organism.can_save);
    check_reverted(rig);
    rig_free(rig);
}

static bool (*write_well)(void *context, Str path, u64 offset, Str data, Error *error);
static u32 writes_until_refusal, refusals;

static bool write_refused(void *context, Str path, u64 offset, Str data, Error *error) {
    if (writes_until_refusal > 0) {
        writes_until_refusal--;
    } else if (refusals > 0) {
        refusals--;
        return fail(error, ERROR_IO, "the device is busy");
    }
    return write_well(context, path, offset, data, error);
}

/** Refuses `count` writes behind so many others. */
static void refuse_writes(Rig *rig, u32 others, u32 count) {
    Platform *platform = &rig->fake->platform;
    write_well = platform->file_write_at;
    platform->file_write_at = write_refused;
    writes_until_refusal = others;
    refusals = count;
}

static void one_refused_write_is_restored_and_its_cause_is_said(void) {
    Rig *rig = rig_at_the_prompt();
    refuse_writes(rig, WRITES_BEFORE_CHANGE, 1);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "reason_id=OO_APPLY_WRITE_FAILED, reverting) event=");
    CHECK_SHOWS_TIMES(rig, "[oo] WARN: state write failed: \"the device is busy\"", 1);
    CHECK(rig->organism.can_save);
    check_reverted(rig);
    rig_free(rig);
}

static void state_that_cannot_be_restored_is_said(void) {
    Rig *rig = rig_at_the_prompt();
    corrupt_write(rig, WRITES_BEFORE_CHANGE);
    refuse_writes(rig, WRITES_BEFORE_CHANGE + 1, 1);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "reason_id=OO_APPLY_VERIFY_FAILED, reverting) event=");
    CHECK_SHOWS_TIMES(rig, "[oo] WARN: state write failed: ", 1);
    check_reverted(rig); /* the file that went wrong is not whole: the other one is the state before */
    rig_free(rig);
}

/** A journal that cannot be written: the action is applied, and its outcome will know no event. */
static void without_a_journal_an_applied_action_has_no_event(void) {
    Rig *rig = rig_at_the_prompt();
    OoState saved;
    rig->journal.kept = 0;
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "auto-apply: reduce_ctx (old=256 new=128 check=pass reason_id=OO_APPLY_OK) level=info");
    CHECK(rig_saved(rig, &saved) && saved.pending[0].is_used && saved.pending[0].event == 0);
    rig_free(rig);
}

static void without_a_model_there_is_nothing_to_change(void) {
    Rig *rig = rig_new();
    rig->model = MODEL_NONE_ON_PURPOSE;
    rig_boot(rig);
    rig_consult(rig, "reduce ctx");
    CHECK_SHOWS(rig, "policy blocked: reduce_ctx (old=0 new=0 score=");
    CHECK_SHOWS(rig, "reason_id=OO_BLOCK_AT_MIN");
    rig_free(rig);
}

static void facts_are_those_of_the_boot(void) {
    Rig *rig = rig_at_the_prompt();
    organism_overflowed(&rig->organism);
    AdviceFacts facts = organism_facts(&rig->organism);
    CHECK(facts.mode == OO_MODE_SAFE && facts.ram_mib == 700 && facts.ctx == 256 && facts.seq == 256);
    CHECK(facts.boots == 1 && facts.turns == 2 && facts.overflows == 1 && facts.allocation_failures == 0);
    rig_free(rig);
}

static const TestCase CASES[] = {TEST(consult_tells_everything_in_order),
                                 TEST(advice_without_an_action_is_ignored_and_said),
                                 TEST(consult_that_is_switched_off_is_refused_and_nothing_else),
                                 TEST(defect_11_two_actions_of_one_plan_verify),
                                 TEST(defect_12_next_boot_has_every_key_that_was_changed),
                                 TEST(budget_is_the_boot_s_and_not_the_consult_s),
                                 TEST(simulation_estimates_and_changes_nothing),
                                 TEST(gate_blocks_what_is_not_trusted),
                                 TEST(without_the_gate_a_low_score_is_said_and_does_nothing),
                                 TEST(feedback_is_that_of_the_action_with_the_worst_outcomes),
                                 TEST(change_that_does_not_read_back_is_reverted),
                                 TEST(change_that_reads_otherwise_a_moment_later_is_reverted),
                                 TEST(hard_stop_lasts_for_the_boot),
                                 TEST(second_action_that_fails_leaves_the_first),
                                 TEST(checkpoint_that_fails_stops_the_action),
                                 TEST(change_that_cannot_be_written_is_reverted),
                                 TEST(one_refused_write_is_restored_and_its_cause_is_said),
                                 TEST(state_that_cannot_be_restored_is_said),
                                 TEST(without_a_journal_an_applied_action_has_no_event),
                                 TEST(without_a_model_there_is_nothing_to_change),
                                 TEST(facts_are_those_of_the_boot)};
TEST_MAIN(CASES)
