#include "firmware/fuzz/harness.h"
#include "firmware/fuzz/tokenizer_reader.h"

static void use_file(Str bytes, u32 vocab, Str text, Arena *arena) {
    Tokenizer *tokenizer;
    Error error = {0};
    if (tokenizer_from_llama2c(bytes, vocab, arena, &tokenizer, &error)) {
        use_tokenizer(tokenizer, text, arena);
    } else {
        harness_check_error(&error);
    }
}

/** The input is the size of the vocabulary in two bytes, the length of a text in one, the text, and a tokenizer.bin. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) return 0;
    Arena arena = arena_new(test_pages(), 0);
    Str rest = {(const char *)data + 3, size - 3};
    Str text = str_take(rest, data[2]);
    Str file = str_skip(rest, text.len);
    use_file(harness_input(&arena, (const uint8_t *)file.data, file.len), data[0] | (u32)data[1] << 8, text, &arena);
    arena_free(&arena);
    return 0;
}
