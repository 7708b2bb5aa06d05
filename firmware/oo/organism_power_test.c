/* Power that fails at every sector that a boot writes, and random histories of boots, turns, consults and failures. */
#include "firmware/oo/organism.h"

#include "firmware/oo/rig.h"

/** Plays a boot: t a turn, r and i consults (reductions, an increase), o an overflow, g a trip of the guard, f a
 * failure, e the end. Returns whether a question was answered while there was power. */
static bool play(Rig *rig, const char *script) {
    bool is_answered = false;
    rig_boot(rig);
    for (; *script; script++) {
        if (*script == 't') is_answered |= !rig->fake->volume.has_no_power;
        if (*script == 't') rig_talk(rig, 1);
        if (*script == 'r') rig_consult(rig, "reduce ctx and reduce seq");
        if (*script == 'i') rig_consult(rig, "increase ctx");
        if (*script == 'o') organism_overflowed(&rig->organism);
        if (*script == 'g') organism_guard_tripped(&rig->organism);
        if (*script == 'f') organism_failed(&rig->organism, REASON_ID_OO_HEALTH_LOST_SENTINEL);
        if (*script == 'e') organism_end(&rig->organism);
    }
    return is_answered;
}

/* ---- what holds at every start ---- */

/** A change that has not proved itself waits for its outcome, so that it can be rolled back and judged. */
static void check_trial(const OoState *state, OoKey key) {
    u32 value = state->trial.of[key];
    bool is_waiting = value == state->confirmed.of[key];
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        const Pending *pending = &state->pending[i];
        is_waiting |= pending->is_used && ACTIONS[pending->action].key == key && pending->new == value;
    }
    CHECK_MSG(is_waiting, "%u waits for nothing", value);
}

/** An event number is that of the event which applied the action. */
static void check_pending(const Rig *rig, const Pending *pending, const RigEvents *events) {
    char expected[128];
    if (!pending->is_used || pending->event == 0) return;
    CHECK(pending->event < RIG_EVENTS);
    if (rig->is_medium_failing && events->of[pending->event].len == 0) return;
    fmt(expected, sizeof(expected),
        "boot=%llu OK: OO auto-apply: %.*s (old=%u new=%u check=pass reason_id=OO_APPLY_OK)",
        (unsigned long long)pending->boot, STR_ARG(oo_action_word(pending->action)), pending->old, pending->new);
    CHECK_STR(events->of[pending->event], str_from_c(expected));
}

static void check_consistent(const Rig *rig) {
    const OoState *state = &rig->organism.state;
    RigEvents events;
    rig_events(rig, &events);
    CHECK(state->trial_boot <= state->boot_count + 1);
    CHECK(state->trial_boot > 0 || oo_values_equal(&state->trial, &state->confirmed));
    for (OoKey key = 0; key < OO_KEYS; key++) check_trial(state, key);
    for (usize i = 0; i < STATE_PENDING_MAX; i++) check_pending(rig, &state->pending[i], &events);
}

/* ---- power cuts ---- */

/** What a boot said before its power failed: the lines whose record is on the volume. */
typedef struct Said {
    char text[64 * 1024];
    usize len;
    u64 boot;
    OoMode mode;
    bool is_answered;
    bool has_failed; /* its health is lost, whether that could be written or not */
} Said;

static Str said_text(const Said *said) { return (Str){said->text, said->len}; }

static bool has_said(const Said *said, const char *text) { return rig_count_in(said_text(said), text) > 0; }

static void keep_recorded(Said *said, Str output) {
    said->len = 0;
    while (output.len > 0) {
        Str line = str_cut(&output, '\n');
        if (rig_count_in(line, " event=") == 0) continue;
        said->len += fmt(said->text + said->len, sizeof(said->text) - said->len, "%.*s\n", STR_ARG(line));
    }
    CHECK(said->len + 1 < sizeof(said->text));
}

/** Boots with power that fails after `sectors` more; true when it did. */
static bool play_with_power_for(Rig *rig, const char *script, u32 sectors, Said *said) {
    rig->fake->volume.sectors_left = sectors;
    said->is_answered = play(rig, script);
    said->boot = rig->organism.state.boot_count;
    said->mode = rig->organism.state.mode;
    said->has_failed = rig->organism.state.stage == BOOT_LOST;
    keep_recorded(said, fake_output(rig->fake));
    bool has_failed = rig->fake->volume.has_no_power;
    memory_volume_power(&rig->fake->volume);
    return has_failed;
}

