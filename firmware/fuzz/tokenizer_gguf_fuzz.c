#include "firmware/fuzz/harness.h"
#include "firmware/fuzz/tokenizer_reader.h"

static void use_gguf(Str bytes, Arena *arena) {
    Gguf gguf;
    Tokenizer *tokenizer;
    Error error = {0};
    if (!gguf_parse(bytes, bytes.len, arena, &gguf, &error) || !tokenizer_from_gguf(&gguf, arena, &tokenizer, &error)) {
        harness_check_error(&error);
        return;
    }
    use_tokenizer(tokenizer, str_skip(bytes, (usize)gguf.data_offset), arena);
}

/** The input is the head of a GGUF file, and behind it the text to encode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = arena_new(test_pages(), 0);
    use_gguf(harness_input(&arena, data, size), &arena);
    arena_free(&arena);
    return 0;
}
