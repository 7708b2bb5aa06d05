/* A choice among a closed list of texts, by a model's own probabilities. */
#ifndef FIRMWARE_INFER_CHOICE_H
#define FIRMWARE_INFER_CHOICE_H

#include "firmware/infer/generate.h"

typedef struct Choice {
    Str question;
    Str blank; /* the same question without content */
    const Str *options;
    usize count;
} Choice;

/**
 * Scores every option: the mean log probability (nats) of its tokens as the answer to the question, less the same
 * behind the blank question, so that a text that is likely anyway wins nothing by it (contextual calibration, Zhao et
 * al. 2021).
 *
 * The model is asked in a context of its own, made in `scratch` and given back: conversation, key-value cache and
 * random sequence are as they were. Errors: ERROR_OUT_OF_MEMORY; ERROR_LIMIT when the question and its longest option
 * do not fit the model's context.
 */
bool choice_score(const Conversation *conversation, const Choice *choice, Arena *scratch, f64 *scores, Error *error);

#endif
