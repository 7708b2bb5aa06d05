#include "firmware/oo/state.h"

#include "firmware/oo/rig.h"

static const u32 NUMBER_MAX = 1048576; /* of a setting */

static u32 random_u32(u64 *seed) { return rig_random(seed) >> rig_below(seed, 32); }

static u64 random_u64(u64 *seed) { return ((u64)rig_random(seed) << 32 | rig_random(seed)) >> rig_below(seed, 64); }

static u32 random_value(u64 *seed) { return rig_below(seed, 2) ? rig_below(seed, NUMBER_MAX + 1) : 0; }

static Vitals random_vitals(u64 *seed) {
    return (Vitals){.boot = random_u64(seed),
                    .stratum = random_u32(seed),
                    .free_kib = random_u64(seed),
                    .context_kib = random_u64(seed),
                    .ctx = random_u32(seed),
                    .seq = random_u32(seed),
                    .turns = random_u32(seed),
                    .tokens = random_u32(seed),
                    .decode_cpt = random_u64(seed),
                    .overflows = random_u32(seed),
                    .allocation_failures = random_u32(seed),
                    .sentinel_trips = random_u32(seed),
                    .guard_trips = random_u32(seed)};
}

static Pending random_pending(u64 *seed) {
    if (rig_below(seed, 2)) return (Pending){0};
    return (Pending){.is_used = true,
                     .action = rig_below(seed, 3),
                     .event = random_u64(seed),
                     .boot = random_u64(seed),
                     .old = random_value(seed),
                     .new = random_value(seed),
                     .before = random_vitals(seed)};
}

static OoState random_state(u64 *seed) {
    OoState state = {.boot_count = random_u64(seed),
                     .mode = rig_below(seed, OO_MODES),
                     .healthy_boots = random_u32(seed),
                     .recoveries = random_u32(seed),
                     .stage = rig_below(seed, BOOT_LOST + 1),
                     .trial_boot = random_u64(seed),
                     .vitals = random_vitals(seed)};
    for (OoKey key = 0; key < OO_KEYS; key++) {
        state.confirmed.of[key] = random_value(seed);
        state.trial.of[key] = random_value(seed);
        state.operator_values.of[key] = random_value(seed);
    }
    for (usize i = 0; i < STATE_PENDING_MAX; i++) state.pending[i] = random_pending(seed);
    for (OoAction action = 0; action <= OO_ACTION_INCREASE_CTX; action++) {
        state.tallies[action] = (Tally){rig_below(seed, TALLY_MAX_MILLI + 1), rig_below(seed, TALLY_MAX_MILLI + 1)};
    }
    return state;
}

static bool same_values(const OoState *a, const OoState *b) {
    return oo_values_equal(&a->confirmed, &b->confirmed) && oo_values_equal(&a->trial, &b->trial) &&
           oo_values_equal(&a->operator_values, &b->operator_values);
}

static bool same_vitals(const Vitals *a, const Vitals *b) {
    return a->boot == b->boot && a->stratum == b->stratum && a->free_kib == b->free_kib &&
           a->context_kib == b->context_kib && a->ctx == b->ctx && a->seq == b->seq && a->turns == b->turns &&
           a->tokens == b->tokens && a->decode_cpt == b->decode_cpt && a->overflows == b->overflows &&
           a->allocation_failures == b->allocation_failures && a->sentinel_trips == b->sentinel_trips &&
           a->guard_trips == b->guard_trips;
}

static bool same_pending(const Pending *a, const Pending *b) {
    return a->is_used == b->is_used && a->action == b->action && a->event == b->event && a->boot == b->boot &&
           a->old == b->old && a->new == b->new &&same_vitals(&a->before, &b->before);
}

