/* Memory in two lifetimes: an arena grows by chunks and is released to a mark or as a whole. */
#ifndef FIRMWARE_BASE_ARENA_H
#define FIRMWARE_BASE_ARENA_H

#include "firmware/base/types.h"

/** Where arenas get their chunks from. `alloc` returns memory aligned to 64 bytes, or NULL. */
typedef struct PageSource {
    void *(*alloc)(void *context, usize bytes);
    void (*free)(void *context, void *memory, usize bytes);
    void *context;
} PageSource;

typedef struct ArenaChunk ArenaChunk;

/**
 * `chunk_bytes` is the least size asked of the source; 0 gives every allocation a chunk of its own, which lets a
 * sanitizer see the edges of each.
 */
typedef struct Arena {
    PageSource source;
    usize chunk_bytes;
    ArenaChunk *chunk;
    usize allocated; /* bytes handed out and not yet released */
} Arena;

typedef struct ArenaMark {
    ArenaChunk *chunk;
    usize used;
    usize allocated;
} ArenaMark;

Arena arena_new(PageSource source, usize chunk_bytes);
/** `count * size` zeroed bytes at a multiple of `align` (a power of two, at most 64); NULL when there is no room. */
void *arena_alloc(Arena *arena, usize count, usize size, usize align);
/** The same without clearing: for memory that is overwritten at once, such as a model's file. */
void *arena_alloc_uncleared(Arena *arena, usize count, usize size, usize align);
#define ARENA_NEW(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type), _Alignof(type)))
ArenaMark arena_mark(const Arena *arena);
/** Gives back everything allocated since the mark. Marks are released in reverse order. */
void arena_release(Arena *arena, ArenaMark mark);
/** Gives everything back; the arena can be used again. */
void arena_free(Arena *arena);

#endif
