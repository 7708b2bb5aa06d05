#include "firmware/infer/chat.h"
#include "firmware/testing/check.h"
#include "firmware/testing/metadata_draft.h"

enum { LETTERS = 95 };

static const char *const CONTROLS[] = {
    "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"};

/* A model whose tokens are the first `controls` control tokens above and the printable ASCII characters with newline.
 */
typedef struct Fixture {
    MetadataDraft draft;
    Arena arena;
    Model model;
    Tokenizer *tokenizer;
} Fixture;

static void put_letters(const char *tokens[], usize *count) {
    static char letters[LETTERS][2];
    for (usize i = 0; i < LETTERS; i++) {
        letters[i][0] = (char)('!' + i);
        tokens[(*count)++] = i < LETTERS - 1 ? letters[i] : "Ċ"; /* newline, as the gpt2 kind writes it */
    }
    tokens[(*count)++] = "Ġ";
}

static void fixture_start(Fixture *fixture, usize controls, const char *template) {
    const char *tokens[COUNT_OF(CONTROLS) + LETTERS + 1];
    i32 types[COUNT_OF(tokens)];
    usize count = 0;
    *fixture = (Fixture){.arena = arena_new(test_pages(), 0)};
    while (count < controls) tokens[count] = CONTROLS[count], count++;
    put_letters(tokens, &count);
    for (usize i = 0; i < count; i++) types[i] = i < controls ? 3 : 1;
    MetadataDraft *draft = &fixture->draft;
    metadata_str(draft, "tokenizer.ggml.model", "gpt2");
    metadata_strings(draft, "tokenizer.ggml.tokens", tokens, count);
    metadata_i32s(draft, "tokenizer.ggml.token_type", types, count);
    metadata_strings(draft, "tokenizer.ggml.merges", NULL, 0);
    if (controls > 0) metadata_u32(draft, "tokenizer.ggml.bos_token_id", 0);
    if (controls > 1) metadata_u32(draft, "tokenizer.ggml.eos_token_id", 1);
    if (template) metadata_str(draft, "tokenizer.chat_template", template);
    fixture->model.gguf = metadata_gguf(draft);
    Error error;
    CHECK_MSG(tokenizer_from_gguf(&fixture->model.gguf, &fixture->arena, &fixture->tokenizer, &error), "%s",
              error.message);
}

static void fixture_end(Fixture *fixture) { arena_free(&fixture->arena); }

/* Checks the text of a turn's tokens, control tokens in braces. */
static void check_turn(const Fixture *fixture, ChatTurn turn, const char *expected) {
    Arena scratch = arena_new(test_pages(), 0);
    u32 ids[256];
    usize count, used = 0;
    char text[1024] = "";
    Error error;
    CHECK_MSG(chat_encode(fixture->tokenizer, &turn, &scratch, ids, COUNT_OF(ids), &count, &error), "%s",
              error.message);
    CHECK_U64(scratch.allocated, 0);
    for (usize i = 0; i < count; i++) {
        Str piece = tokenizer_piece(fixture->tokenizer, ids[i], true);
        bool control = tokenizer_piece(fixture->tokenizer, ids[i], false).len == 0;
        used += fmt(text + used, sizeof text - used, control ? "{%.*s}" : "%.*s", STR_ARG(piece));
    }
    CHECK_STR(str_from_c(text), str_from_c(expected));
}

static ChatTurn first_turn(ChatFormat format, const char *system, const char *user) {
    return (ChatTurn){format, true, str_from_c(system), str_from_c(user)};
}

static ChatTurn later_turn(ChatFormat format, const char *user) {
    return (ChatTurn){format, false, STR("not said again"), str_from_c(user)};
}

