/* What a consult advises: actions of the closed list, and how sure its source is. */
#ifndef FIRMWARE_OO_ADVICE_H
#define FIRMWARE_OO_ADVICE_H

#include "firmware/oo/action.h"

enum { ADVICE_ACTIONS_MAX = 3, ADVICE_TEXT_MAX = 160, ADVICE_QUESTION_MAX = 512 };

typedef struct Advice {
    OoSource source;
    OoAction actions[ADVICE_ACTIONS_MAX]; /* in the order advised, each once */
    u32 count;                            /* 0: nothing of it is an action */
    f64 share;                            /* of a model's first action: its probability among the list */
    f64 margin;                           /* nats a token between the model's first two actions; 0 for a mock */
    bool is_empty;                        /* no word at all */
    char text[ADVICE_TEXT_MAX];           /* as it was given, cut at a character */
    usize text_len;
} Advice;

/**
 * Reads words. A word is a run of letters, digits and underscores, upper or lower case, and counts only as a whole
 * ("token" is not "ok"). A verb (reduce, lower, decrease, shrink; increase, raise, more, expand) takes the objects up
 * to the next verb (ctx, context, ctx_len; seq, sequence, seq_len); without one it means the context, and with one that
 * it has no action for, nothing. "reduce_ctx" and the other names of actions are words of their own. reboot, restart;
 * model, switch; stable, ok, wait, good, nothing stand alone. A word right behind not, no, never, don't is not advised.
 * "stable" gives way to every other action. Of more than ADVICE_ACTIONS_MAX the first are taken.
 */
void advice_parse(Str text, Advice *advice);
/** The likeliest of the list, the first of equals. `logprobs` are nats a token, one an action; `shares` gets their
 * softmax. What is no finite number has no share; when none is, the advice is empty. */
void advice_choose(const f64 logprobs[OO_ACTIONS], f64 shares[OO_ACTIONS], Advice *advice);

/** What the model is asked about. */
typedef struct AdviceFacts {
    OoMode mode;
    u64 ram_mib;
    u32 ctx, seq;
    u64 boots;
    u64 overflows, allocation_failures, turns; /* of this boot */
} AdviceFacts;

/** The question as plain text, with facts and instruction whole whatever they are. Returns it in `buffer`. */
Str advice_question(const AdviceFacts *facts, char buffer[ADVICE_QUESTION_MAX]);
/** The same question without any fact: what a choice would be that knows nothing. */
Str advice_question_blank(void);

#endif
