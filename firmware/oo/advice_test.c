#include "firmware/oo/advice.h"

#include "firmware/oo/rig.h"

/** Names of the actions, in order, separated by spaces. */
static Str names(const Advice *advice, char buffer[64]) {
    usize len = 0;
    for (u32 i = 0; i < advice->count; i++) {
        Str name = oo_action_word(advice->actions[i]);
        len += fmt(buffer + len, 64 - len, "%s%.*s", i > 0 ? " " : "", STR_ARG(name));
    }
    return (Str){buffer, len};
}

static void check_parse(const char *text, const char *expected) {
    char buffer[64];
    Advice advice;
    advice_parse(str_from_c(text), &advice);
    CHECK_MSG(str_eq(names(&advice, buffer), str_from_c(expected)), "\"%s\" gives \"%.*s\", expected \"%s\"", text,
              STR_ARG(names(&advice, buffer)), expected);
    CHECK_U64(advice.source, OO_SOURCE_MOCK);
    CHECK(advice.margin == 0);
}

static void verbs_take_the_objects_behind_them(void) {
    check_parse("reduce ctx", "reduce_ctx");
    check_parse("lower the context", "reduce_ctx");
    check_parse("Decrease SEQ!", "reduce_seq");
    check_parse("shrink the sequence length", "reduce_seq");
    check_parse("reduce ctx and reduce seq", "reduce_ctx reduce_seq");
    check_parse("reduce seq and ctx", "reduce_seq reduce_ctx");
    check_parse("increase context", "increase_ctx");
    check_parse("raise ctx", "increase_ctx");
    check_parse("expand ctx_len", "increase_ctx");
    check_parse("more context", "increase_ctx");
    check_parse("reduce seq_len, please", "reduce_seq");
    check_parse("reduce seq, increase ctx", "reduce_seq increase_ctx");
    check_parse("increase ctx and reduce seq and ctx", "increase_ctx reduce_seq reduce_ctx");
}

static void verb_without_an_object_means_the_context(void) {
    check_parse("reduce", "reduce_ctx");
    check_parse("reduce memory use", "reduce_ctx");
    check_parse("increase", "increase_ctx");
    check_parse("seq: lower", "reduce_ctx");
    check_parse("reduce, raise seq", "reduce_ctx");
}

static void there_is_no_action_for_a_longer_sequence(void) {
    check_parse("increase seq", "");
    check_parse("increase seq and ctx", "increase_ctx");
}

static void names_and_phrases_are_actions(void) {
    for (OoAction action = 0; action < OO_ACTIONS; action++) {
        char name[32];
        fmt(name, sizeof(name), "%.*s", STR_ARG(oo_action_word(action)));
        check_parse(name, name);
        check_parse(ACTIONS[action].phrase, name);
    }
    check_parse("REDUCE_CTX", "reduce_ctx");
    check_parse("(Reduce_Seq)", "reduce_seq");
}

static void words_that_stand_alone(void) {
    check_parse("restart it", "reboot");
    check_parse("try another model", "change_model");
    check_parse("switch", "change_model");
    check_parse("ok", "stable");
    check_parse("all good", "stable");
    check_parse("wait", "stable");
    check_parse("do nothing", "stable");
    check_parse("hello there", "");
}

/** "ok" inside of token was an advice, and it cancelled every other. */
static void defect_22_words_count_only_as_a_whole(void) {
    check_parse("token", "");
    check_parse("look, it is broken", "");
    check_parse("reduced contexts", "");
    check_parse("remodel the rebooter", "");
    check_parse("reduce_ctx_now", "");
    check_parse("reduce the tokens", "reduce_ctx");
    check_parse("r\xC3\xA9"
                "duce",
                "");
    check_parse("the model's", "");
}

static void stable_gives_way_to_every_other_action(void) {
    check_parse("stable, but reduce ctx", "reduce_ctx");
    check_parse("reduce seq then wait", "reduce_seq");
    check_parse("ok reboot", "reboot");
    check_parse("good stable ok", "stable");
}

static void what_is_denied_is_not_advised(void) {
    check_parse("do not reduce ctx", "");
    check_parse("don't reduce ctx", "");
    check_parse("don\xE2\x80\x99t reduce ctx", "");
    check_parse("never reboot", "");
    check_parse("no more context", "");
    check_parse("not stable", "");
    check_parse("do not reduce ctx, increase it", "increase_ctx");
    check_parse("reduce ctx, not seq", "reduce_ctx");
    check_parse("reduce not ctx", "");
    check_parse("not the ctx: reduce seq", "reduce_seq");
}

static void punctuation_of_any_script_separates_words(void) {
    check_parse("\xE2\x80\x9Creduce ctx\xE2\x80\x9D", "reduce_ctx");
    check_parse("'reboot'", "reboot");
    check_parse("reduce\xE2\x80\x94seq", "reduce_seq");
    check_parse("ctx/seq;reduce:ctx,seq", "reduce_ctx reduce_seq");
    check_parse("reduce\nctx\treboot", "reduce_ctx reboot");
}

