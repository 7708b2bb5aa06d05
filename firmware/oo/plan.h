/* B3: what becomes of one advised action. */
#ifndef FIRMWARE_OO_PLAN_H
#define FIRMWARE_OO_PLAN_H

#include "firmware/oo/action.h"

enum { PLAN_VALUE_MIN = 128, PLAN_CTX_MAX = 2048, PLAN_RAM_ENOUGH_MIB = 1024 };

typedef enum PlanVerdict { PLAN_APPLY, PLAN_SIMULATE, PLAN_BLOCK, PLAN_DECIDE } PlanVerdict;

typedef struct PlanFacts {
    const OoSettings *settings;
    OoMode mode;
    u64 ram_mib;
    u32 ctx, seq;         /* as the next boot would have them: with what this boot has applied already */
    u32 model_context;    /* the model's own; 0: no model */
    bool gate_blocks;     /* the confidence gate is on and failed */
    bool is_hard_stopped; /* an action of this boot failed its verification */
    bool can_save;        /* the state of the volume can be written */
    u32 applied;          /* in this boot */
    u32 index;            /* of the action in its advice */
} PlanFacts;

typedef struct PlanStep {
    PlanVerdict verdict;
    ReasonId reason;
    u32 old, new; /* value in force, and the one the action asks for; equal where there is none */
} PlanStep;

/** How many actions a boot may apply. */
u32 plan_max(const OoSettings *settings);
/**
 * The first reason that holds, in this order: what changes nothing is decided; hard stop; a second action without
 * multi_actions; mode, memory and bounds; the confidence gate; auto_apply 0 (simulate); an increase without auto_apply
 * 2; the boot's budget; a state that cannot be kept.
 */
PlanStep plan_step(OoAction action, const PlanFacts *facts);

#endif
