#include "firmware/fuzz/harness.h"
#include "firmware/repl/config.h"

static void check_warning(void *argument, u32 line, Str key, Str problem) {
    u32 *warnings = argument;
    volatile usize seen = line + key.len + problem.len;
    (void)seen;
    ++*warnings;
}

/** Every setting can be written. */
static void check_values(const Config *config) {
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        char buffer[CONFIG_VALUE_BYTES];
        CHECK(config_get(config, &CONFIG_KEYS[i], buffer).len < CONFIG_VALUE_BYTES);
    }
}

/** The input is a repl.cfg. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = arena_new(test_pages(), 0);
    Config config = config_defaults();
    u32 warnings = 0;
    ConfigReport report = {.owner = OWNER_OPERATOR, .argument = &warnings, .warning = check_warning};
    config_read(&config, harness_input(&arena, data, size), &report);
    CHECK(report.warnings == warnings);
    check_values(&config);
    arena_free(&arena);
    return 0;
}