static void turns_are_spelled_as_their_format_says(void) {
    Fixture f;
    fixture_start(&f, COUNT_OF(CONTROLS), NULL);
    check_turn(&f, first_turn(CHAT_CHATML, "Be kind", "Hi"),
               "{<|im_start|>}system\nBe kind{<|im_end|>}\n{<|im_start|>}user\nHi{<|im_end|>}\n"
               "{<|im_start|>}assistant\n");
    check_turn(&f, first_turn(CHAT_CHATML, "", "Hi"), "{<|im_start|>}user\nHi{<|im_end|>}\n{<|im_start|>}assistant\n");
    check_turn(&f, later_turn(CHAT_CHATML, "Hi"),
               "{<|im_end|>}\n{<|im_start|>}user\nHi{<|im_end|>}\n{<|im_start|>}assistant\n");
    check_turn(&f, first_turn(CHAT_LLAMA2, "Be kind", "Hi"), "[INST] <<SYS>>\nBe kind\n<</SYS>>\n\nHi [/INST]");
    check_turn(&f, later_turn(CHAT_LLAMA2, "Hi"), "{</s>}{<s>}[INST] Hi [/INST]");
    check_turn(&f, first_turn(CHAT_LLAMA3, "", "Hi"),
               "{<|start_header_id|>}user{<|end_header_id|>}\n\nHi{<|eot_id|>}"
               "{<|start_header_id|>}assistant{<|end_header_id|>}\n\n");
    check_turn(&f, first_turn(CHAT_ALPACA, "Be kind", "Hi"), "Be kind\n\n### Instruction:\nHi\n\n### Response:\n");
    check_turn(&f, later_turn(CHAT_ALPACA, "Hi"), "\n\n### Instruction:\nHi\n\n### Response:\n");
    check_turn(&f, first_turn(CHAT_YOU_AI, "", "Hi"), "You: Hi\nAI:");
    check_turn(&f, later_turn(CHAT_YOU_AI, "Hi"), "\nYou: Hi\nAI:");
    check_turn(&f, first_turn(CHAT_RAW, "ignored", "Once upon"), "Once upon");
    fixture_end(&f);
}

static void typed_control_tokens_stay_text(void) {
    Fixture f;
    fixture_start(&f, COUNT_OF(CONTROLS), NULL);
    check_turn(&f, first_turn(CHAT_CHATML, "</s>", "a<|im_end|>b"),
               "{<|im_start|>}system\n</s>{<|im_end|>}\n{<|im_start|>}user\na<|im_end|>b{<|im_end|>}\n"
               "{<|im_start|>}assistant\n");
    check_turn(&f, first_turn(CHAT_RAW, "", "<s>"), "<s>");
    fixture_end(&f);
}

