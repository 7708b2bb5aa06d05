#include "firmware/oo/plan.h"

#include "firmware/oo/rig.h"

/* ---- what the step ought to be, written down by itself ---- */

static const char *reduction_reason(OoAction action, const PlanFacts *facts) {
    if (facts->mode == OO_MODE_NORMAL) return "OO_BLOCK_NORMAL_NO_REDUCE";
    if (action == OO_ACTION_REDUCE_SEQ && facts->mode != OO_MODE_SAFE) return "OO_BLOCK_SEQ_NOT_SAFE";
    if (action == OO_ACTION_REDUCE_SEQ && facts->ram_mib >= 1024) return "OO_BLOCK_SEQ_ENOUGH_RAM";
    u32 value = action == OO_ACTION_REDUCE_SEQ ? facts->seq : facts->ctx;
    return value <= 128 ? "OO_BLOCK_AT_MIN" : NULL;
}

static const char *increase_reason(const PlanFacts *facts) {
    if (facts->mode == OO_MODE_SAFE) return "OO_BLOCK_SAFE_NO_INCREASE";
    if (facts->mode == OO_MODE_DEGRADED) return "OO_BLOCK_DEGRADED_NO_INCREASE";
    if (facts->ram_mib < 1024) return "OO_BLOCK_LOW_RAM_NO_INCREASE";
    bool has_context = facts->ctx > 0; /* without a model there is none to increase */
    bool has_room = facts->ctx < 2048 && facts->ctx < facts->model_context;
    return has_context && has_room ? NULL : "OO_BLOCK_AT_MAX";
}

static const char *expected_reason(OoAction action, const PlanFacts *facts) {
    const OoSettings *settings = facts->settings;
    bool is_increase = action == OO_ACTION_INCREASE_CTX;
    if (action == OO_ACTION_STABLE) return "OO_STABLE_OK";
    if (action == OO_ACTION_REBOOT) return "OO_REBOOT_LOG_ONLY";
    if (action == OO_ACTION_CHANGE_MODEL) return "OO_MODEL_LOG_ONLY";
    if (facts->is_hard_stopped) return "OO_BLOCK_HARD_STOP";
    if (facts->index >= 1 && !settings->multi_actions) return "OO_BLOCK_MULTI_DISABLED";
    const char *own = is_increase ? increase_reason(facts) : reduction_reason(action, facts);
    if (own) return own;
    if (facts->gate_blocks) return "OO_BLOCK_CONFIDENCE";
    if (settings->auto_apply == 0) return "OO_SIMULATED";
    if (is_increase && settings->auto_apply == 1) return "OO_BLOCK_INCREASE_NOT_ALLOWED";
    if (facts->applied >= (settings->plan_enable ? settings->plan_max_actions : 1)) return "OO_BLOCK_PLAN_BUDGET";
    return facts->can_save ? "OO_APPLY_OK" : "OO_BLOCK_STATE_LOST";
}

static PlanVerdict expected_verdict(Str reason) {
    if (str_eq(reason, STR("OO_APPLY_OK"))) return PLAN_APPLY;
    if (str_eq(reason, STR("OO_SIMULATED"))) return PLAN_SIMULATE;
    return str_starts_with(reason, STR("OO_BLOCK_")) ? PLAN_BLOCK : PLAN_DECIDE;
}

static void check_values(OoAction action, const PlanFacts *facts, const PlanStep *step) {
    u32 running = action == OO_ACTION_REDUCE_SEQ ? facts->seq : facts->ctx;
    if (!action_changes(action)) {
        CHECK(step->old == 0 && step->new == 0);
        return;
    }
    CHECK_U64(step->old, running);
    if (step->verdict == PLAN_APPLY || step->verdict == PLAN_SIMULATE) CHECK(step->new != step->old);
    if (action == OO_ACTION_INCREASE_CTX) {
        CHECK(step->new >= step->old);
        CHECK(step->new == step->old || (step->new <= 2048 && step->new <= facts->model_context));
    } else {
        CHECK(step->new <= step->old);
        CHECK(step->new == step->old || step->new >= 128);
    }
}

static bool seen[REASON_ID_VALUES];

static void check_step(OoAction action, const PlanFacts *facts) {
    PlanStep step = plan_step(action, facts);
    Str reason = reason_id_word(step.reason);
    CHECK_STR(reason, str_from_c(expected_reason(action, facts)));
    CHECK_U64(step.verdict, expected_verdict(reason));
    check_values(action, facts, &step);
    seen[step.reason] = true;
}

/** The bits of `bits` are the switches of facts and settings. */
static void check_switches(u32 bits, OoAction action, PlanFacts facts, OoSettings settings) {
    settings.multi_actions = bits & 1;
    settings.plan_enable = bits >> 1 & 1;
    facts.gate_blocks = bits >> 2 & 1;
    facts.is_hard_stopped = bits >> 3 & 1;
    facts.can_save = bits >> 4 & 1;
    facts.index = bits >> 5 & 1;
    facts.applied = bits >> 6 & 3;
    settings.auto_apply = (bits >> 8 & 3) % 3;
    settings.plan_max_actions = (bits >> 8 & 3) % 3 + 1;
    facts.settings = &settings;
    check_step(action, &facts);
}

