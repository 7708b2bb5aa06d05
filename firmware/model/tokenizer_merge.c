/* The loop both kinds share: neighbouring symbols are merged, the best pair first, from a binary heap of pairs.
 * A pair on the heap is stale when one of its symbols has been merged since; it is then passed over. */
#include "firmware/model/tokenizer_internal.h"

typedef struct Bigram {
    u64 order; /* the rule's order, then the left symbol's place: the least is merged first */
    u32 right;
    u32 merged;
} Bigram;

/* A merge takes one symbol away and adds at most two pairs to the n - 1 of the start. */
enum { BIGRAMS_PER_SYMBOL = 3 };

Merger merger_new(const Tokenizer *tokenizer, MergeRule *rule, Arena *scratch) {
    return (Merger){.tokenizer = tokenizer, .rule = rule, .scratch = scratch, .mark = arena_mark(scratch)};
}

static bool grow(Merger *merger, usize symbols) {
    enum { FIRST_CAPACITY = 64 };
    usize capacity = max_usize(merger->capacity, FIRST_CAPACITY);
    while (capacity < symbols) capacity *= 2;
    arena_release(merger->scratch, merger->mark);
    merger->capacity = 0;
    merger->symbols = ARENA_NEW(merger->scratch, Symbol, capacity);
    merger->heap = ARENA_NEW(merger->scratch, Bigram, capacity * BIGRAMS_PER_SYMBOL);
    if (merger->symbols == NULL || merger->heap == NULL) return false;
    merger->capacity = capacity;
    return true;
}

bool merger_start(Merger *merger, usize symbols) {
    merger->symbol_count = 0;
    merger->heap_count = 0;
    return symbols <= merger->capacity || grow(merger, symbols);
}

void merger_add(Merger *merger, usize length, u32 id) {
    u32 index = (u32)merger->symbol_count++;
    Symbol *last = index ? &merger->symbols[index - 1] : NULL;
    u32 start = last ? last->start + last->length : 0;
    merger->symbols[index] = (Symbol){start, (u32)length, last ? index - 1 : SYMBOL_NONE, SYMBOL_NONE, id};
    if (last) last->next = index;
}

static void heap_push(Merger *merger, Bigram bigram) {
    usize at = merger->heap_count++;
    for (; at > 0 && merger->heap[(at - 1) / 2].order > bigram.order; at = (at - 1) / 2) {
        merger->heap[at] = merger->heap[(at - 1) / 2];
    }
    merger->heap[at] = bigram;
}

static Bigram heap_pop(Merger *merger) {
    Bigram least = merger->heap[0];
    Bigram last = merger->heap[--merger->heap_count];
    usize at = 0;
    for (usize child = 1; child < merger->heap_count; child = 2 * at + 1) {
        if (child + 1 < merger->heap_count && merger->heap[child + 1].order < merger->heap[child].order) child++;
        if (merger->heap[child].order >= last.order) break;
        merger->heap[at] = merger->heap[child];
        at = child;
    }
    merger->heap[at] = last;
    return least;
}

static void try_pair(Merger *merger, Str word, u32 left, u32 right) {
    if (left == SYMBOL_NONE || right == SYMBOL_NONE) return;
    const Symbol *l = &merger->symbols[left];
    const Symbol *r = &merger->symbols[right];
    Str span = {word.data + l->start, l->length + r->length};
    u32 order, merged;
    if (!merger->rule(merger->tokenizer, span, l->id, r->id, &order, &merged)) return;
    heap_push(merger, (Bigram){(u64)order << 32 | left, right, merged});
}

static bool is_stale(const Merger *merger, const Symbol *left, const Symbol *right, u32 merged) {
    if (left->length == 0 || right->length == 0) return true;
    return left->length + right->length != merger->tokenizer->pieces[merged].len;
}

void merger_run(Merger *merger, Str word) {
    for (u32 i = 1; i < merger->symbol_count; i++) try_pair(merger, word, i - 1, i);
    while (merger->heap_count > 0) {
        Bigram bigram = heap_pop(merger);
        u32 at = (u32)bigram.order;
        Symbol *left = &merger->symbols[at];
        Symbol *right = &merger->symbols[bigram.right];
        if (is_stale(merger, left, right, bigram.merged)) continue;
        left->length += right->length;
        left->id = bigram.merged;
        left->next = right->next;
        right->length = 0;
        if (left->next != SYMBOL_NONE) merger->symbols[left->next].previous = at;
        try_pair(merger, word, left->previous, at);
        try_pair(merger, word, at, left->next);
    }
}