/** What was said to be on the volume is there: a change that is applied or confirmed is so at the next start, unless
 * that start says that it is undone. */
static void check_effects(const Rig *rig, const Said *said) {
    static const char *const APPLIED[OO_KEYS] = {"auto-apply: reduce_ctx (", "auto-apply: reduce_seq ("};
    static const char *const CONFIRMED[OO_KEYS] = {"change ctx_len=", "change seq_len="};
    static const char *const UNDONE[OO_KEYS] = {"rollback ctx_len: ", "rollback seq_len: "};
    for (OoKey key = 0; key < OO_KEYS; key++) {
        if (has_said(said, APPLIED[key])) CHECK(rig->organism.in_force.of[key] > 0 || rig_count(rig, UNDONE[key]) > 0);
        if (has_said(said, CONFIRMED[key])) CHECK(rig->organism.state.confirmed.of[key] > 0);
    }
}

static void check_next_start(Rig *rig, const Said *said) {
    rig_start(rig);
    CHECK_SHOWS_NOT(rig, "OO_MODE_RECOVERED");
    CHECK(rig_count(rig, "RECOVERY") <= 1);
    u64 boot = rig->organism.state.boot_count;
    CHECK_MSG(boot == said->boot || boot == said->boot + 1, "boot %llu after boot %llu", (unsigned long long)boot,
              (unsigned long long)said->boot);
    if (!said->is_answered && boot > said->boot) CHECK(rig->organism.state.mode >= said->mode);
    if (has_said(said, "health=healthy") && !said->has_failed) CHECK_SHOWS(rig, "previous=healthy");
    rig_check_shown(rig, said_text(said), said->boot);
    check_effects(rig, said);
    check_consistent(rig);
    CHECK(rig_check_journal(rig) > 0);
}

/** Later boots go their way: the mode is lifted again, and nothing waits for ever. */
static void check_recovers(Rig *rig) {
    for (u32 i = 0; i < 6; i++) {
        play(rig, "tttte");
        CHECK_SHOWS_NOT(rig, "WARN");
        check_consistent(rig);
    }
    CHECK(rig->organism.state.mode == OO_MODE_NORMAL && rig->organism.state.trial_boot == 0);
}

static Rig *rig_with_history(const char *history) {
    Rig *rig = rig_new();
    rig->operator_values.of[OO_KEY_SEQ_LEN] = 2048;
    if (history) play(rig, history);
    return rig;
}

/** Returns the number of sectors that the boot writes. */
static u32 cut_everywhere(const char *history, const char *script, u32 step) {
    Said *said = malloc(sizeof(Said));
    bool has_failed = true;
    u32 sectors = 0;
    for (; has_failed; sectors += step) {
        Rig *rig = rig_with_history(history);
        has_failed = play_with_power_for(rig, script, sectors, said);
        check_next_start(rig, said);
        if (sectors % (16 * step) == 0) check_recovers(rig);
        rig_free(rig);
    }
    free(said);
    return sectors;
}

static void power_can_fail_at_every_sector_of_a_boot_that_confirms_and_applies(void) {
    CHECK(cut_everywhere("ttre", "ttrttoge", 1) > 100);
}

static void power_can_fail_at_every_sector_of_a_boot_that_applies_on_top_of_a_trial(void) {
    CHECK(cut_everywhere("ttre", "rtte", 1) > 100);
}

static void power_can_fail_at_every_sector_of_an_unhealthy_boot(void) { CHECK(cut_everywhere("ttre", "trfe", 1) > 50); }

/** Seven is less than what any file takes when it is made. */
static void power_can_fail_at_any_moment_of_the_first_boot(void) { CHECK(cut_everywhere(NULL, "ttre", 7) > 500); }

/** Power fails again and again, a sector later each time: no start is lost on the way. */
static void power_can_fail_boot_after_boot(void) {
    Said *said = malloc(sizeof(Said));
    Rig *rig = rig_with_history("ttre");
    u64 boot = rig->organism.state.boot_count;
    for (u32 sectors = 0; sectors < 150; sectors++) {
        play_with_power_for(rig, "trtte", sectors, said);
        CHECK(said->boot >= boot && rig->organism.state.boot_count <= boot + 1);
        CHECK(!has_said(said, "OO_MODE_RECOVERED"));
        rig_check_shown(rig, said_text(said), said->boot);
        boot = said->boot;
    }
    rig_start(rig);
    check_consistent(rig);
    check_recovers(rig);
    rig_free(rig);
    free(said);
}

