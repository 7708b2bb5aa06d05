/* Whole sessions under watch: metrics, autotune, guardrails, the sentinel. */
#include "firmware/testing/machine.h"

/** A model that never ends an answer by itself. */
static Machine endless(const char *more) {
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    Machine machine = machine_with(&chain, 512);
    machine_add_usual(&machine, more);
    return machine;
}

static u32 count_of(const Machine *machine, const char *text) {
    u32 count = 0;
    Str rest = fake_output(machine->fake), part = str_from_c(text);
    for (usize at = str_find(rest, part); at < rest.len; at = str_find(rest, part)) {
        rest = str_skip(rest, at + part.len);
        count++;
    }
    return count;
}

/** Whether `second` is shown somewhere behind `first`. */
static bool follows(const Machine *machine, const char *first, const char *second) {
    Str output = fake_output(machine->fake);
    Str rest = str_skip(output, str_find(output, str_from_c(first)));
    return str_find(rest, str_from_c(second)) < rest.len;
}

static Str metrics_file(const Machine *machine) {
    Str file;
    CHECK(memory_volume_get(&machine->fake->volume, STR("LLMK_METRICS.LOG"), &file));
    return file;
}

#define CHECK_METRIC(machine, text)                                                                                    \
    CHECK_MSG(str_find(metrics_file(&(machine)), STR(text)) < metrics_file(&(machine)).len, "\"%s\" is not in:\n%.*s", \
              text, STR_ARG(metrics_file(&(machine))))

/* ---- metrics ---- */

/** Defect 26: prompt tokens counted as decoded ones; defect 27: violations were not counted. */
static void defect_26_metrics_are_those_of_the_log(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_boot(&machine, "Q?\n12345?\nQ?\n/test_failsafe\nQ?\n/reset\n/metrics\n");
    CHECK_SHOWS(machine, "gen_end tokens=3 reason=eos step=3 pos=7 prompt_tokens=4");
    CHECK_METRIC(machine, "\"total_prefill_tokens\":17,"); /* 4 with BOS and a space; without BOS 7, 3 and 3 */
    CHECK_METRIC(machine, "\"total_decode_tokens\":10,");  /* three answers of 3, and the token that met the check */
    CHECK_METRIC(machine, "\"total_prefill_calls\":4,");
    CHECK_METRIC(machine, "\"generation_count\":4");
    CHECK_METRIC(machine, "\"sentinel_violations_total\":1,");
    CHECK_METRIC(machine, "\"kv_cache_resets\":1,");
    CHECK_METRIC(machine, "\"build_id\":\"00c0ffee\"");
    CHECK_METRIC(machine, "\"model_path\":\"models/chain.bin\"");
    CHECK_METRIC(machine, "\"cycles_hz\":1000000000");
    CHECK_SHOWS(machine, "\nOK: Metrics exported to LLMK_METRICS.LOG (");
    machine_free(&machine);
}

static void unattended_run_leaves_its_metrics_however_it_ends(void) {
    static const char *const SCRIPTS[] = {"Q?\n", "Q?\n/poweroff\n", "Q?\n/exit\n", "Q?\n/reboot\n"};
    for (usize i = 0; i < COUNT_OF(SCRIPTS); i++) {
        Machine machine = machine_new();
        machine_add_usual(&machine, "autorun_autostart=1\n");
        fake_add_file(machine.fake, "llmk-autorun.txt", str_from_c(SCRIPTS[i]));
        machine_boot(&machine, "");
        CHECK_METRIC(machine, "\"generation_count\":1");
        CHECK_U64(count_of(&machine, "Metrics exported"), 1);
        machine_free(&machine);
    }
}

static void attended_session_leaves_none_unless_asked(void) {
    Str file;
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_boot(&machine, "Q?\n/exit\n");
    CHECK(!memory_volume_get(&machine.fake->volume, STR("LLMK_METRICS.LOG"), &file));
    machine_free(&machine);
}