static void actions_are_taken_once_and_three_at_most(void) {
    check_parse("reduce ctx, reduce ctx, lower context", "reduce_ctx");
    check_parse("reduce seq and ctx, reboot, switch model, more", "reduce_seq reduce_ctx reboot");
}

static void advice_without_a_word_is_empty(void) {
    static const char *const EMPTY[] = {"", " ", "...", "?!\n", "\xE2\x80\xA6"};
    Advice advice;
    for (usize i = 0; i < COUNT_OF(EMPTY); i++) {
        advice_parse(str_from_c(EMPTY[i]), &advice);
        CHECK(advice.is_empty && advice.count == 0);
    }
    advice_parse(STR_NONE, &advice);
    CHECK(advice.is_empty && advice.text_len == 0);
    advice_parse(STR("hm"), &advice);
    CHECK(!advice.is_empty && advice.count == 0);
}

static void text_is_kept_and_cut_at_a_character(void) {
    char text[ADVICE_TEXT_MAX + 8];
    Advice advice;
    advice_parse(STR("Reduce  ctx!"), &advice);
    CHECK_STR(((Str){advice.text, advice.text_len}), STR("Reduce  ctx!"));
    for (usize before = 0; before < 4; before++) {
        memset(text, 'a', sizeof(text));
        for (usize at = before; at + 2 < sizeof(text); at += 3) memcpy(text + at, "\xE2\x82\xAC", 3);
        advice_parse((Str){text, sizeof(text)}, &advice);
        CHECK(advice.text_len <= ADVICE_TEXT_MAX && advice.text_len + 2 >= ADVICE_TEXT_MAX);
        CHECK_U64((advice.text_len - before) % 3, 0);
    }
}

/** Random texts of words that mean something, words that do not, and bytes that are no text at all. */
static usize random_text(u64 *seed, char *text, usize room) {
    static const char *const WORDS[] = {
        "reduce", "increase",   "ctx",          "seq",  "reboot", "model", "stable",  "not", "ok",
        "token",  "more",       "REDUCE",       "Ctx",  "don't",  "no",    "x",       ",",   "'",
        "_",      "reduce_ctx", "\xE2\x80\x99", "\xC3", "\xFF",   "\n",    "sequence"};
    usize len = 0, words = rig_below(seed, 12);
    for (usize i = 0; i < words; i++) {
        char byte[2] = {(char)rig_below(seed, 256), 0};
        const char *word = rig_below(seed, 8) == 0 && byte[0] ? byte : WORDS[rig_below(seed, COUNT_OF(WORDS))];
        len += fmt(text + len, room - len, "%s%s", word, rig_below(seed, 4) == 0 ? "" : " ");
    }
    return len;
}

static char swapped_case(char c) {
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter ? (char)(c ^ 0x20) : c;
}

static bool same_actions(const Advice *a, const Advice *b) {
    return a->count == b->count && memcmp(a->actions, b->actions, a->count * sizeof(a->actions[0])) == 0;
}

static void check_whole(const Advice *advice) {
    CHECK(advice->count <= ADVICE_ACTIONS_MAX);
    for (u32 i = 0; i < advice->count; i++) {
        CHECK(advice->actions[i] < OO_ACTIONS);
        CHECK(advice->count == 1 || advice->actions[i] != OO_ACTION_STABLE);
        for (u32 j = 0; j < i; j++) CHECK(advice->actions[i] != advice->actions[j]);
    }
}

static void any_text_is_read_and_case_does_not_matter(void) {
    u64 seed = 2;
    for (u32 round = 0; round < 100000; round++) {
        char text[256], other[256];
        Advice advice, swapped, longer;
        usize len = random_text(&seed, text, sizeof(text));
        for (usize i = 0; i < len; i++) other[i] = swapped_case(text[i]);
        advice_parse((Str){text, len}, &advice);
        advice_parse((Str){other, len}, &swapped);
        check_whole(&advice);
        CHECK_MSG(same_actions(&advice, &swapped), "\"%.*s\"", (int)len, text);
        usize more = fmt(other, sizeof(other), "%.*s perhaps, I think", (int)len, text);
        advice_parse((Str){other, more}, &longer);
        CHECK_MSG(same_actions(&advice, &longer), "\"%.*s\"", (int)len, text);
    }
}

/* ---- a model's choice ---- */

static void likeliest_action_is_chosen(void) {
    f64 logprobs[OO_ACTIONS] = {-2, -1, -4, -1.25, -9, -3}, shares[OO_ACTIONS], sum = 0;
    Advice advice;
    advice_choose(logprobs, shares, &advice);
    CHECK_U64(advice.source, OO_SOURCE_MODEL);
    CHECK(advice.count == 1 && advice.actions[0] == OO_ACTION_REDUCE_SEQ && !advice.is_empty);
    CHECK(advice.margin == 0.25);
    CHECK(advice.share == shares[OO_ACTION_REDUCE_SEQ]);
    CHECK_STR(((Str){advice.text, advice.text_len}), STR("reduce_seq"));
    for (OoAction action = 0; action < OO_ACTIONS; action++) sum += shares[action];
    CHECK(sum > 0.999999 && sum < 1.000001);
    CHECK(shares[OO_ACTION_REDUCE_SEQ] > shares[OO_ACTION_STABLE] && shares[OO_ACTION_REBOOT] > 0);
}