/* ---- random histories ---- */

static void random_script(u64 *seed, char script[16]) {
    static const char STEPS[] = "tttrrigofe";
    u32 len = rig_below(seed, 10);
    for (u32 i = 0; i < len; i++) script[i] = STEPS[rig_below(seed, sizeof(STEPS) - 1)];
    script[len] = 0;
}

/** The volume of one boot: mostly well, else without power for long, with a write gone wrong, or write-protected. */
static void random_volume(u64 *seed, MemoryVolume *volume) {
    memory_volume_power(volume);
    volume->is_read_only = rig_below(seed, 10) == 0;
    volume->corrupt_write = rig_below(seed, 4) == 0 ? volume->writes + rig_below(seed, 60) : MEMORY_NEVER;
    if (rig_below(seed, 4) == 0) volume->sectors_left = rig_below(seed, 200);
}

static void random_settings(u64 *seed, Rig *rig) {
    rig->settings.auto_apply = rig_below(seed, 3);
    rig->settings.plan_max_actions = 1 + rig_below(seed, 3);
    rig->settings.multi_actions = rig_below(seed, 4) > 0;
    rig->settings.conf_gate = rig_below(seed, 4) == 0;
    rig->ram_mib = rig_below(seed, 2) ? 700 : 4096;
    rig->model = rig_below(seed, 12) == 0 ? MODEL_MISSED : MODEL_LOADED;
    if (rig_below(seed, 10) == 0) rig->operator_values.of[rig_below(seed, OO_KEYS)] = 128 << rig_below(seed, 5);
}

/** Each consult decides on every action of its advice once, and no boot applies more than its plan allows. */
static void check_decisions(const Rig *rig, usize actions) {
    usize decided = rig_count(rig, "OO auto-apply: ") + rig_count(rig, "OO auto-apply verification failed: ") +
                    rig_count(rig, "OO policy blocked: ") + rig_count(rig, "OO policy simulation: ") +
                    rig_count(rig, "OO policy decided: ");
    CHECK_U64(decided, actions);
    CHECK(rig_count(rig, "OO auto-apply: ") <= plan_max(&rig->settings));
    CHECK(rig_count(rig, "verification failed") <= 1);
    CHECK(rig_count(rig, "checkpoint tag") <= 1);
}

static usize actions_of(const char *script) {
    usize actions = 0;
    for (; *script; script++) actions += *script == 'r' ? 2 : *script == 'i' ? 1 : 0;
    return actions;
}

/** A change is in force only if a boot before applied it: with the state of the start, or as the first boot of all. */
static void check_in_force(const Rig *rig, const OoState *before) {
    for (OoKey key = 0; key < OO_KEYS; key++) {
        u32 value = rig->organism.in_force.of[key];
        CHECK(value == 0 || value == before->trial.of[key] || value == before->confirmed.of[key]);
    }
}

static void play_history(u64 *seed) {
    Rig *rig = rig_with_history(NULL);
    rig->is_medium_failing = true;
    for (u32 boot = 0; boot < 12; boot++) {
        char script[16];
        OoState before = state_new();
        memory_volume_power(&rig->fake->volume);
        rig_saved(rig, &before);
        random_script(seed, script);
        random_settings(seed, rig);
        random_volume(seed, &rig->fake->volume);
        play(rig, script);
        check_decisions(rig, actions_of(script));
        check_in_force(rig, &before);
        check_consistent(rig);
        if (!rig->fake->volume.has_no_power) rig_check_journal(rig);
    }
    rig_free(rig);
}

static void any_history_keeps_its_promises(void) {
    u64 seed = 9;
    for (u32 history = 0; history < 150; history++) play_history(&seed);
}

static const TestCase CASES[] = {TEST(power_can_fail_at_every_sector_of_a_boot_that_confirms_and_applies),
                                 TEST(power_can_fail_at_every_sector_of_a_boot_that_applies_on_top_of_a_trial),
                                 TEST(power_can_fail_at_every_sector_of_an_unhealthy_boot),
                                 TEST(power_can_fail_at_any_moment_of_the_first_boot),
                                 TEST(power_can_fail_boot_after_boot),
                                 TEST(any_history_keeps_its_promises)};
TEST_MAIN(CASES)
