#include "firmware/oo/action.h"

/* A phrase read as advice is its own action, and no phrase has a line break: a model is asked with them in a row. */
const ActionInfo ACTIONS[OO_ACTIONS] = {
    [OO_ACTION_REDUCE_CTX] = {.kind = ACTION_REDUCE,
                              .key = OO_KEY_CTX_LEN,
                              .quantity = OO_QUANTITY_FREE_MEMORY_KIB,
                              .direction = OO_DIRECTION_UP,
                              .phrase = "reduce the context"},
    [OO_ACTION_REDUCE_SEQ] = {.kind = ACTION_REDUCE,
                              .key = OO_KEY_SEQ_LEN,
                              .quantity = OO_QUANTITY_DECODE_CYCLES_PER_TOKEN,
                              .direction = OO_DIRECTION_DOWN,
                              .phrase = "reduce the sequence"},
    [OO_ACTION_INCREASE_CTX] = {.kind = ACTION_INCREASE,
                                .key = OO_KEY_CTX_LEN,
                                .quantity = OO_QUANTITY_CONTEXT_OVERFLOWS_PER_MILLE,
                                .direction = OO_DIRECTION_DOWN,
                                .phrase = "increase the context"},
    [OO_ACTION_STABLE] = {.kind = ACTION_NOTHING, .phrase = "change nothing", .log_reason = REASON_ID_OO_STABLE_OK},
    [OO_ACTION_REBOOT] = {.kind = ACTION_LOG_ONLY,
                          .phrase = "reboot the machine",
                          .log_reason = REASON_ID_OO_REBOOT_LOG_ONLY},
    [OO_ACTION_CHANGE_MODEL] = {.kind = ACTION_LOG_ONLY,
                                .phrase = "switch the model",
                                .log_reason = REASON_ID_OO_MODEL_LOG_ONLY},
};

bool oo_values_equal(const OoValues *a, const OoValues *b) {
    for (OoKey key = 0; key < OO_KEYS; key++) {
        if (a->of[key] != b->of[key]) return false;
    }
    return true;
}