static void first_of_equals_is_chosen_without_margin(void) {
    f64 logprobs[OO_ACTIONS] = {-1, -1, -1, -1, -1, -1}, shares[OO_ACTIONS];
    Advice advice;
    advice_choose(logprobs, shares, &advice);
    CHECK(advice.actions[0] == OO_ACTION_REDUCE_CTX && advice.margin == 0);
    CHECK(advice.share > 0.166 && advice.share < 0.167);
}

static void what_is_no_number_is_never_chosen(void) {
    f64 infinite = __builtin_inf(), none = __builtin_nan("");
    f64 logprobs[OO_ACTIONS] = {none, infinite, -5, none, -infinite, none}, shares[OO_ACTIONS];
    Advice advice;
    advice_choose(logprobs, shares, &advice);
    CHECK(advice.count == 1 && advice.actions[0] == OO_ACTION_INCREASE_CTX && advice.share == 1);
    logprobs[OO_ACTION_INCREASE_CTX] = none;
    advice_choose(logprobs, shares, &advice);
    CHECK(advice.count == 0 && advice.is_empty && advice.share == 0 && advice.margin == 0);
    for (OoAction action = 0; action < OO_ACTIONS; action++) CHECK(shares[action] == 0);
}

/* ---- the question ---- */

static bool has(Str text, const char *part) { return str_find(text, str_from_c(part)) < text.len; }

static void check_instruction(Str question) {
    CHECK(question.len <= ADVICE_QUESTION_MAX);
    CHECK(question.data[question.len - 1] == '?');
    for (OoAction action = 0; action < OO_ACTIONS; action++) CHECK(has(question, ACTIONS[action].phrase));
}

static void question_names_every_fact(void) {
    char buffer[ADVICE_QUESTION_MAX];
    AdviceFacts facts = {.mode = OO_MODE_SAFE,
                         .ram_mib = 341,
                         .ctx = 256,
                         .seq = 128,
                         .boots = 7,
                         .overflows = 3,
                         .allocation_failures = 2,
                         .turns = 5};
    Str question = advice_question(&facts, buffer);
    check_instruction(question);
    CHECK(has(question, "Mode SAFE, memory 341 MiB, context 256, sequence 128, boot 7. "));
    CHECK(has(question, "5 turns, 3 overflows, 2 failed allocations. What is best "));
}

/** The reference cut its instruction in the middle of a word. */
static void defect_14_instruction_is_whole_however_long_the_facts_are(void) {
    char buffer[ADVICE_QUESTION_MAX];
    AdviceFacts most = {.mode = OO_MODE_DEGRADED,
                        .ram_mib = UINT64_MAX,
                        .ctx = UINT32_MAX,
                        .seq = UINT32_MAX,
                        .boots = UINT64_MAX,
                        .overflows = UINT64_MAX,
                        .allocation_failures = UINT64_MAX,
                        .turns = UINT64_MAX};
    Str question = advice_question(&most, buffer);
    check_instruction(question);
    CHECK(has(question, "boot 18446744073709551615. 18446744073709551615 turns, "));
}

static void blank_question_is_the_same_without_facts(void) {
    char buffer[ADVICE_QUESTION_MAX];
    AdviceFacts facts = {.mode = OO_MODE_SAFE};
    Str question = advice_question(&facts, buffer), blank = advice_question_blank();
    check_instruction(blank);
    usize head = str_find(question, STR("Mode ")), tail = str_find(question, STR("What "));
    CHECK_STR(str_take(blank, head), str_take(question, head));
    CHECK_STR(str_skip(blank, head), str_skip(question, tail));
}

static const TestCase CASES[] = {TEST(verbs_take_the_objects_behind_them),
                                 TEST(verb_without_an_object_means_the_context),
                                 TEST(there_is_no_action_for_a_longer_sequence),
                                 TEST(names_and_phrases_are_actions),
                                 TEST(words_that_stand_alone),
                                 TEST(defect_22_words_count_only_as_a_whole),
                                 TEST(stable_gives_way_to_every_other_action),
                                 TEST(what_is_denied_is_not_advised),
                                 TEST(punctuation_of_any_script_separates_words),
                                 TEST(actions_are_taken_once_and_three_at_most),
                                 TEST(advice_without_a_word_is_empty),
                                 TEST(text_is_kept_and_cut_at_a_character),
                                 TEST(any_text_is_read_and_case_does_not_matter),
                                 TEST(likeliest_action_is_chosen),
                                 TEST(first_of_equals_is_chosen_without_margin),
                                 TEST(what_is_no_number_is_never_chosen),
                                 TEST(question_names_every_fact),
                                 TEST(defect_14_instruction_is_whole_however_long_the_facts_are),
                                 TEST(blank_question_is_the_same_without_facts)};
TEST_MAIN(CASES)
