#include "firmware/infer/choice.h"

#include "firmware/base/math.h"
#include "firmware/testing/chain_talk.h"
#include "firmware/testing/check.h"

static const TurnLimits LIMITS = {.max_tokens = 20};
static const Str OPTIONS[] = {STR("xyz"), STR("abc"), STR("abz")};
enum { OPTION_COUNT = 3 };

/** The tokenizer puts a space before every text that it encodes. */
static Talk *talk(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "? abc");
    return talk_new(&chain, 64, CHAT_RAW);
}

static const Choice CHOICE = {STR("Which?"), STR("W"), OPTIONS, OPTION_COUNT};

/** Sum of the log probabilities of the tokens from `first` on, each behind all tokens before it. */
typedef struct Reference {
    const u32 *ids;
    usize first, count;
    f64 sum;
} Reference;

static void add_token(void *argument, u32 index, const f32 *logits) {
    Reference *reference = argument;
    f64 total = 0;
    if (index + 1 < reference->first || index + 1 >= reference->count) return;
    for (u32 i = 0; i < CHAIN_VOCAB; i++) total += math_exp((f64)logits[i]);
    reference->sum += (f64)logits[reference->ids[index + 1]] - math_log(total);
}

/** The mean log probability of an option, computed the long way: over question and option as one text. */
static f64 by_the_whole_text(Talk *t, Str question, Str option) {
    u32 ids[128];
    usize first, count;
    ChatTurn turn = {.format = CHAT_RAW, .first = true, .user = question};
    CHECK(chat_encode(t->tokenizer, &turn, &t->scratch, ids, 64, &first, &t->error));
    CHECK(tokenizer_encode(t->tokenizer, option, (EncodeOptions){0}, &t->scratch, ids + first, 64, &count, &t->error));
    Reference reference = {ids, first, first + count, 0};
    transformer_rewind(&t->transformer, 0);
    CHECK(transformer_forward_each(&t->transformer, ids, (u32)(first + count), add_token, &reference, &t->error));
    return reference.sum / (f64)count;
}

static void scores_are_those_of_the_whole_text(void) {
    Talk *t = talk();
    f64 scores[OPTION_COUNT];
    CHECK_MSG(choice_score(&t->conversation, &CHOICE, &t->scratch, scores, &t->error), "%s", t->error.message);
    for (usize i = 0; i < OPTION_COUNT; i++) {
        f64 expected =
            by_the_whole_text(t, CHOICE.question, OPTIONS[i]) - by_the_whole_text(t, CHOICE.blank, OPTIONS[i]);
        CHECK_MSG(math_abs(scores[i] - expected) < 1e-9, "option %zu: %f, expected %f", i, scores[i], expected);
        CHECK(scores[i] > 1); /* the question makes each of them likelier: all begin with the space it asks for */
    }
    talk_free(t);
}

/** Behind the question itself the same answer is as likely: nothing is left of its score. */
static void what_is_likely_anyway_scores_nothing(void) {
    Talk *t = talk();
    Choice choice = CHOICE;
    f64 scores[OPTION_COUNT];
    choice.blank = choice.question;
    CHECK(choice_score(&t->conversation, &choice, &t->scratch, scores, &t->error));
    for (usize i = 0; i < OPTION_COUNT; i++) CHECK(scores[i] == 0);
    talk_free(t);
}

/** Defect 14: a consult wrote into the conversation's cache. */
static void defect_14_the_conversation_does_not_notice(void) {
    Talk *asked = talk(), *other = talk();
    f64 scores[OPTION_COUNT];
    asked->sampler.settings.temperature = other->sampler.settings.temperature = 1;
    CHECK(talk_turn(asked, "1?", LIMITS) && talk_turn(other, "1?", LIMITS));
    usize allocated = asked->scratch.allocated;
    CHECK(choice_score(&asked->conversation, &CHOICE, &asked->scratch, scores, &asked->error));
    CHECK_U64(asked->scratch.allocated, allocated);
    CHECK_U64(asked->transformer.position, other->transformer.position);
    for (u32 i = 0; i < 3; i++) {
        CHECK(talk_turn(asked, "2?", LIMITS) && talk_turn(other, "2?", LIMITS));
        CHECK_U64(asked->result.ids, other->result.ids);
        CHECK_U64(asked->result.position, other->result.position);
    }
    talk_free(asked);
    talk_free(other);
}

static void a_question_longer_than_the_context_is_refused(void) {
    Talk *t = talk();
    Choice choice = CHOICE;
    f64 scores[OPTION_COUNT];
    choice.question = STR("a question of more than sixty-four tokens, each of which is one byte, is too long");
    CHECK(!choice_score(&t->conversation, &choice, &t->scratch, scores, &t->error));
    CHECK_ERROR(t->error, ERROR_LIMIT);
    CHECK_U64(t->scratch.allocated, 0);
    talk_free(t);
}

static void without_memory_nothing_is_changed(void) {
    Talk *t = talk();
    f64 scores[OPTION_COUNT];
    CHECK(talk_turn(t, "?", LIMITS));
    Arena small = arena_new(t->fake->platform.pages, 0);
    t->fake->memory_free = 20000;
    CHECK(!choice_score(&t->conversation, &CHOICE, &small, scores, &t->error));
    CHECK_ERROR(t->error, ERROR_OUT_OF_MEMORY);
    CHECK_U64(small.allocated, 0);
    CHECK(talk_turn(t, "?", LIMITS));
    CHECK_STR(talk_answer(t), STR(" abc"));
    arena_free(&small);
    talk_free(t);
}

static const TestCase CASES[] = {TEST(scores_are_those_of_the_whole_text), TEST(what_is_likely_anyway_scores_nothing),
                                 TEST(defect_14_the_conversation_does_not_notice),
                                 TEST(a_question_longer_than_the_context_is_refused),
                                 TEST(without_memory_nothing_is_changed)};
TEST_MAIN(CASES)