static void metrics_that_cannot_be_written_are_one_error(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine.fake->volume.is_read_only = true;
    machine_boot(&machine, "/metrics\nQ?\n");
    CHECK_SHOWS(machine, "\n[metrics] cannot write LLMK_METRICS.LOG error=");
    CHECK_SHOWS(machine, "\nerror: the metrics are not on the volume");
    CHECK_SHOWS(machine, "AI: abc");
    machine_free(&machine);
}

/* ---- guardrails ---- */

static const char GUARDED[] = "guardrails=1\nguardrails_decode_hard_stop_overruns=3\nmax_tokens=12\ntop_k=50\n"
                              "guardrails_safe_max_tokens=5\nguardrails_safe_top_k=9\nstop_nl=0\n";

/** Defect 17: caps were never undone. */
static void defect_17_slow_tokens_end_the_turn_and_caps_end_with_the_safe_mode(void) {
    Machine machine = endless(GUARDED);
    machine_boot(&machine, "Q?\nQ?\n/test_delay 5000\nQ?\n/test_delay 0\n/guard_status\nQ?\nQ?\n/guard_status\nQ?\n");
    CHECK_SHOWS(machine, "\n[m18.1] deadline cycles=");
    CHECK_SHOWS(machine, "reason_id=M181_DEADLINE_CALIBRATED");
    CHECK_SHOWS(machine, "reason=budget_guard step=3 ");
    CHECK_SHOWS(machine, "\n[m18.1] hard-stop decode (overruns=3 threshold=3) step=3 ");
    CHECK_SHOWS(machine, "\n[m18.1] safe-mode caps applied (turns_left=2): top_k=9 max_tokens=5 ");
    CHECK_SHOWS(machine, "\n[knob] max_tokens value=5.000 owner=safety operator=12.000");
    CHECK_U64(count_of(&machine, "tokens=5 reason=max_tokens"), 2);
    CHECK_SHOWS(machine, "\n[m18.1] safe-mode over: top_k=50 max_tokens=12 top_p=0.950 temp=0.000 ");
    CHECK(follows(&machine, "safe-mode over", "[knob] max_tokens value=12.000 owner=operator operator=12.000"));
    CHECK(follows(&machine, "safe-mode over", "tokens=12 reason=max_tokens"));
    machine_free(&machine);
}

static void machine_that_was_always_slow_is_no_failure(void) {
    Machine machine = endless(GUARDED);
    machine_boot(&machine, "/test_delay 5000\nQ?\nQ?\nQ?\nQ?\n");
    CHECK_SHOWS(machine, "[m18.1] deadline cycles=");
    CHECK_SHOWS_NOT(machine, "hard-stop");
    machine_free(&machine);
}

static void deadline_of_the_configuration_holds_from_the_first_token(void) {
    Machine machine = endless("guardrails=1\nbudget_decode=1ms\nguardrails_decode_hard_stop_overruns=2\n");
    machine_boot(&machine, "/test_delay 5000\nQ?\n");
    CHECK_SHOWS(machine, "\n[m18.1] deadline cycles=1000000 ms=1.000 reason_id=M181_DEADLINE_KEY");
    CHECK_SHOWS(machine, "reason=budget_guard step=2 ");
    machine_free(&machine);
}

/** Defect 18: the position went on from a cache that had been emptied. */
static void defect_18_kv_reset_leaves_position_and_cache_alike(void) {
    Machine machine = endless("guardrails=1\nbudget_decode=1ms\nguardrails_reset_kv_on_trip=1\nmax_tokens=4\n"
                              "guardrails_decode_hard_stop_overruns=2\n");
    machine_boot(&machine, "/test_delay 5000\nQ?\n/ctx\n/test_delay 0\nQ?\n");
    CHECK_SHOWS(machine, "\n[m18.1] safe fallback: KV cache reset from=");
    CHECK_SHOWS(machine, "context   0 of 512 tokens in use");
    CHECK(follows(&machine, "0 of 512", "tokens=4 reason=max_tokens step=4 pos=7 prompt_tokens=4"));
    machine_free(&machine);
}

