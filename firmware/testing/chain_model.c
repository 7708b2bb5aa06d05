#include "firmware/testing/chain_model.h"

#include "firmware/testing/check.h"

enum { DIM = 288, HIDDEN = 32, LAYERS = 1, HEADS = 2 };

Chain chain_new(void) {
    Chain chain;
    for (u32 i = 0; i < CHAIN_VOCAB; i++) chain.next[i] = CHAIN_EOS;
    return chain;
}

static u32 byte_token(char byte) { return CHAIN_FIRST_BYTE + (u8)byte; }

void chain_follow(Chain *chain, const char *text) {
    for (; text[0] && text[1]; text++) chain->next[byte_token(text[0])] = byte_token(text[1]);
}

Str chain_model(const Chain *chain, u32 context) {
    /* Negative vocabulary: the classifier is a matrix of its own. */
    const i32 header[7] = {DIM, HIDDEN, LAYERS, HEADS, HEADS, -CHAIN_VOCAB, (i32)context};
    const usize norms = LAYERS * DIM, attention = 4 * LAYERS * DIM * DIM, ffn = 3 * LAYERS * HIDDEN * DIM;
    const usize matrix = (usize)CHAIN_VOCAB * DIM, rope = (usize)context * (DIM / HEADS);
    const usize values = 2 * matrix + 2 * norms + attention + ffn + DIM + rope;
    const usize bytes = sizeof(header) + values * sizeof(f32);
    void *file = aligned_alloc(64, (bytes + 63) / 64 * 64);
    CHECK(file != NULL);
    memset(file, 0, bytes);
    memcpy(file, header, sizeof(header));
    f32 *embedding = (f32 *)((u8 *)file + sizeof(header));
    f32 *final_norm = embedding + matrix + 2 * norms + attention + ffn;
    f32 *classifier = final_norm + DIM + rope;
    for (u32 i = 0; i < DIM; i++) final_norm[i] = 1;
    for (u32 id = 0; id < CHAIN_VOCAB; id++) {
        embedding[id * DIM + id] = 1;
        classifier[chain->next[id] * DIM + id] = 1;
    }
    return (Str){file, bytes};
}

Str chain_tokenizer(void) {
    enum { ENTRY_BYTES = 32 };
    char *file = malloc(4 + CHAIN_VOCAB * ENTRY_BYTES);
    i32 longest = 6;
    usize at = sizeof(longest);
    memcpy(file, &longest, sizeof(longest));
    for (u32 id = 0; id < CHAIN_VOCAB; id++) {
        static const char *const SPECIAL[] = {"<unk>", "\n<s>\n", "\n</s>\n"};
        char piece[16];
        if (id < CHAIN_FIRST_BYTE)
            snprintf(piece, sizeof(piece), "%s", SPECIAL[id]);
        else
            snprintf(piece, sizeof(piece), "<0x%02X>", id - CHAIN_FIRST_BYTE);
        f32 score = 0;
        i32 length = (i32)strlen(piece);
        memcpy(file + at, &score, sizeof(score));
        memcpy(file + at + 4, &length, sizeof(length));
        memcpy(file + at + 8, piece, (usize)length);
        at += 8 + (usize)length;
    }
    return (Str){file, at};
}
