#include "firmware/infer/choice.h"

#include "firmware/base/math.h"

enum { OPTION_TOKENS_MAX = 32 };

typedef struct Option {
    u32 ids[OPTION_TOKENS_MAX];
    usize count;
} Option;

typedef struct Scorer {
    const Conversation *conversation;
    Arena *scratch;
    Transformer transformer; /* the choice's own */
    Option *options;
    usize option_count;
    Error *error;
} Scorer;

/** Log of the sum of the exponentials of the logits. */
static f64 log_total(const f32 *logits, u32 vocab) {
    f32 most = logits[0];
    f64 sum = 0;
    for (u32 i = 1; i < vocab; i++) most = logits[i] > most ? logits[i] : most;
    for (u32 i = 0; i < vocab; i++) sum += math_exp((f64)logits[i] - (f64)most);
    return math_log(sum) + (f64)most;
}

static bool encode_options(Scorer *scorer, const Choice *choice) {
    scorer->options = ARENA_NEW(scorer->scratch, Option, choice->count);
    if (!scorer->options) return fail(scorer->error, ERROR_OUT_OF_MEMORY, "no memory for %zu options", choice->count);
    for (usize i = 0; i < choice->count; i++) {
        Option *option = &scorer->options[i];
        if (!tokenizer_encode(scorer->conversation->tokenizer, choice->options[i], (EncodeOptions){0}, scorer->scratch,
                              option->ids, OPTION_TOKENS_MAX, &option->count, scorer->error)) {
            return false;
        }
        if (option->count == 0) return fail(scorer->error, ERROR_USAGE, "option %zu is empty", i + 1);
    }
    return true;
}

/** The question as the first turn of a conversation of its own. */
static bool encode_question(const Scorer *scorer, Str question, u32 *ids, usize capacity, usize *count) {
    ChatTurn turn = {.format = scorer->conversation->format, .first = true, .user = question};
    return chat_encode(scorer->conversation->tokenizer, &turn, scorer->scratch, ids, capacity, count, scorer->error);
}

typedef struct Likelihood {
    const Option *option;
    u32 vocab;
    f64 sum; /* nats */
} Likelihood;

/** Logits behind token `index` are about the one after it. */
static void add_likelihood(void *argument, u32 index, const f32 *logits) {
    Likelihood *likelihood = argument;
    likelihood->sum += (f64)logits[likelihood->option->ids[index + 1]] - log_total(logits, likelihood->vocab);
}

/** The mean log probability of each option behind what the transformer holds. */
static bool score_options(Scorer *scorer, f64 *scores) {
    Transformer *t = &scorer->transformer;
    u32 start = t->position, vocab = t->model->config.vocab;
    f64 total = log_total(t->logits, vocab);
    for (usize i = 0; i < scorer->option_count; i++) scores[i] = (f64)t->logits[scorer->options[i].ids[0]] - total;
    for (usize i = 0; i < scorer->option_count; i++) {
        Likelihood likelihood = {&scorer->options[i], vocab, scores[i]};
        u32 count = (u32)scorer->options[i].count;
        if (count > 1 && !transformer_forward_each(t, scorer->options[i].ids, count - 1, add_likelihood, &likelihood,
                                                   scorer->error)) {
            return false;
        }
        transformer_rewind(t, start);
        scores[i] = likelihood.sum / count;
    }
    return true;
}

static bool score_question(Scorer *scorer, Str question, f64 *scores) {
    Transformer *t = &scorer->transformer;
    usize count;
    u32 *ids = ARENA_NEW(scorer->scratch, u32, t->context);
    if (!ids) return fail(scorer->error, ERROR_OUT_OF_MEMORY, "no memory for a question of %u tokens", t->context);
    transformer_rewind(t, 0);
    return encode_question(scorer, question, ids, t->context, &count) &&
           transformer_forward(t, ids, (u32)count, scorer->error) && score_options(scorer, scores);
}

/** A context just long enough for the longer question and the longest option. */
static bool make_transformer(Scorer *scorer, const Choice *choice) {
    const Transformer *of = scorer->conversation->transformer;
    u32 room = of->model->config.context;
    usize question, blank, longest = 0;
    u32 *ids = ARENA_NEW(scorer->scratch, u32, room);
    if (!ids) return fail(scorer->error, ERROR_OUT_OF_MEMORY, "no memory to encode a question");
    if (!encode_question(scorer, choice->question, ids, room, &question) ||
        !encode_question(scorer, choice->blank, ids, room, &blank)) {
        return false;
    }
    for (usize i = 0; i < choice->count; i++) longest = max_usize(longest, scorer->options[i].count);
    usize needed = max_usize(question, blank) + longest;
    if (needed > room) {
        return fail(scorer->error, ERROR_LIMIT, "the question needs %zu tokens, and this model's context has %u",
                    needed, room);
    }
    return transformer_new(of->model, of->kernels, (u32)needed, scorer->scratch, &scorer->transformer, scorer->error);
}

static bool score(Scorer *scorer, const Choice *choice, f64 *scores) {
    f64 *blank = ARENA_NEW(scorer->scratch, f64, choice->count);
    if (!blank) return fail(scorer->error, ERROR_OUT_OF_MEMORY, "no memory for %zu scores", choice->count);
    if (!encode_options(scorer, choice) || !make_transformer(scorer, choice) ||
        !score_question(scorer, choice->question, scores) || !score_question(scorer, choice->blank, blank)) {
        return false;
    }
    for (usize i = 0; i < choice->count; i++) scores[i] -= blank[i];
    return true;
}

bool choice_score(const Conversation *conversation, const Choice *choice, Arena *scratch, f64 *scores, Error *error) {
    ArenaMark mark = arena_mark(scratch);
    Scorer scorer = {.conversation = conversation, .scratch = scratch, .option_count = choice->count, .error = error};
    bool scored = score(&scorer, choice, scores);
    arena_release(scratch, mark);
    return scored;
}
