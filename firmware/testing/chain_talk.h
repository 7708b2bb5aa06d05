/* A conversation with a model whose answers a test dictates (chain_model.h), and a record of what it did. */
#ifndef FIRMWARE_TESTING_CHAIN_TALK_H
#define FIRMWARE_TESTING_CHAIN_TALK_H

#include "firmware/infer/generate.h"
#include "firmware/testing/chain_model.h"
#include "firmware/testing/fake_platform.h"

typedef struct Talk {
    FakePlatform *fake;
    Arena arena, scratch;
    Str file, tokenizer_file;
    Model model;
    Tokenizer *tokenizer;
    Transformer transformer;
    Sampler sampler;
    Conversation conversation;
    TurnResult result;
    Error error;
    char text[4096];
    usize len;
    u32 cleared_from; /* position the conversation was cleared at; 0 is not cleared */
    u32 interrupt_after;
    TokenTiming timings[256]; /* of the last turn */
    usize timing_count;
    u32 verdict_at; /* the token (from 1) at which the watcher gives `verdict` */
    TurnVerdict verdict;
} Talk;

/** Greedy, with the scalar kernels. */
Talk *talk_new(const Chain *chain, u32 context, ChatFormat format);
void talk_free(Talk *talk);
/** Runs a turn; what it gives is in `result` and `error`. */
bool talk_turn(Talk *talk, const char *user, TurnLimits limits);
Str talk_answer(const Talk *talk);

#endif
