/* Whole sessions of the organism: boots of one volume, consults, what is kept. */
#include "firmware/testing/machine.h"

static const char ORGANISM[] = "oo_enable=1\noo_auto_apply=1\noo_multi_actions=1\noo_plan_enable=1\n";

static Machine machine_of(const char *more) {
    char config[512];
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    Machine machine = machine_with(&chain, 1024);
    snprintf(config, sizeof(config), "%s%s", ORGANISM, more);
    machine_add_usual(&machine, config);
    machine.fake->memory_free = 800 << 20; /* under 1024 MiB: reduce_seq is allowed */
    return machine;
}

static bool has(Str text, Str part) { return str_find(text, part) < text.len; }

/** The part of a marker line that a log keeps: without event, level, sequence and time. */
static Str body_of(Str line) { return str_take(line, str_find(line, STR(" event="))); }

/** The journal of the volume holds every line of the console that has an event, and its number; returns how many. */
static u32 check_journal(const Machine *machine) {
    Str journal, rest = fake_output(machine->fake);
    u32 events = 0;
    CHECK(memory_volume_get(&machine->fake->volume, STR("OOJOUR.LOG"), &journal));
    while (rest.len > 0) {
        char record[1200];
        Str line = str_cut(&rest, '\n');
        Str body = body_of(line), tail = str_skip(line, body.len);
        if (tail.len == 0 || line.data[0] == ' ') continue;
        u64 event, boot;
        CHECK(sscanf(tail.data, " event=%llu", (unsigned long long *)&event) == 1);
        CHECK(
            sscanf(str_skip(fake_output(machine->fake), str_find(fake_output(machine->fake), STR("boot_count="))).data,
                   "boot_count=%llu", (unsigned long long *)&boot) == 1);
        int len = snprintf(record, sizeof(record), "event=%llu boot=%llu %.*s crc=", (unsigned long long)event,
                           (unsigned long long)boot, STR_ARG(body));
        CHECK_MSG(has(journal, (Str){record, (usize)len}), "not in the journal: %s", record);
        events++;
    }
    return events;
}

static void boots_are_counted_and_modes_lifted(void) {
    static const char *const MODES[] = {"SAFE", "SAFE", "DEGRADED", "DEGRADED", "NORMAL", "NORMAL"};
    Machine machine = machine_of("");
    for (u32 boot = 1; boot <= COUNT_OF(MODES); boot++) {
        char line[96];
        machine_boot(&machine, "Q?\n/exit\n");
        snprintf(line, sizeof(line), "\nOK: OO boot_count=%u mode=%s previous=%s ", boot, MODES[boot - 1],
                 boot == 1 ? "none" : "healthy");
        CHECK_SHOWS(machine, line);
        CHECK_SHOWS(machine, "\nOK: OO health=healthy reason_id=OO_HEALTH_ANSWERED event=");
    }
    CHECK_SHOWS_NOT(machine, "clamp");
    machine_free(&machine);
}

static void a_boot_that_failed_lowers_the_mode_and_one_that_nobody_asked_does_not(void) {
    Machine machine = machine_of("");
    for (u32 boot = 1; boot <= 4; boot++) machine_boot(&machine, "Q?\n/exit\n");
    machine_boot(&machine, "/version\n/exit\n");
    machine_boot(&machine, "/test_failsafe\nQ?\n/exit\n");
    CHECK_SHOWS(machine, "mode=NORMAL previous=idle healthy_boots=0 reason_id=OO_MODE_HELD_IDLE");
    CHECK_SHOWS(machine, "\nOK: OO health=unhealthy reason_id=OO_HEALTH_LOST_SENTINEL");
    machine_boot(&machine, "/exit\n");
    CHECK_SHOWS(machine, "mode=DEGRADED previous=unhealthy healthy_boots=0 reason_id=OO_MODE_LOWERED");
    machine_free(&machine);
}

