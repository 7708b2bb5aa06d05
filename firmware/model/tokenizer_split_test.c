#include "firmware/model/tokenizer_split.h"
#include "firmware/testing/check.h"

/* Checks that `text` is cut as `expected` says, whose words are separated by '|'. */
static void check_split(const char *name, const char *text, const char *expected) {
    WordCursor cursor = word_cursor(pretokenizer_find(str_from_c(name)), str_from_c(text));
    char joined[256] = "";
    usize used = 0;
    Str word;
    while (word_next(&cursor, &word))
        used += fmt(joined + used, sizeof joined - used, "%s%.*s", used ? "|" : "", STR_ARG(word));
    CHECK_STR(str_from_c(joined), str_from_c(expected));
}

static void gpt2_keeps_a_space_with_its_word(void) {
    check_split("gpt-2", "Hello world  again", "Hello| world| | again");
    check_split("gpt-2", "it's we'LL we'll", "it|'s| we|'|LL| we|'ll");
    check_split("gpt-2", "a1234 56!?", "a|1234| 56|!?");
    check_split("gpt-2", "x\n\n\ty  ", "x|\n\n|\t|y|  ");
    check_split("gpt-2", " ", " ");
}

static void smollm_cuts_every_digit(void) {
    check_split("smollm", "in 2024, yes", "in| |2|0|2|4|,| yes");
    check_split("smollm", "a  1", "a|  |1");
}

static void llama3_groups_three_digits_and_ends_lines_with_symbols(void) {
    check_split("llama-bpe", "12345 x", "123|45| x");
    check_split("llama-bpe", "It'S done!!\n\n  next", "It|'S| done|!!\n\n| | next");
    check_split("llama-bpe", "\tword (word)", "\tword| (|word|)");
    check_split("llama-bpe", "a \n \n  b", "a| \n \n| | b");
}

static void qwen2_cuts_every_digit(void) { check_split("qwen2", "12 3a", "1|2| |3|a"); }

static void default_cuts_symbols_and_digit_triples(void) {
    check_split("default", "x==12345;", "x|==|123|45|;");
    check_split("default", "pay $5 `q`", "pay| |$|5| `|q|`");
}

static void malformed_utf8_is_a_symbol_a_byte(void) { check_split("gpt-2", "a\xFF\xC3 b", "a|\xFF\xC3| b"); }

static void unknown_names_and_parts_of_names_are_refused(void) {
    CHECK(pretokenizer_find(STR("llama")) == NULL);
    CHECK(pretokenizer_find(STR("")) == NULL);
    CHECK(pretokenizer_find(STR("qwen2 kormo")) == NULL);
    CHECK(pretokenizer_find(STR("llama3")) == pretokenizer_find(STR("llama-bpe")));
}

static void words_of_any_bytes_join_to_the_text(void) {
    static const char *NAMES[] = {"default", "gpt-2", "smollm", "llama-bpe", "qwen2"};
    static const char ALPHABET[] = "a Z 1'9s\n\r\t.$\xC3\xA9\xE4\xBD\xA0\xFF ";
    u32 state = 1;
    for (usize round = 0; round < 2000; round++) {
        char text[40];
        for (usize i = 0; i < sizeof text; i++) {
            state = state * 1664525u + 1013904223u;
            text[i] = ALPHABET[(state >> 16) % (sizeof ALPHABET - 1)];
        }
        WordCursor cursor = word_cursor(pretokenizer_find(str_from_c(NAMES[round % 5])), (Str){text, sizeof text});
        usize at = 0;
        for (Str word; word_next(&cursor, &word); at += word.len) CHECK(word.len > 0 && word.data == text + at);
        CHECK_U64(at, sizeof text);
    }
}

static const TestCase CASES[] = {
    TEST(gpt2_keeps_a_space_with_its_word),
    TEST(smollm_cuts_every_digit),
    TEST(llama3_groups_three_digits_and_ends_lines_with_symbols),
    TEST(qwen2_cuts_every_digit),
    TEST(default_cuts_symbols_and_digit_triples),
    TEST(malformed_utf8_is_a_symbol_a_byte),
    TEST(unknown_names_and_parts_of_names_are_refused),
    TEST(words_of_any_bytes_join_to_the_text),
};
TEST_MAIN(CASES)
