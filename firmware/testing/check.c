#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include "firmware/testing/check.h"

static void *malloc_pages(void *context, usize bytes) {
    (void)context;
    void *memory = NULL;
    return posix_memalign(&memory, 64, bytes ? bytes : 1) == 0 ? memory : NULL;
}

static void free_pages(void *context, void *memory, usize bytes) {
    (void)context;
    (void)bytes;
    free(memory);
}

PageSource test_pages(void) { return (PageSource){malloc_pages, free_pages, NULL}; }

static bool is_wanted(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) return true;
    }
    return argc < 2;
}

int test_main(int argc, char **argv, const TestCase *cases, usize count) {
    usize ran = 0;
    for (usize i = 0; i < count; i++) {
        if (!is_wanted(cases[i].name, argc, argv)) continue;
        cases[i].run();
        printf("ok %s\n", cases[i].name);
        ran++;
    }
    printf("%zu passed\n", ran);
    return ran == 0;
}
