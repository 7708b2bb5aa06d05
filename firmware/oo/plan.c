#include "firmware/oo/plan.h"

u32 plan_max(const OoSettings *settings) { return settings->plan_enable ? settings->plan_max_actions : 1; }

/** Half, and never more than before: a value below the least stays as it is. */
static u32 reduced(u32 value) {
    if (value <= PLAN_VALUE_MIN) return value;
    return value / 2 > PLAN_VALUE_MIN ? value / 2 : PLAN_VALUE_MIN;
}

/** Twice, as far as the model's own context goes: a value beyond that would change nothing. */
static u32 increased(u32 value, u32 model_context) {
    u32 most = model_context < PLAN_CTX_MAX ? model_context : PLAN_CTX_MAX;
    if (value >= most) return value;
    return value * 2 < most ? value * 2 : most;
}

typedef struct Rule {
    bool holds;
    PlanVerdict verdict;
    ReasonId reason;
} Rule;

/** The first rule that holds; the last one always does. */
static const Rule *first_that_holds(const Rule *rules) {
    while (!rules->holds) rules++;
    return rules;
}

PlanStep plan_step(OoAction action, const PlanFacts *facts) {
    const ActionInfo *info = &ACTIONS[action];
    if (!action_changes(action)) return (PlanStep){PLAN_DECIDE, info->log_reason, 0, 0};
    bool is_reduction = info->kind == ACTION_REDUCE, is_increase = !is_reduction;
    bool is_seq = info->key == OO_KEY_SEQ_LEN;
    const OoSettings *settings = facts->settings;
    u32 old = is_seq ? facts->seq : facts->ctx;
    u32 new = is_reduction ? reduced(old) : increased(old, facts->model_context);
    const Rule rules[] = {
        {facts->is_hard_stopped, PLAN_BLOCK, REASON_ID_OO_BLOCK_HARD_STOP},
        {facts->index > 0 && !settings->multi_actions, PLAN_BLOCK, REASON_ID_OO_BLOCK_MULTI_DISABLED},
        {is_reduction && facts->mode == OO_MODE_NORMAL, PLAN_BLOCK, REASON_ID_OO_BLOCK_NORMAL_NO_REDUCE},
        {is_seq && facts->mode != OO_MODE_SAFE, PLAN_BLOCK, REASON_ID_OO_BLOCK_SEQ_NOT_SAFE},
        {is_seq && facts->ram_mib >= PLAN_RAM_ENOUGH_MIB, PLAN_BLOCK, REASON_ID_OO_BLOCK_SEQ_ENOUGH_RAM},
        {is_increase && facts->mode == OO_MODE_SAFE, PLAN_BLOCK, REASON_ID_OO_BLOCK_SAFE_NO_INCREASE},
        {is_increase && facts->mode == OO_MODE_DEGRADED, PLAN_BLOCK, REASON_ID_OO_BLOCK_DEGRADED_NO_INCREASE},
        {is_increase && facts->ram_mib < PLAN_RAM_ENOUGH_MIB, PLAN_BLOCK, REASON_ID_OO_BLOCK_LOW_RAM_NO_INCREASE},
        {is_reduction && new == old, PLAN_BLOCK, REASON_ID_OO_BLOCK_AT_MIN},
        {is_increase && new == old, PLAN_BLOCK, REASON_ID_OO_BLOCK_AT_MAX},
        {facts->gate_blocks, PLAN_BLOCK, REASON_ID_OO_BLOCK_CONFIDENCE},
        {settings->auto_apply == 0, PLAN_SIMULATE, REASON_ID_OO_SIMULATED},
        {is_increase && settings->auto_apply < 2, PLAN_BLOCK, REASON_ID_OO_BLOCK_INCREASE_NOT_ALLOWED},
        {facts->applied >= plan_max(settings), PLAN_BLOCK, REASON_ID_OO_BLOCK_PLAN_BUDGET},
        {!facts->can_save, PLAN_BLOCK, REASON_ID_OO_BLOCK_STATE_LOST},
        {true, PLAN_APPLY, REASON_ID_OO_APPLY_OK},
    };
    const Rule *rule = first_that_holds(rules);
    return (PlanStep){rule->verdict, rule->reason, old, new};
}
