#include "firmware/fuzz/harness.h"
#include "firmware/fuzz/model_reader.h"

/** The input is a GGUF model file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = arena_new(test_pages(), 0);
    Model model;
    Error error = {0};
    if (model_from_bytes(harness_input(&arena, data, size), STR("m.gguf"), &arena, &model, &error)) {
        read_model_edges(&model, &arena);
    } else {
        harness_check_error(&error);
    }
    arena_free(&arena);
    return 0;
}
