/* Special tokens in raw text: cut out whole before anything else looks at the text. */
#include "firmware/base/mem.h"
#include "firmware/model/tokenizer_internal.h"

static u32 special_at(const Tokenizer *tokenizer, Str text, usize at, usize length, bool parse_special) {
    if (!tokenizer->special_starts[(u8)text.data[at]]) return TOKEN_NONE;
    u32 id = piece_index_find(tokenizer, &tokenizer->special, (Str){text.data + at, length});
    if (id == TOKEN_NONE) return TOKEN_NONE;
    return parse_special || tokenizer->types[id] == TOKEN_USER_DEFINED ? id : TOKEN_NONE;
}

/* Marks the special tokens of one length, where no longer one has been marked before. */
static void mark_length(const Tokenizer *tokenizer, Str text, usize length, bool parse_special, u32 *owners) {
    for (usize at = 0; at + length <= text.len; at++) {
        if (owners[at] != TOKEN_NONE || owners[at + length - 1] != TOKEN_NONE) continue;
        u32 id = special_at(tokenizer, text, at, length, parse_special);
        if (id == TOKEN_NONE) continue;
        for (usize i = 0; i < length; i++) owners[at + i] = id;
        at += length - 1;
    }
}

bool segment_cursor(const Tokenizer *tokenizer, Str text, bool parse_special, Arena *scratch, SegmentCursor *cursor) {
    *cursor = (SegmentCursor){text, NULL, tokenizer, 0};
    if (!parse_special && !tokenizer->has_user_defined) return true;
    u32 *owners = ARENA_NEW(scratch, u32, text.len);
    if (owners == NULL) return false;
    memset(owners, 0xFF, text.len * sizeof *owners);
    for (usize length = SPECIAL_LONGEST; length > 0; length--) {
        if (tokenizer->special_lengths[length]) mark_length(tokenizer, text, length, parse_special, owners);
    }
    cursor->owners = owners;
    return true;
}

bool segment_next(SegmentCursor *cursor, Segment *segment) {
    usize start = cursor->at;
    usize end = start;
    if (start >= cursor->text.len) return false;
    u32 token = cursor->owners ? cursor->owners[start] : TOKEN_NONE;
    if (token != TOKEN_NONE) {
        end += cursor->tokenizer->pieces[token].len;
    } else if (cursor->owners == NULL) {
        end = cursor->text.len;
    } else {
        while (end < cursor->text.len && cursor->owners[end] == TOKEN_NONE) end++;
    }
    *segment = (Segment){{cursor->text.data + start, end - start}, token};
    cursor->at = end;
    return true;
}
