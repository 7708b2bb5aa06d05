/* A real model file whose greedy answer a test can dictate: each token has one successor. Its embeddings are one-hot,
 * its layers add nothing, and its classifier maps every token to the next. Tokens are bytes. */
#ifndef FIRMWARE_TESTING_CHAIN_MODEL_H
#define FIRMWARE_TESTING_CHAIN_MODEL_H

#include "firmware/base/str.h"

enum { CHAIN_VOCAB = 259, CHAIN_BOS = 1, CHAIN_EOS = 2, CHAIN_FIRST_BYTE = 3 };

typedef struct Chain {
    u32 next[CHAIN_VOCAB];
} Chain;

/** After every token the answer ends. */
Chain chain_new(void);
/** Each byte of `text` is followed by the next one. A byte has one successor: the last call wins. */
void chain_follow(Chain *chain, const char *text);
/** A llama2.c file of it (64-byte aligned) and its tokenizer.bin; both are freed with free(). */
Str chain_model(const Chain *chain, u32 context);
Str chain_tokenizer(void);

#endif
