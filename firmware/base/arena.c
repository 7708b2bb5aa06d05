#include "firmware/base/arena.h"

#include "firmware/base/mem.h"

enum { CHUNK_ALIGN = 64 };

/* Stands at the start of each chunk; the memory it hands out follows. */
struct ArenaChunk {
    _Alignas(CHUNK_ALIGN) ArenaChunk *previous;
    usize bytes; /* of the whole chunk, this header included */
    usize used;  /* offset of the first free byte */
};

Arena arena_new(PageSource source, usize chunk_bytes) { return (Arena){source, chunk_bytes, NULL, 0}; }

static bool take(ArenaChunk *chunk, usize bytes, usize align, void **memory) {
    usize start = (chunk->used + align - 1) & ~(align - 1);
    if (start > chunk->bytes || bytes > chunk->bytes - start) return false;
    *memory = (u8 *)chunk + start;
    chunk->used = start + bytes;
    return true;
}

static bool add_chunk(Arena *arena, usize bytes) {
    usize need;
    if (!add_usize(bytes, sizeof(ArenaChunk), &need)) return false;
    need = max_usize(need, arena->chunk_bytes);
    ArenaChunk *chunk = arena->source.alloc(arena->source.context, need);
    if (chunk == NULL) return false;
    *chunk = (ArenaChunk){arena->chunk, need, sizeof(ArenaChunk)};
    arena->chunk = chunk;
    return true;
}

void *arena_alloc_uncleared(Arena *arena, usize count, usize size, usize align) {
    usize bytes;
    void *memory = NULL;
    if (!mul_usize(count, size, &bytes)) return NULL;
    bool fits = arena->chunk && arena->chunk_bytes && take(arena->chunk, bytes, align, &memory);
    if (!fits && !(add_chunk(arena, bytes) && take(arena->chunk, bytes, align, &memory))) return NULL;
    arena->allocated += bytes;
    return memory;
}

void *arena_alloc(Arena *arena, usize count, usize size, usize align) {
    void *memory = arena_alloc_uncleared(arena, count, size, align);
    return memory ? memset(memory, 0, count * size) : NULL;
}

ArenaMark arena_mark(const Arena *arena) {
    return (ArenaMark){arena->chunk, arena->chunk ? arena->chunk->used : 0, arena->allocated};
}

void arena_release(Arena *arena, ArenaMark mark) {
    while (arena->chunk != mark.chunk) {
        ArenaChunk *chunk = arena->chunk;
        arena->chunk = chunk->previous;
        arena->source.free(arena->source.context, chunk, chunk->bytes);
    }
    if (arena->chunk) arena->chunk->used = mark.used;
    arena->allocated = mark.allocated;
}

void arena_free(Arena *arena) { arena_release(arena, (ArenaMark){0}); }