/** Defect 16: autotune raised temperature and max_tokens to its minima. */
static void defect_16_autotune_never_raises(void) {
    Machine machine = endless("autotune=1\nmax_tokens=12\nautotune_decode_cpt_hi=1\nautotune_decode_cpt_lo=1\n");
    machine_boot(&machine, "Q?\n/clear\nQ?\n/clear\nQ?\n/clear\nQ?\n/clear\nQ?\n/clear\nQ?\n/clear\nQ?\n/clear\n"
                           "Q?\n/clear\nQ?\n/clear\nQ?\n/clear\nQ?\n/clear\nQ?\n/autotune_status\n");
    CHECK_SHOWS(machine, "\n[m18] autotune=tighten decode_cpt=");
    CHECK_SHOWS(machine, "\n[m18] autotune=restore ");
    CHECK_SHOWS(machine, "reason_id=M18_NO_GAIN");
    CHECK_SHOWS(machine, "\n[knob] temp value=0.000 owner=operator operator=0.000");
    CHECK_U64(count_of(&machine, "tokens=12 reason=max_tokens"), 12);
    CHECK_SHOWS_NOT(machine, "max_tokens=64");
    machine_free(&machine);
}

static void values_typed_meanwhile_are_the_ones_that_come_back(void) {
    Machine machine = endless(GUARDED);
    machine_boot(&machine, "Q?\nQ?\n/test_delay 5000\nQ?\n/test_delay 0\n/max_tokens 7\nQ?\nQ?\nQ?\n");
    CHECK(follows(&machine, "safe-mode over", "tokens=7 reason=max_tokens"));
    machine_free(&machine);
}

/* ---- sentinel ---- */

/** Defect 19: the fail-safe killed the session; defect 20: /reset killed the log. */
static void defect_19_reset_makes_the_session_usable_and_defect_20_keeps_the_log(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_boot(&machine, "Q?\n/test_failsafe\nQ?\nQ?\n/version\n/reset\nQ?\n/log 4\n");
    CHECK_SHOWS(machine, " reason=sentinel ");
    CHECK_SHOWS(machine, "\n[sentinel] tripped violations=1 reason_id=SENTINEL_TEST");
    CHECK_SHOWS(machine, "error: an internal check has failed (SENTINEL_TEST): nothing is answered until /reset");
    CHECK_SHOWS(machine, "llm-baremetal build");
    CHECK(follows(&machine, "\n[sentinel] reset", "AI: abc\n[obs] gen_end tokens=3 reason=eos"));
    CHECK(follows(&machine, "/log 4", " [sentinel] reset reason_id=SENTINEL_RESET"));
    machine_free(&machine);
}

static void strict_budget_takes_one_overrun_for_a_failure(void) {
    Machine machine = endless("strict_budget=1\nbudget_decode=1ms\n");
    machine_boot(&machine, "/test_delay 5000\nQ?\n/test_delay 0\n/reset\n/max_tokens 3\nQ?\n");
    CHECK_SHOWS(machine, "reason_id=SENTINEL_BUDGET");
    CHECK_SHOWS_NOT(machine, "hard-stop");
    CHECK(follows(&machine, "[sentinel] reset", "tokens=3 reason=max_tokens"));
    machine_free(&machine);
}

static const TestCase CASES[] = {TEST(defect_26_metrics_are_those_of_the_log),
                                 TEST(unattended_run_leaves_its_metrics_however_it_ends),
                                 TEST(attended_session_leaves_none_unless_asked),
                                 TEST(metrics_that_cannot_be_written_are_one_error),
                                 TEST(defect_17_slow_tokens_end_the_turn_and_caps_end_with_the_safe_mode),
                                 TEST(machine_that_was_always_slow_is_no_failure),
                                 TEST(deadline_of_the_configuration_holds_from_the_first_token),
                                 TEST(defect_18_kv_reset_leaves_position_and_cache_alike),
                                 TEST(defect_16_autotune_never_raises),
                                 TEST(values_typed_meanwhile_are_the_ones_that_come_back),
                                 TEST(defect_19_reset_makes_the_session_usable_and_defect_20_keeps_the_log),
                                 TEST(strict_budget_takes_one_overrun_for_a_failure)};
TEST_MAIN(CASES)