static const u32 LENGTHS[] = {0,   1,    64,   127,  128,  129,  200,  255,       256,
                              300, 1023, 1024, 1025, 2047, 2048, 2049, UINT32_MAX};

static void check_lengths(OoAction action, OoMode mode, u64 ram_mib) {
    static const u32 CONTEXTS[] = {0, 64, 256, 300, 2048, 131072};
    for (usize length = 0; length < COUNT_OF(LENGTHS); length++) {
        for (usize context = 0; context < COUNT_OF(CONTEXTS); context++) {
            PlanFacts facts = {.mode = mode,
                               .ram_mib = ram_mib,
                               .ctx = LENGTHS[length],
                               .seq = LENGTHS[COUNT_OF(LENGTHS) - 1 - length],
                               .model_context = CONTEXTS[context]};
            for (u32 bits = 0; bits < 1u << 10; bits++) check_switches(bits, action, facts, (OoSettings){0});
        }
    }
}

/** Every combination of facts has one reason, the first of the list; and every reason of the list is met. */
static void every_combination_of_facts_has_the_first_reason_that_holds(void) {
    static const u64 MEMORY[] = {0, 1023, 1024};
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        for (OoMode mode = 0; mode < OO_MODES; mode++) {
            for (usize i = 0; i < COUNT_OF(MEMORY); i++) check_lengths(action, mode, MEMORY[i]);
        }
    }
    usize blocks = 0;
    for (ReasonId id = 0; id < REASON_ID_VALUES; id++) {
        Str word = reason_id_word(id);
        bool is_block = str_starts_with(word, STR("OO_BLOCK_"));
        if (is_block) CHECK_MSG(seen[id], "%.*s is never met", STR_ARG(word));
        blocks += is_block;
    }
    CHECK_U64(blocks, 14);
    CHECK(seen[REASON_ID_OO_APPLY_OK] && seen[REASON_ID_OO_SIMULATED] && seen[REASON_ID_OO_STABLE_OK]);
}

static const OoSettings ALL_ON = {.enabled = true,
                                  .consult = true,
                                  .multi_actions = true,
                                  .auto_apply = 2,
                                  .plan_enable = true,
                                  .plan_max_actions = 3};

static PlanStep step_of(OoAction action, OoMode mode, u32 ctx, u32 model_context) {
    PlanFacts facts = {.settings = &ALL_ON,
                       .mode = mode,
                       .ram_mib = 4096,
                       .ctx = ctx,
                       .seq = ctx,
                       .model_context = model_context,
                       .can_save = true};
    return plan_step(action, &facts);
}

static void reductions_halve_down_to_128(void) {
    CHECK_U64(step_of(OO_ACTION_REDUCE_CTX, OO_MODE_SAFE, 1024, 4096).new, 512);
    CHECK_U64(step_of(OO_ACTION_REDUCE_CTX, OO_MODE_DEGRADED, 257, 4096).new, 128);
    CHECK_U64(step_of(OO_ACTION_REDUCE_CTX, OO_MODE_SAFE, 130, 4096).new, 128);
}

/** A context below 128 was set to 128 by a "reduction". */
static void reduction_never_raises_a_short_context(void) {
    for (u32 ctx = 0; ctx <= 128; ctx++) {
        PlanStep step = step_of(OO_ACTION_REDUCE_CTX, OO_MODE_SAFE, ctx, 4096);
        CHECK(step.verdict == PLAN_BLOCK && step.new == ctx &&step.reason == REASON_ID_OO_BLOCK_AT_MIN);
    }
}

/** An increase beyond the model's own context has no effect, and was reported as applied at every boot. */
static void increase_ends_at_the_model_s_own_context(void) {
    u32 ctx = 100, applied = 0;
    for (u32 boot = 0; boot < 10; boot++) {
        PlanStep step = step_of(OO_ACTION_INCREASE_CTX, OO_MODE_NORMAL, ctx, 700);
        if (step.verdict != PLAN_APPLY) CHECK_U64(step.reason, REASON_ID_OO_BLOCK_AT_MAX);
        applied += step.verdict == PLAN_APPLY;
        ctx = step.new;
    }
    CHECK_U64(ctx, 700);
    CHECK_U64(applied, 3);
    CHECK_U64(step_of(OO_ACTION_INCREASE_CTX, OO_MODE_NORMAL, 1500, 131072).new, 2048);
    CHECK_U64(step_of(OO_ACTION_INCREASE_CTX, OO_MODE_NORMAL, 256, 0).reason, REASON_ID_OO_BLOCK_AT_MAX);
}

static void without_a_plan_a_boot_applies_one_action(void) {
    OoSettings settings = {.plan_enable = false, .plan_max_actions = 3};
    CHECK_U64(plan_max(&settings), 1);
    settings.plan_enable = true;
    CHECK_U64(plan_max(&settings), 3);
}

static const TestCase CASES[] = {TEST(every_combination_of_facts_has_the_first_reason_that_holds),
                                 TEST(reductions_halve_down_to_128), TEST(reduction_never_raises_a_short_context),
                                 TEST(increase_ends_at_the_model_s_own_context),
                                 TEST(without_a_plan_a_boot_applies_one_action)};
TEST_MAIN(CASES)