static bool same(const OoState *a, const OoState *b) {
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        if (!same_pending(&a->pending[i], &b->pending[i])) return false;
    }
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        const Tally *x = &a->tallies[action], *y = &b->tallies[action];
        if (x->good_milli != y->good_milli || x->bad_milli != y->bad_milli) return false;
    }
    return a->boot_count == b->boot_count && a->mode == b->mode && a->healthy_boots == b->healthy_boots &&
           a->recoveries == b->recoveries && a->stage == b->stage && a->trial_boot == b->trial_boot &&
           same_values(a, b) && same_vitals(&a->vitals, &b->vitals);
}

static void what_was_written_is_read(void) {
    u64 seed = 7;
    for (u32 round = 0; round < 10000; round++) {
        char text[STATE_TEXT_MAX];
        OoState state = random_state(&seed), read;
        Error error = {0};
        usize len = state_write(&state, text);
        CHECK_MSG(state_read((Str){text, len}, &read, &error), "%s", error.message);
        CHECK_MSG(same(&state, &read), "%.*s", (int)len, text);
    }
}

static Vitals longest_vitals(void) {
    return (Vitals){UINT64_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                    UINT32_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
}

/** Every number at its largest, every word at its longest. */
static OoState longest_state(void) {
    OoState state = {.boot_count = UINT64_MAX,
                     .mode = OO_MODE_DEGRADED,
                     .healthy_boots = UINT32_MAX,
                     .recoveries = UINT32_MAX,
                     .stage = BOOT_HEALTHY,
                     .trial_boot = UINT64_MAX,
                     .vitals = longest_vitals()};
    for (OoKey key = 0; key < OO_KEYS; key++) {
        state.confirmed.of[key] = state.trial.of[key] = state.operator_values.of[key] = NUMBER_MAX;
    }
    for (usize i = 0; i < STATE_PENDING_MAX; i++) {
        state.pending[i] =
            (Pending){true, OO_ACTION_INCREASE_CTX, UINT64_MAX, UINT64_MAX, NUMBER_MAX, NUMBER_MAX, longest_vitals()};
    }
    for (OoAction action = 0; action <= OO_ACTION_INCREASE_CTX; action++) {
        state.tallies[action] = (Tally){TALLY_MAX_MILLI, TALLY_MAX_MILLI};
    }
    return state;
}

static void longest_text_fits(void) {
    char text[STATE_TEXT_MAX];
    OoState state = longest_state(), read;
    Error error;
    usize len = state_write(&state, text);
    CHECK_MSG(len < STATE_TEXT_MAX - 1, "%zu", len);
    CHECK(text[len - 1] == '\n');
    CHECK(state_read((Str){text, len}, &read, &error) && same(&state, &read));
}

static void text_is_for_people(void) {
    char text[STATE_TEXT_MAX];
    OoState state = state_new();
    state.boot_count = 7;
    state.stage = BOOT_ASKED;
    state.trial.of[OO_KEY_CTX_LEN] = 128;
    state.pending[1] = (Pending){.is_used = true, .action = OO_ACTION_REDUCE_CTX, .old = 256, .new = 128};
    Str page = {text, state_write(&state, text)};
    CHECK(str_starts_with(page, STR("boot_count=7\nmode=SAFE\nhealthy_boots=0\nrecoveries=0\nstage=asked\n")));
    CHECK(str_find(page, STR("\ntrial.ctx_len=128\n")) < page.len);
    CHECK(str_find(page, STR("\npending1.action=reduce_ctx\n")) < page.len);
    CHECK(str_find(page, STR("pending0.")) == page.len);
}

/** Names that are spelled in the table of keys are those of the markers. */
static void keys_are_named_as_everywhere(void) {
    char text[STATE_TEXT_MAX], line[64];
    OoState state = state_new();
    Str page = {text, state_write(&state, text)};
    for (OoKey key = 0; key < OO_KEYS; key++) {
        fmt(line, sizeof(line), "\nconfirmed.%.*s=0\n", STR_ARG(oo_key_word(key)));
        CHECK_MSG(str_find(page, str_from_c(line)) < page.len, "%s", line);
    }
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        fmt(line, sizeof(line), "\ntally.%.*s.good_milli=0\n", STR_ARG(oo_action_word(action)));
        CHECK_U64(str_find(page, str_from_c(line)) < page.len, action_changes(action));
    }
}