/** Defect 11: the second action of a plan failed its verification; defect 12: seq_len was read by nobody. */
static void defect_11_both_actions_of_a_plan_are_applied_and_the_next_boot_has_them(void) {
    Machine machine = machine_of("");
    machine_boot(&machine, "Q?\n/oo_consult_mock reduce ctx and reduce seq\n/oo_status\n/exit\n");
    CHECK_SHOWS(machine, "\nOK: OO ctx_len clamp: 0 -> 256 (mode=SAFE)");
    CHECK_SHOWS(machine, "\nOK: OO auto-apply: reduce_ctx (old=256 new=128 check=pass reason_id=OO_APPLY_OK)");
    CHECK_SHOWS(machine, "\nOK: OO auto-apply: reduce_seq (old=256 new=128 check=pass reason_id=OO_APPLY_OK)");
    CHECK_SHOWS(machine, "  ctx_len=128 from the next boot");
    CHECK(check_journal(&machine) >= 8);
    machine_boot(&machine, "/cfg\n/ctx\n12345678901234567890123456789012345678901234567890123456789012345678901234567"
                           "89012345678901234567890123456789012345678901234567890?\nQ?\n/exit\n");
    CHECK_SHOWS(machine, "  ctx_len                              128          organism\n");
    CHECK_SHOWS(machine, "  seq_len                              128          organism\n");
    CHECK_SHOWS(machine, "context   0 of 128 tokens in use");
    CHECK_SHOWS(machine, "error: the prompt ");
    CHECK_SHOWS(machine, "\nOK: OO change ctx_len=128 confirmed reason_id=OO_TRIAL_CONFIRMED");
    CHECK_SHOWS(machine, "\nOK: OO outcome: action=reduce_ctx ");
    check_journal(&machine);
    machine_free(&machine);
}

/** Defect 13: an outcome was the boot's schedule. */
static void defect_13_an_outcome_is_measured(void) {
    Machine machine = machine_of("");
    machine_boot(&machine, "Q?\n/oo_consult_mock reduce context\n/exit\n");
    machine_boot(&machine, "Q?\n/oo_outcomes\n/exit\n");
    CHECK_SHOWS(machine, "quantity=free_memory_kib expected=up before=");
    CHECK_SHOWS(machine, " label=helpful improved=1 reason_id=OO_OUTCOME_BETTER");
    machine_free(&machine);
}

static void a_change_is_undone_when_its_boot_fails(void) {
    Machine machine = machine_of("");
    machine_boot(&machine, "Q?\n/oo_consult_mock reduce context\n/exit\n");
    machine_boot(&machine, "/test_failsafe\nQ?\n/exit\n");
    CHECK_SHOWS(machine, " context=128 ");
    machine_boot(&machine, "Q?\n/exit\n");
    CHECK_SHOWS(machine, "\nOK: OO rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY");
    CHECK_SHOWS(machine, " label=harmful improved=-1 reason_id=OO_OUTCOME_UNHEALTHY");
    CHECK_SHOWS(machine, " context=256 ");
    machine_free(&machine);
}

static void what_is_only_simulated_is_estimated_and_changes_nothing(void) {
    Machine machine = machine_of("oo_auto_apply=0\n");
    machine_boot(&machine, "Q?\n/oo_consult_mock reduce context\n/exit\n");
    CHECK_SHOWS(machine,
                "\nOK: OO policy simulation: reduce_ctx (would_apply_if_enabled, old=256 new=128 estimate=helpful");
    machine_boot(&machine, "Q?\n/oo_outcomes\n/exit\n");
    CHECK_SHOWS(machine, " context=256 ");
    CHECK_SHOWS(machine, " OK: OO policy simulation: reduce_ctx"); /* of /oo_outcomes */
    machine_free(&machine);
}

/** Defect 14: a consult corrupted the conversation. */
static void defect_14_a_consult_leaves_the_conversation_alone(void) {
    Machine machine = machine_of("temp=0.9\n");
    machine_boot(&machine, "Q?\n/oo_consult\nQ?\n/exit\n");
    CHECK_SHOWS(machine, "\n[obs][oo] consult_start mode=SAFE ram=");
    CHECK_SHOWS(machine, "\n[obs][oo] choice action=change_model logprob=");
    CHECK_SHOWS(machine, "\nOK: OO LLM suggested: ");
    CHECK_SHOWS(machine, " source=model margin=");
    char ids[2][32] = {"", ""}, without[2][32] = {"", ""};
    for (u32 round = 0; round < 2; round++) {
        char(*into)[32] = round == 0 ? ids : without;
        Str rest = fake_output(machine.fake);
        for (u32 i = 0; i < 2; i++) {
            rest = str_skip(rest, str_find(rest, STR(" ids=")) + 5);
            memcpy(into[i], rest.data, 8);
        }
        if (round == 0) machine_boot(&machine, "Q?\nQ?\n/exit\n");
    }
    CHECK(strcmp(ids[0], without[0]) == 0 && strcmp(ids[1], without[1]) == 0);
    machine_free(&machine);
}

