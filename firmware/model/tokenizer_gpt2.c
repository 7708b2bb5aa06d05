/* The gpt2 kind: byte-level BPE. The file writes each byte as a printable character (GPT-2's byte alphabet); here
 * pieces hold the bytes themselves, so text needs no translation to be encoded. */
#include "firmware/model/tokenizer_internal.h"

/* The byte a character of the alphabet stands for, or -1. The 188 printable bytes of Latin-1 stand for themselves; the
 * other 68 are numbered from U+0100 in order: 0x00..0x20, 0x7F..0xA0, 0xAD. */
static i32 byte_of(u32 scalar) {
    bool plain = (scalar >= 0x21 && scalar <= 0x7E) || (scalar >= 0xA1 && scalar <= 0xFF && scalar != 0xAD);
    if (plain) return (i32)scalar;
    if (scalar < 0x100 || scalar > 0x143) return -1;
    u32 rank = scalar - 0x100;
    return (i32)(rank <= 0x20 ? rank : rank <= 0x42 ? rank - 0x21 + 0x7F : 0xAD);
}

usize gpt2_piece(Str raw, char *to) {
    usize used = 0;
    for (usize at = 0; at < raw.len;) {
        if ((u8)raw.data[at] < 0x80) { /* ASCII stands for itself, in the alphabet or not */
            to[used++] = raw.data[at++];
            continue;
        }
        u32 scalar;
        usize length = utf8_decode(raw, at, &scalar);
        i32 byte = byte_of(scalar);
        if (byte >= 0) to[used++] = (char)byte;
        for (usize i = 0; byte < 0 && i < length; i++) to[used++] = raw.data[at + i];
        at += length;
    }
    return used;
}

static bool read_merge(Tokenizer *tokenizer, Str text, char *buffer, Merge *merge) {
    usize cut = text.len ? 1 + str_find_byte(str_skip(text, 1), ' ') : 0;
    if (cut >= text.len || text.len > 2 * (usize)tokenizer->longest + 1) return false;
    usize left = gpt2_piece(str_take(text, cut), buffer);
    usize both = left + gpt2_piece(str_skip(text, cut + 1), buffer + left);
    const PieceIndex *index = &tokenizer->ordinary;
    merge->left = piece_index_find(tokenizer, index, (Str){buffer, left});
    merge->right = piece_index_find(tokenizer, index, (Str){buffer + left, both - left});
    merge->merged = piece_index_find(tokenizer, index, (Str){buffer, both});
    return merge->left != TOKEN_NONE && merge->right != TOKEN_NONE && merge->merged != TOKEN_NONE;
}

bool gpt2_load(const Gguf *gguf, Arena *arena, Tokenizer *tokenizer, Error *error) {
    const GgufValue *list = gguf_find(gguf, STR("tokenizer.ggml.merges"));
    if (list == NULL || list->type != GGUF_ARRAY || list->element != GGUF_STRING || list->count > TOKEN_NONE / 4) {
        return fail(error, ERROR_CORRUPT,
                    "tokenizer.ggml.merges: a gpt2 tokenizer needs an array of strings; convert the model again");
    }
    char *buffer = ARENA_NEW(arena, char, 2 * (usize)tokenizer->longest + 1);
    if (buffer == NULL || !merge_index_new(&tokenizer->merges, (u32)list->count, arena)) {
        return fail(error, ERROR_OUT_OF_MEMORY, "no memory for the tokenizer's %llu merges",
                    (unsigned long long)list->count);
    }
    usize cursor = 0;
    Str text;
    for (u32 rank = 0; gguf_next_string(list, &cursor, &text); rank++) {
        if (!read_merge(tokenizer, text, buffer, &tokenizer->merges.merges[rank])) {
            return fail(
                error, ERROR_CORRUPT,
                "tokenizer.ggml.merges: number %u, \"%.*s\", is not two tokens of the vocabulary that join to a "
                "third; convert the model again",
                rank, STR_ARG(str_take(text, 64)));
        }
        merge_index_add(&tokenizer->merges, rank);
    }
    return true;
}

static bool by_rank(const Tokenizer *tokenizer, Str span, u32 left, u32 right, u32 *order, u32 *merged) {
    (void)span;
    u32 rank = merge_index_find(&tokenizer->merges, left, right);
    if (rank == TOKEN_NONE) return false;
    *order = rank;
    *merged = tokenizer->merges.merges[rank].merged;
    return true;
}

static bool encode_word(Merger *merger, Str word, TokenSink *sink) {
    const Tokenizer *tokenizer = merger->tokenizer;
    if (tokenizer->pretokenizer->ignore_merges) {
        u32 whole = piece_index_find(tokenizer, &tokenizer->ordinary, word);
        if (whole != TOKEN_NONE) {
            sink_add(sink, whole);
            return true;
        }
    }
    if (!merger_start(merger, word.len)) return false;
    for (usize i = 0; i < word.len; i++) merger_add(merger, 1, tokenizer->byte_ids[(u8)word.data[i]]);
    merger_run(merger, word);
    for (u32 i = 0; i != SYMBOL_NONE; i = merger->symbols[i].next) sink_add(sink, merger->symbols[i].id);
    return true;
}

bool gpt2_encode(const Tokenizer *tokenizer, Str text, Arena *scratch, TokenSink *sink) {
    Merger merger = merger_new(tokenizer, by_rank, scratch);
    WordCursor cursor = word_cursor(tokenizer->pretokenizer, text);
    for (Str word; word_next(&cursor, &word);) {
        if (!encode_word(&merger, word, sink)) return false;
    }
    return true;
}