static void other_programs_may_write_more_or_less(void) {
    OoState state, expected = state_new();
    Error error;
    CHECK(state_read(STR(""), &state, &error) && same(&state, &expected));
    expected.boot_count = 9;
    expected.mode = OO_MODE_NORMAL;
    CHECK(state_read(STR("boot_count=9\nfuture.key=some words, 1 = 2\nmode=NORMAL\nvitals.colour=red\n"), &state,
                     &error));
    CHECK(same(&state, &expected));
    CHECK(state_read(STR("mode=NORMAL\nboot_count=9"), &state, &error) && same(&state, &expected));
}

static void check_corrupt(const char *text, const char *named) {
    OoState state = longest_state(), fresh = state_new();
    Error error;
    CHECK_MSG(!state_read(str_from_c(text), &state, &error), "\"%s\"", text);
    CHECK_ERROR(error, ERROR_CORRUPT);
    CHECK_MSG(strstr(error.message, named) != NULL, "\"%s\" is not in \"%s\"", named, error.message);
    CHECK(same(&state, &fresh));
}

static void what_cannot_be_is_named(void) {
    check_corrupt("boot_count=5\nnonsense\n", "nonsense");
    check_corrupt("boot_count=5\n\nmode=SAFE\n", "key=value");
    check_corrupt("boot_count=-1\n", "boot_count");
    check_corrupt("boot_count=18446744073709551616\n", "boot_count");
    check_corrupt("healthy_boots=4294967296\n", "healthy_boots");
    check_corrupt("mode=HAPPY\n", "HAPPY");
    check_corrupt("mode=safe\n", "mode");
    check_corrupt("stage=\n", "stage");
    check_corrupt("trial.ctx_len=1048577\n", "trial.ctx_len");
    check_corrupt("pending0.action=reboot\n", "pending0.action");
    check_corrupt("pending3.before.turns= 1\n", "pending3.before.turns");
    check_corrupt("tally.reduce_ctx.good_milli=8001\n", "tally.reduce_ctx.good_milli");
}

/** Whatever a damaged text is read as is a state that can be written and read again. */
static void damaged_text_is_refused_or_a_whole_state(void) {
    u64 seed = 8;
    u32 refused = 0;
    for (u32 round = 0; round < 20000; round++) {
        char text[STATE_TEXT_MAX];
        OoState state = random_state(&seed), read, again;
        OoState fresh = state_new();
        Error error;
        usize len = state_write(&state, text);
        for (u32 i = rig_below(&seed, 4) + 1; i > 0; i--)
            text[rig_below(&seed, (u32)len)] = (char)rig_below(&seed, 256);
        if (rig_below(&seed, 4) == 0) len = rig_below(&seed, (u32)len);
        if (!state_read((Str){text, len}, &read, &error)) {
            CHECK_ERROR(error, ERROR_CORRUPT);
            CHECK(same(&read, &fresh));
            refused++;
            continue;
        }
        len = state_write(&read, text);
        CHECK(len < STATE_TEXT_MAX - 1 && state_read((Str){text, len}, &again, &error) && same(&read, &again));
    }
    CHECK_MSG(refused > 5000, "only %u of 20000", refused);
}

static const TestCase CASES[] = {TEST(what_was_written_is_read),
                                 TEST(longest_text_fits),
                                 TEST(text_is_for_people),
                                 TEST(keys_are_named_as_everywhere),
                                 TEST(other_programs_may_write_more_or_less),
                                 TEST(what_cannot_be_is_named),
                                 TEST(damaged_text_is_refused_or_a_whole_state)};
TEST_MAIN(CASES)
