/* Hash tables of ids by piece and of ranks by pair: open addressing with linear probing, at most half full. */
#include "firmware/base/mem.h"
#include "firmware/model/tokenizer_internal.h"

static u64 mix(u64 hash, u64 word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static u32 hash_bytes(Str bytes) {
    u64 hash = bytes.len;
    u64 word = 0;
    usize at = 0;
    for (; at + sizeof word <= bytes.len; at += sizeof word) {
        memcpy(&word, bytes.data + at, sizeof word);
        hash = mix(hash, word);
    }
    for (word = 0; at < bytes.len; at++) word = word << 8 | (u8)bytes.data[at];
    return (u32)(mix(hash, word) >> 32);
}

static u32 hash_pair(u32 left, u32 right) { return (u32)(mix(mix(0, left), right) >> 32); }

/* Free slots for `capacity` entries, and as many again; NULL when the arena is full. */
static u32 *new_slots(u32 capacity, u32 *mask, Arena *arena) {
    usize size = 8;
    while (size < (usize)capacity * 2) size *= 2;
    u32 *slots = ARENA_NEW(arena, u32, size);
    if (slots == NULL) return NULL;
    *mask = (u32)(size - 1);
    return memset(slots, 0xFF, size * sizeof *slots);
}

bool piece_index_new(PieceIndex *index, u32 capacity, Arena *arena) {
    index->slots = new_slots(capacity, &index->mask, arena);
    return index->slots != NULL;
}

/* The slot that holds the piece, or the free one where it belongs. */
static u32 *piece_slot(const Tokenizer *tokenizer, const PieceIndex *index, Str piece) {
    u32 at = hash_bytes(piece) & index->mask;
    while (index->slots[at] != TOKEN_NONE && !str_eq(tokenizer->pieces[index->slots[at]], piece)) {
        at = (at + 1) & index->mask;
    }
    return &index->slots[at];
}

void piece_index_add(const Tokenizer *tokenizer, PieceIndex *index, u32 id) {
    u32 *slot = piece_slot(tokenizer, index, tokenizer->pieces[id]);
    if (*slot == TOKEN_NONE) *slot = id;
}

u32 piece_index_find(const Tokenizer *tokenizer, const PieceIndex *index, Str piece) {
    return *piece_slot(tokenizer, index, piece);
}

bool merge_index_new(MergeIndex *index, u32 capacity, Arena *arena) {
    index->merges = ARENA_NEW(arena, Merge, capacity);
    index->slots = new_slots(capacity, &index->mask, arena);
    return index->merges != NULL && index->slots != NULL;
}

static u32 *merge_slot(const MergeIndex *index, u32 left, u32 right) {
    u32 at = hash_pair(left, right) & index->mask;
    while (index->slots[at] != TOKEN_NONE) {
        const Merge *merge = &index->merges[index->slots[at]];
        if (merge->left == left && merge->right == right) break;
        at = (at + 1) & index->mask;
    }
    return &index->slots[at];
}

void merge_index_add(MergeIndex *index, u32 rank) {
    u32 *slot = merge_slot(index, index->merges[rank].left, index->merges[rank].right);
    if (*slot == TOKEN_NONE) *slot = rank;
}

u32 merge_index_find(const MergeIndex *index, u32 left, u32 right) { return *merge_slot(index, left, right); }
