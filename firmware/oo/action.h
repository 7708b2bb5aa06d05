/* The closed list of actions, as one table. */
#ifndef FIRMWARE_OO_ACTION_H
#define FIRMWARE_OO_ACTION_H

#include "firmware/events/markers.gen.h"

enum { OO_ACTIONS = OO_ACTION_VALUES, OO_KEYS = OO_KEY_VALUES, OO_MODES = OO_MODE_VALUES };

typedef enum ActionKind { ACTION_REDUCE, ACTION_INCREASE, ACTION_NOTHING, ACTION_LOG_ONLY } ActionKind;

typedef struct ActionInfo {
    ActionKind kind;
    OoKey key;             /* of reductions and increases: what they change */
    OoQuantity quantity;   /* what they are judged by */
    OoDirection direction; /* which way it is to move */
    const char *phrase;    /* as a model is asked about it */
    ReasonId log_reason;   /* of the others */
} ActionInfo;

extern const ActionInfo ACTIONS[OO_ACTIONS];

/** True of actions that change a setting. */
static inline bool action_changes(OoAction action) { return ACTIONS[action].kind <= ACTION_INCREASE; }

/** Settings of the organism, one an OoKey; 0: the operator's stands. */
typedef struct OoValues {
    u32 of[OO_KEYS];
} OoValues;
bool oo_values_equal(const OoValues *a, const OoValues *b);

/** What the configuration says about the organism. */
typedef struct OoSettings {
    bool enabled;
    bool consult;
    bool multi_actions;
    u32 auto_apply; /* 0 simulate, 1 reductions, 2 increases too */
    bool plan_enable;
    u32 plan_max_actions; /* a boot; 1 when plan_enable is off */
    bool conf_gate;
    u32 conf_threshold;
} OoSettings;

#endif
