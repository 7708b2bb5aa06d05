/* What is common to both kinds: special tokens around and inside a text, and looking tokens up. */
#include "firmware/model/tokenizer_internal.h"

void sink_add(TokenSink *sink, u32 id) {
    if (id == TOKEN_NONE) return;
    if (sink->count < sink->capacity) sink->ids[sink->count] = id;
    sink->count++;
}

/* `first`: nothing, or a special token, stands before this text. */
static bool encode_ordinary(const Tokenizer *tokenizer, Str text, bool first, Arena *scratch, TokenSink *sink) {
    ArenaMark mark = arena_mark(scratch);
    bool encoded = tokenizer->pretokenizer
                       ? gpt2_encode(tokenizer, text, scratch, sink)
                       : llama_encode(tokenizer, text, first && tokenizer->add_space_prefix, scratch, sink);
    arena_release(scratch, mark);
    return encoded;
}

static bool encode_segments(const Tokenizer *tokenizer, Str text, bool parse_special, Arena *scratch, TokenSink *sink) {
    SegmentCursor cursor;
    if (!segment_cursor(tokenizer, text, parse_special, scratch, &cursor)) return false;
    bool first = true;
    for (Segment segment; segment_next(&cursor, &segment);) {
        bool special = segment.token != TOKEN_NONE;
        if (special) sink_add(sink, segment.token);
        if (!special && !encode_ordinary(tokenizer, segment.text, first, scratch, sink)) return false;
        first = special;
    }
    return true;
}

bool tokenizer_encode(const Tokenizer *tokenizer, Str text, EncodeOptions options, Arena *scratch, u32 *ids,
                      usize capacity, usize *count, Error *error) {
    enum { LONGEST_TEXT = 1 << 30 };
    TokenSink sink = {ids, capacity, 0};
    ArenaMark mark = arena_mark(scratch);
    if (text.len > LONGEST_TEXT) {
        return fail(error, ERROR_LIMIT, "a text of %llu bytes; the longest that can be encoded has %d",
                    (unsigned long long)text.len, LONGEST_TEXT);
    }
    if (options.add_special && tokenizer->add_bos) sink_add(&sink, tokenizer->bos);
    bool encoded = encode_segments(tokenizer, text, options.parse_special, scratch, &sink);
    if (options.add_special && tokenizer->add_eos) sink_add(&sink, tokenizer->eos);
    arena_release(scratch, mark);
    *count = min_usize(sink.count, capacity);
    if (!encoded) {
        return fail(error, ERROR_OUT_OF_MEMORY, "no memory to encode a text of %llu bytes; shorten it",
                    (unsigned long long)text.len);
    }
    if (sink.count <= capacity) return true;
    return fail(error, ERROR_LIMIT, "the text makes %llu tokens and there is room for %llu; shorten it",
                (unsigned long long)sink.count, (unsigned long long)capacity);
}

Str tokenizer_piece(const Tokenizer *tokenizer, u32 id, bool with_special) {
    if (id >= tokenizer->count) return STR_NONE;
    u8 type = tokenizer->types[id];
    bool hidden = !with_special && (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN);
    return hidden ? STR_NONE : tokenizer->pieces[id];
}

u32 tokenizer_vocab(const Tokenizer *tokenizer) { return tokenizer->count; }
u32 tokenizer_bos(const Tokenizer *tokenizer) { return tokenizer->bos; }
u32 tokenizer_eos(const Tokenizer *tokenizer) { return tokenizer->eos; }
bool tokenizer_adds_bos(const Tokenizer *tokenizer) { return tokenizer->add_bos; }

bool tokenizer_ends_turn(const Tokenizer *tokenizer, u32 id) {
    for (u32 i = 0; i < tokenizer->turn_end_count; i++) {
        if (tokenizer->turn_ends[i] == id) return true;
    }
    return false;
}

u32 tokenizer_find(const Tokenizer *tokenizer, Str text) {
    u32 id = piece_index_find(tokenizer, &tokenizer->special, text);
    return id != TOKEN_NONE ? id : piece_index_find(tokenizer, &tokenizer->ordinary, text);
}
