#include "firmware/fuzz/tokenizer_reader.h"

#include "firmware/fuzz/harness.h"

enum { MOST_IDS = 4096 };

static u32 sum_of(Str text) {
    u32 sum = 0;
    for (usize i = 0; i < text.len; i++) sum += (u8)text.data[i];
    return sum;
}

static void use_id(const Tokenizer *tokenizer, u32 id) {
    volatile u32 sum = sum_of(tokenizer_piece(tokenizer, id, true)) + sum_of(tokenizer_piece(tokenizer, id, false));
    (void)sum;
    (void)tokenizer_ends_turn(tokenizer, id);
}

static void encode(const Tokenizer *tokenizer, Str text, EncodeOptions options, Arena *arena) {
    static u32 ids[MOST_IDS];
    usize count;
    Error error = {0};
    if (!tokenizer_encode(tokenizer, text, options, arena, ids, MOST_IDS, &count, &error)) {
        harness_check_error(&error);
        return;
    }
    CHECK(count <= MOST_IDS);
    for (usize i = 0; i < count; i++) {
        CHECK_MSG(ids[i] < tokenizer_vocab(tokenizer), "id %u of %u", ids[i], tokenizer_vocab(tokenizer));
        use_id(tokenizer, ids[i]);
    }
}

void use_tokenizer(const Tokenizer *tokenizer, Str text, Arena *arena) {
    for (int ways = 0; ways < 4; ways++) {
        encode(tokenizer, text, (EncodeOptions){.add_special = ways & 1, .parse_special = ways & 2}, arena);
    }
    u32 bos = tokenizer_bos(tokenizer), eos = tokenizer_eos(tokenizer);
    CHECK(bos == TOKEN_NONE || bos < tokenizer_vocab(tokenizer));
    CHECK(eos == TOKEN_NONE || eos < tokenizer_vocab(tokenizer));
    if (bos != TOKEN_NONE) use_id(tokenizer, bos);
    if (eos != TOKEN_NONE) use_id(tokenizer, eos);
    (void)tokenizer_find(tokenizer, text);
}
