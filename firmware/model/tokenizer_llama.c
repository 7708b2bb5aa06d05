/* The llama kind: SentencePiece's BPE, which merges the pair whose result scores highest; characters the vocabulary
 * lacks become byte tokens. Spaces are written U+2581 in the file; here pieces hold plain spaces. */
#include "firmware/base/mem.h"
#include "firmware/model/tokenizer_internal.h"

static const Str SPACE_MARK = {"\xE2\x96\x81", 3};

static usize unescape(Str text, char *to) {
    usize used = 0;
    while (text.len > 0) {
        bool mark = str_starts_with(text, SPACE_MARK);
        to[used++] = mark ? ' ' : text.data[0];
        text = str_skip(text, mark ? SPACE_MARK.len : 1);
    }
    return used;
}

static i32 hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

i32 llama_byte(Str raw) {
    if (raw.len != 6 || !str_starts_with(raw, STR("<0x")) || raw.data[5] != '>') return -1;
    i32 high = hex_digit(raw.data[3]);
    i32 low = hex_digit(raw.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

usize llama_piece(Str raw, TokenType type, char *to) {
    if (type == TOKEN_NORMAL || type == TOKEN_UNUSED) return unescape(raw, to);
    if (type == TOKEN_BYTE) raw = (Str){(char[]){(char)llama_byte(raw)}, 1};
    memcpy(to, raw.data, raw.len);
    return raw.len;
}

bool llama_load(const Gguf *gguf, Tokenizer *tokenizer, Error *error) {
    const GgufValue *scores = gguf_find(gguf, STR("tokenizer.ggml.scores"));
    if (scores == NULL || scores->type != GGUF_ARRAY || scores->element != GGUF_F32) {
        return fail(error, ERROR_CORRUPT,
                    "tokenizer.ggml.scores: a llama tokenizer needs an array of float32; convert the model again");
    }
    if (scores->count != tokenizer->count) {
        return fail(error, ERROR_CORRUPT, "tokenizer.ggml.scores: %llu scores for %u tokens; convert the model again",
                    (unsigned long long)scores->count, tokenizer->count);
    }
    memcpy(tokenizer->scores, scores->bytes.data, (usize)tokenizer->count * sizeof(f32));
    return true;
}

/* Numbers that compare as the scores do, the highest score first (IEEE 754 order by sign and magnitude). */
static u32 order_of_score(f32 score) {
    u32 bits;
    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    u32 ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return ~ascending;
}

static bool by_score(const Tokenizer *tokenizer, Str span, u32 left, u32 right, u32 *order, u32 *merged) {
    (void)left;
    (void)right;
    if (span.len > tokenizer->longest) return false;
    *merged = piece_index_find(tokenizer, &tokenizer->ordinary, span);
    if (*merged == TOKEN_NONE) return false;
    *order = order_of_score(tokenizer->scores[*merged]);
    return true;
}

static void emit(const Tokenizer *tokenizer, Str word, const Symbol *symbol, TokenSink *sink) {
    if (symbol->id != TOKEN_NONE) {
        sink_add(sink, symbol->id);
        return;
    }
    for (usize i = 0; i < symbol->length; i++) {
        u32 id = tokenizer->byte_ids[(u8)word.data[symbol->start + i]];
        sink_add(sink, id != TOKEN_NONE ? id : tokenizer->unknown);
    }
}

static void add_characters(Merger *merger, Str word) {
    const Tokenizer *tokenizer = merger->tokenizer;
    for (usize at = 0; at < word.len;) {
        u32 scalar;
        Str character = {word.data + at, utf8_decode(word, at, &scalar)};
        merger_add(merger, character.len, piece_index_find(tokenizer, &tokenizer->ordinary, character));
        at += character.len;
    }
}

bool llama_encode(const Tokenizer *tokenizer, Str text, bool prefix, Arena *scratch, TokenSink *sink) {
    char *copy = ARENA_NEW(scratch, char, text.len + 1);
    if (copy == NULL) return false;
    copy[0] = ' ';
    Str word = {copy, prefix + unescape(text, copy + prefix)};
    Merger merger = merger_new(tokenizer, by_score, scratch);
    if (!merger_start(&merger, word.len)) return false;
    add_characters(&merger, word);
    merger_run(&merger, word);
    for (u32 i = 0; i != SYMBOL_NONE; i = merger.symbols[i].next) emit(tokenizer, word, &merger.symbols[i], sink);
    return true;
}