static void decisions_are_explained(void) {
    Machine machine = machine_of("");
    machine_boot(&machine, "/oo_explain\n/oo_consult_mock token broken\n/oo_explain 1\n/oo_explain 999\n/oo_log 1\n");
    CHECK_SHOWS(machine, "OO_MODE_INIT: nothing is known about this volume");
    CHECK_SHOWS(machine, "\nOK: OO policy decided: ignored reason_id=OO_NO_ACTIONABLE_KEYWORD");
    CHECK_SHOWS(machine, "error: event 999 is not in the journal");
    CHECK_SHOWS(machine, " OK: OO consult: mode=SAFE");
    machine_free(&machine);
}

static void without_the_organism_nothing_is_kept_and_commands_say_so(void) {
    Str file;
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_boot(&machine, "/oo_status\n/oo_consult\n/oo_consult_mock reduce\n/oo_jour\n/oo_explain\nQ?\n/exit\n");
    CHECK_SHOWS(machine, "The organism is off: oo_enable=1");
    CHECK_SHOWS(machine, "\nOK: OO consult refused reason_id=OO_CONSULT_DISABLED level=");
    CHECK_SHOWS(machine, "Nothing is kept on the volume");
    CHECK_SHOWS_NOT(machine, "error");
    CHECK(!memory_volume_get(&machine.fake->volume, STR("OOSTATE.BIN"), &file));
    CHECK(!memory_volume_get(&machine.fake->volume, STR("OOJOUR.LOG"), &file));
    machine_free(&machine);
}

static void a_volume_that_cannot_be_written_is_said_once_and_blocks_changes(void) {
    Machine machine = machine_of("");
    machine.fake->volume.is_read_only = true;
    machine_boot(&machine, "Q?\n/oo_consult_mock reduce context\nQ?\n/exit\n");
    CHECK_SHOWS(machine, "\n[oo] WARN: state write failed: ");
    CHECK_SHOWS(machine, "reason_id=OO_BLOCK_STATE_LOST");
    CHECK_SHOWS(machine, "AI: abc");
    CHECK_SHOWS_NOT(machine, " event=");
    machine_free(&machine);
}

/** Defect 15: the memory figure was that after the program had taken its own. */
static void defect_15_memory_is_what_was_free_at_the_start(void) {
    char line[64];
    Machine machine = machine_of("");
    machine_boot(&machine, "/oo_consult\n/exit\n");
    snprintf(line, sizeof(line), " ram=%u ctx=256 seq=256", 799); /* the session itself takes part of the last MiB */
    CHECK_SHOWS(machine, line);
    machine_free(&machine);
}

static void guards_are_journalled_without_the_organism_too(void) {
    Str journal;
    Machine machine = machine_new();
    machine_add_usual(&machine, "guardrails=1\n");
    machine_boot(&machine, "/test_failsafe\nQ?\n/reset\n/oo_jour\n/exit\n");
    CHECK(memory_volume_get(&machine.fake->volume, STR("OOJOUR.LOG"), &journal));
    CHECK(has(journal, STR("event=1 boot=0 [sentinel] tripped violations=1 reason_id=SENTINEL_TEST crc=")));
    CHECK_SHOWS(machine, " [sentinel] reset reason_id=SENTINEL_RESET");
    machine_free(&machine);
}

static void consult_log_can_be_turned_off(void) {
    Str log;
    Machine machine = machine_of("oo_consult_log=0\n");
    machine_boot(&machine, "/oo_consult_mock all is stable\n/exit\n");
    CHECK(!memory_volume_get(&machine.fake->volume, STR("OOCONSULT.LOG"), &log) || !has(log, STR("consult")));
    CHECK(memory_volume_get(&machine.fake->volume, STR("OOJOUR.LOG"), &log) && has(log, STR("OK: OO consult:")));
    machine_free(&machine);
}

static const TestCase CASES[] = {TEST(boots_are_counted_and_modes_lifted),
                                 TEST(a_boot_that_failed_lowers_the_mode_and_one_that_nobody_asked_does_not),
                                 TEST(defect_11_both_actions_of_a_plan_are_applied_and_the_next_boot_has_them),
                                 TEST(defect_13_an_outcome_is_measured),
                                 TEST(a_change_is_undone_when_its_boot_fails),
                                 TEST(what_is_only_simulated_is_estimated_and_changes_nothing),
                                 TEST(defect_14_a_consult_leaves_the_conversation_alone),
                                 TEST(decisions_are_explained),
                                 TEST(without_the_organism_nothing_is_kept_and_commands_say_so),
                                 TEST(a_volume_that_cannot_be_written_is_said_once_and_blocks_changes),
                                 TEST(defect_15_memory_is_what_was_free_at_the_start),
                                 TEST(guards_are_journalled_without_the_organism_too),
                                 TEST(consult_log_can_be_turned_off)};
TEST_MAIN(CASES)
