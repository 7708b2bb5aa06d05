#include "firmware/base/arena.h"
#include "firmware/testing/check.h"

/* Counts what is outstanding and refuses beyond a budget. */
typedef struct Budget {
    usize left;
    usize outstanding;
} Budget;

static void *budget_alloc(void *context, usize bytes) {
    Budget *budget = context;
    if (bytes > budget->left) return NULL;
    budget->left -= bytes;
    budget->outstanding += bytes;
    return aligned_alloc(64, (bytes + 63) & ~(usize)63);
}

static void budget_free(void *context, void *memory, usize bytes) {
    Budget *budget = context;
    budget->left += bytes;
    budget->outstanding -= bytes;
    free(memory);
}

static Arena budget_arena(Budget *budget, usize chunk) {
    return arena_new((PageSource){budget_alloc, budget_free, budget}, chunk);
}

static void memory_is_zeroed_aligned_and_apart(void) {
    Budget budget = {1 << 20, 0};
    Arena arena = budget_arena(&budget, 4096);
    for (usize align = 1; align <= 64; align *= 2) {
        u8 *memory = arena_alloc(&arena, 100, 1, align);
        CHECK((usize)memory % align == 0);
        for (usize i = 0; i < 100; i++) CHECK(memory[i] == 0);
        memset(memory, 0xFF, 100);
    }
    arena_free(&arena);
    CHECK_U64(budget.outstanding, 0);
}

static void released_memory_is_zeroed_again(void) {
    Budget budget = {1 << 20, 0};
    Arena arena = budget_arena(&budget, 4096);
    ArenaMark mark = arena_mark(&arena);
    memset(arena_alloc(&arena, 64, 1, 1), 0xAA, 64);
    arena_release(&arena, mark);
    CHECK_U64(arena.allocated, 0);
    u8 *again = arena_alloc(&arena, 64, 1, 1);
    CHECK(again[0] == 0 && again[63] == 0);
    arena_free(&arena);
}

static void a_mark_gives_back_later_chunks_only(void) {
    Budget budget = {1 << 20, 0};
    Arena arena = budget_arena(&budget, 4096);
    u8 *kept = arena_alloc(&arena, 10, 1, 1);
    kept[0] = 7;
    ArenaMark mark = arena_mark(&arena);
    usize before = budget.outstanding;
    CHECK(arena_alloc(&arena, 100000, 1, 1) != NULL);
    CHECK(budget.outstanding > before);
    arena_release(&arena, mark);
    CHECK_U64(budget.outstanding, before);
    CHECK(kept[0] == 7);
    arena_free(&arena);
}

static void no_room_and_overflow_give_null_and_change_nothing(void) {
    Budget budget = {8192, 0};
    Arena arena = budget_arena(&budget, 4096);
    CHECK(arena_alloc(&arena, 1, 100, 8) != NULL);
    usize before = arena.allocated;
    CHECK(arena_alloc(&arena, 1, 100000, 8) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX / 2, 3, 8) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX, 1, 8) == NULL);
    CHECK_U64(arena.allocated, before);
    CHECK(arena_alloc(&arena, 1, 100, 8) != NULL);
    arena_free(&arena);
    CHECK_U64(budget.outstanding, 0);
}

static const TestCase CASES[] = {
    TEST(memory_is_zeroed_aligned_and_apart),
    TEST(released_memory_is_zeroed_again),
    TEST(a_mark_gives_back_later_chunks_only),
    TEST(no_room_and_overflow_give_null_and_change_nothing),
};

TEST_MAIN(CASES)