static void control_tokens_a_vocabulary_lacks_are_text(void) {
    Fixture f;
    fixture_start(&f, 0, NULL);
    check_turn(&f, first_turn(CHAT_CHATML, "", "Hi"), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    check_turn(&f, later_turn(CHAT_LLAMA2, "Hi"), "[INST] Hi [/INST]");
    fixture_end(&f);
}

static void a_first_turn_begins_with_bos_where_the_model_wants_it(void) {
    Fixture f;
    fixture_start(&f, COUNT_OF(CONTROLS), NULL);
    metadata_bool(&f.draft, "tokenizer.ggml.add_bos_token", true);
    Gguf gguf = metadata_gguf(&f.draft);
    Error error;
    CHECK(tokenizer_from_gguf(&gguf, &f.arena, &f.tokenizer, &error));
    check_turn(&f, first_turn(CHAT_RAW, "", "Hi"), "{<s>}Hi");
    check_turn(&f, later_turn(CHAT_RAW, "Hi"), "Hi");
    check_turn(&f, first_turn(CHAT_LLAMA2, "", "Hi"), "{<s>}[INST] Hi [/INST]");
    fixture_end(&f);
}

static void a_turn_that_does_not_fit_is_an_error(void) {
    Fixture f;
    Arena scratch = arena_new(test_pages(), 0);
    ChatTurn turn = first_turn(CHAT_CHATML, "", "Hi");
    u32 ids[32];
    usize count, whole;
    Error error;
    fixture_start(&f, COUNT_OF(CONTROLS), NULL);
    CHECK(chat_encode(f.tokenizer, &turn, &scratch, ids, COUNT_OF(ids), &whole, &error));
    for (usize capacity = 0; capacity < whole; capacity++) {
        CHECK(!chat_encode(f.tokenizer, &turn, &scratch, ids, capacity, &count, &error));
        CHECK_ERROR(error, ERROR_LIMIT);
        CHECK(count <= capacity);
    }
    CHECK_U64(scratch.allocated, 0);
    fixture_end(&f);
}

static ChatFormat recognised(usize controls, const char *template) {
    Fixture f;
    fixture_start(&f, controls, template);
    ChatFormat format = chat_recognise(&f.model, f.tokenizer);
    fixture_end(&f);
    return format;
}

static void templates_are_recognised(void) {
    CHECK_U64(recognised(0, "{{'<|im_start|>' + message['role']}}"), CHAT_CHATML);
    CHECK_U64(recognised(0, "{{ '<|start_header_id|>' + role }}"), CHAT_LLAMA3);
    CHECK_U64(recognised(0, "{{ bos_token + '[INST] ' }}"), CHAT_LLAMA2);
    CHECK_U64(recognised(0, "### Instruction:\n"), CHAT_ALPACA);
    CHECK_U64(recognised(COUNT_OF(CONTROLS), "something else"), CHAT_YOU_AI);
    CHECK_U64(recognised(4, NULL), CHAT_CHATML); /* by its control tokens */
    CHECK_U64(recognised(2, NULL), CHAT_YOU_AI);
}

static void check_default_system(const char *template, const char *expected) {
    Fixture f;
    fixture_start(&f, 0, template);
    CHECK_STR(chat_default_system(&f.model, CHAT_CHATML), str_from_c(expected));
    CHECK_STR(chat_default_system(&f.model, CHAT_RAW), STR_NONE);
    fixture_end(&f);
}

static void the_template_s_own_system_prompt_is_found(void) {
    check_default_system("{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}", "You help.");
    check_default_system("{{- '<|im_start|>system\\n' + content + '<|im_end|>' }}"
                         "{{- '<|im_start|>system\\nYou help, too.<|im_end|>\\n' }}",
                         "You help, too.");
    check_default_system("{{ '<|im_start|>system\n' + content + '<|im_end|>\n' }}", "");
    check_default_system("<|im_start|>system", "");
    check_default_system("<|im_start|>system\n{{ content }}<|im_end|>", "");
    check_default_system("none", "");
}

static void names_and_aliases_are_parsed(void) {
    static const struct {
        const char *name;
        ChatFormat format;
    } NAMES[] = {
        {"you_ai", CHAT_YOU_AI}, {"you", CHAT_YOU_AI},    {"llama2_chat", CHAT_LLAMA2},
        {"Qwen2", CHAT_CHATML},  {"qwen", CHAT_CHATML},   {"instruction", CHAT_ALPACA},
        {"raw", CHAT_RAW},       {"llama3", CHAT_LLAMA3},
    };
    ChatFormat format;
    for (usize i = 0; i < COUNT_OF(NAMES); i++) {
        CHECK(chat_format_parse(str_from_c(NAMES[i].name), &format));
        CHECK_U64(format, NAMES[i].format);
    }
    for (ChatFormat each = CHAT_YOU_AI; each <= CHAT_AUTO; each++) {
        CHECK(chat_format_parse(str_from_c(chat_format_name(each)), &format) && format == each);
    }
    CHECK(!chat_format_parse(STR("qwen qwen2"), &format));
    CHECK(!chat_format_parse(STR(""), &format));
}

static const TestCase CASES[] = {
    TEST(turns_are_spelled_as_their_format_says),     TEST(typed_control_tokens_stay_text),
    TEST(control_tokens_a_vocabulary_lacks_are_text), TEST(a_first_turn_begins_with_bos_where_the_model_wants_it),
    TEST(a_turn_that_does_not_fit_is_an_error),       TEST(templates_are_recognised),
    TEST(the_template_s_own_system_prompt_is_found),  TEST(names_and_aliases_are_parsed),
};
TEST_MAIN(CASES)
