#include "firmware/infer/generate.h"

#include "firmware/base/mem.h"
#include "firmware/infer/text_stream.h"

enum { STOP_INDEX_YOU, STOP_INDEX_DOUBLE_NL };

/** The part of the context kept free for an answer when a conversation goes on. */
enum { ANSWER_SHARE = 4 };

typedef struct Turn {
    Conversation *conversation;
    TurnLimits limits;
    const TurnObserver *observer;
    const Platform *platform;
    u32 *prompt; /* prompt_count ids */
    usize prompt_count;
    u32 *answer; /* result.tokens ids, room for every free position */
    u32 answer_room;
    u32 sequence_room; /* tokens of answer that TurnLimits.sequence leaves */
    f32 *logits;       /* vocab values: the sampler overwrites its copy */
    TextStream stream;
    bool is_cut; /* a stop text was completed: the stream has ended before it */
    u32 first_position;
    u64 start;
    TurnResult result;
} Turn;

void conversation_clear(Conversation *conversation) {
    transformer_rewind(conversation->transformer, 0);
    conversation->pending = TOKEN_NONE;
}

static u64 now(const Turn *turn) { return platform_cycles(turn->platform); }

static bool encode_prompt(Turn *turn, bool first, Str user, Arena *scratch, Error *error) {
    Conversation *conversation = turn->conversation;
    ChatTurn chat = {conversation->format, first, conversation->system, user};
    usize room = (usize)conversation->transformer->context;
    usize start = 0;
    if (!first && conversation->pending != TOKEN_NONE) turn->prompt[start++] = conversation->pending;
    if (!chat_encode(conversation->tokenizer, &chat, scratch, turn->prompt + start, room - start, &turn->prompt_count,
                     error)) {
        return false;
    }
    turn->prompt_count += start;
    turn->result.prompt_tokens = (u32)turn->prompt_count;
    return turn->prompt_count > 0 ||
           fail(error, ERROR_USAGE, "the prompt is empty: expected some text; type a question");
}

static bool fits_and_leaves_room(const Turn *turn) {
    const Transformer *transformer = turn->conversation->transformer;
    u64 reserve = min_usize(turn->limits.max_tokens, transformer->context / ANSWER_SHARE);
    return transformer->position + turn->prompt_count + reserve <= transformer->context;
}

static bool prompt_too_long(const Turn *turn, Error *error) {
    return fail(error, ERROR_LIMIT,
                "the prompt is longer than the context of %u tokens: shorten it, or raise ctx_len in repl.cfg",
                turn->conversation->transformer->context);
}

/** A sequence leaves room for at least one token of answer. */
static bool fits_sequence(const Turn *turn, Error *error) {
    u32 sequence = turn->limits.sequence;
    return sequence == 0 || turn->prompt_count < sequence ||
           fail(error, ERROR_LIMIT,
                "the prompt has %zu tokens, and with its answer a turn has at most %u: shorten it, or raise seq_len in "
                "repl.cfg",
                turn->prompt_count, sequence);
}

/** Encodes the turn as the beginning of a new conversation, and only then forgets the old one. */
static bool start_anew(Turn *turn, Str user, Arena *scratch, Error *error) {
    Transformer *transformer = turn->conversation->transformer;
    u32 position = transformer->position;
    if (!encode_prompt(turn, true, user, scratch, error)) {
        return error->code == ERROR_LIMIT ? prompt_too_long(turn, error) : false;
    }
    if (turn->prompt_count >= transformer->context) return prompt_too_long(turn, error);
    if (!fits_sequence(turn, error)) return false;
    conversation_clear(turn->conversation);
    if (position > 0 && turn->observer->cleared) {
        turn->observer->cleared(turn->observer->argument, position, (u32)turn->prompt_count);
    }
    return true;
}

static bool prepare_prompt(Turn *turn, Str user, Arena *scratch, Error *error) {
    bool first = turn->conversation->transformer->position == 0;
    turn->prompt = ARENA_NEW(scratch, u32, turn->conversation->transformer->context);
    if (!turn->prompt) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for the prompt: choose a smaller ctx_len");
    if (first) return start_anew(turn, user, scratch, error);
    if (encode_prompt(turn, false, user, scratch, error)) {
        if (!fits_sequence(turn, error)) return false;
        if (fits_and_leaves_room(turn)) return true;
    } else if (error->code != ERROR_LIMIT) {
        return false;
    }
    return start_anew(turn, user, scratch, error);
}

static bool prepare_answer(Turn *turn, Arena *scratch, Error *error) {
    const Transformer *transformer = turn->conversation->transformer;
    u32 vocab = transformer->model->config.vocab;
    u32 room = transformer->context - transformer->position - (u32)turn->prompt_count + 1;
    turn->answer_room = (u32)min_usize(room, turn->limits.max_tokens);
    turn->sequence_room = turn->limits.sequence ? turn->limits.sequence - (u32)turn->prompt_count : UINT32_MAX;
    turn->answer = ARENA_NEW(scratch, u32, turn->answer_room);
    turn->logits = ARENA_NEW(scratch, f32, vocab);
    return (turn->answer && turn->logits) ||
           fail(error, ERROR_OUT_OF_MEMORY, "no memory for an answer of %u tokens: lower max_tokens",
                turn->answer_room);
}

static u32 pick(Turn *turn) {
    const Transformer *transformer = turn->conversation->transformer;
    u32 vocab = transformer->model->config.vocab;
    memcpy(turn->logits, transformer->logits, vocab * sizeof(f32));
    u32 id = sampler_pick(turn->conversation->sampler, turn->logits, turn->answer, turn->result.tokens);
    if (turn->observer->token) turn->observer->token(turn->observer->argument, id, transformer->logits, vocab);
    return id;
}

/** Takes the tokens that only spell the stop text out of the conversation; one that also ends the answer stays. */
static void forget_stop_text(Turn *turn) {
    Conversation *conversation = turn->conversation;
    u64 end = turn->stream.bytes;
    u32 kept = turn->result.tokens;
    while (kept > 0) {
        u64 begin = end - tokenizer_piece(conversation->tokenizer, turn->answer[kept - 1], false).len;
        if (begin < turn->stream.stop_at) break;
        end = begin;
        kept--;
    }
    u32 first = conversation->transformer->position - (turn->result.tokens - 1);
    transformer_rewind(conversation->transformer, first + (kept ? kept - 1 : 0));
    conversation->pending = kept ? turn->answer[kept - 1] : TOKEN_NONE;
    turn->result.tokens = kept;
}

/** Adds a token to the answer. True when it completed a stop text, with the reason set. */
static bool take_token(Turn *turn, u32 id) {
    turn->answer[turn->result.tokens++] = id;
    turn->conversation->pending = id;
    i32 stop = text_stream_push(&turn->stream, tokenizer_piece(turn->conversation->tokenizer, id, false));
    if (stop < 0) return false;
    turn->result.reason = stop == STOP_INDEX_YOU ? STOP_REASON_STOP_YOU : STOP_REASON_STOP_DOUBLE_NL;
    forget_stop_text(turn);
    turn->is_cut = true;
    return true;
}

static bool is_interrupted(const Turn *turn) {
    return turn->observer->interrupted && turn->observer->interrupted(turn->observer->argument);
}

/** Whether the turn ends before another token is picked; sets the reason. */
static bool is_over(Turn *turn) {
    TurnResult *result = &turn->result;
    const Transformer *transformer = turn->conversation->transformer;
    bool is_full = turn->conversation->pending != TOKEN_NONE && transformer->position == transformer->context;
    if (result->tokens == turn->limits.max_tokens) {
        result->reason = STOP_REASON_MAX_TOKENS;
    } else if (is_full || result->tokens == turn->sequence_room) {
        result->reason = STOP_REASON_SEQ_LEN;
    } else if (is_interrupted(turn)) {
        result->reason = STOP_REASON_USER;
    } else {
        return false;
    }
    return true;
}

static bool forward_pending(Turn *turn, Error *error) {
    Conversation *conversation = turn->conversation;
    u32 id = conversation->pending;
    if (id == TOKEN_NONE) return true;
    if (!transformer_forward(conversation->transformer, &id, 1, error)) return false;
    conversation->pending = TOKEN_NONE;
    turn->result.decode_calls++;
    return true;
}

static bool end_unsafe(Turn *turn, ReasonId violation) {
    turn->result.reason = STOP_REASON_SENTINEL;
    turn->result.is_unsafe = true;
    turn->result.violation = violation;
    return true;
}

/* A sum of products with 0 is 0, unless one of the logits is no number or has no bound. Sums in lanes have no order:
 * compilers make vector instructions of them. */
static bool are_numbers(const f32 *logits, u32 count) {
    enum { LANES = 16 };
    f32 lanes[LANES] = {0}, sum = 0;
    u32 at = 0;
    for (; at + LANES <= count; at += LANES) {
        for (u32 i = 0; i < LANES; i++) lanes[i] += logits[at + i] * 0.0f;
    }
    for (u32 i = 0; i < LANES; i++) sum += lanes[i];
    for (; at < count; at++) sum += logits[at] * 0.0f;
    return sum == 0;
}

/** The checks that must never fail. True, with the turn ended, when one does. */
static bool fails_checks(Turn *turn) {
    const Transformer *transformer = turn->conversation->transformer;
    u32 expected = turn->first_position + (u32)turn->prompt_count + turn->result.decode_calls;
    if (transformer->position != expected) return end_unsafe(turn, REASON_ID_SENTINEL_POSITION);
    if (!are_numbers(transformer->logits, transformer->model->config.vocab)) {
        return end_unsafe(turn, REASON_ID_SENTINEL_LOGITS);
    }
    return false;
}

/** One round of the loop up to its token; `*is_done` when the turn has ended. */
static bool next_token(Turn *turn, bool *is_done, Error *error) {
    *is_done = is_over(turn);
    if (*is_done) return true;
    if (!forward_pending(turn, error)) return false;
    *is_done = fails_checks(turn);
    if (*is_done) return true;
    u32 id = pick(turn);
    if (turn->result.first_token_cycles == 0) turn->result.first_token_cycles = now(turn) - turn->start;
    if (tokenizer_ends_turn(turn->conversation->tokenizer, id)) {
        turn->result.reason = STOP_REASON_EOS;
        *is_done = true;
    } else {
        *is_done = take_token(turn, id);
    }
    return true;
}

/** Adds the time since the round before, and tells the watcher. True when he ends a turn that goes on. */
static bool is_ended_by_watcher(Turn *turn, u64 *before, bool ran_model, bool is_done) {
    TurnResult *result = &turn->result;
    const TurnObserver *observer = turn->observer;
    TokenTiming timing = {result->step, turn->conversation->transformer->position, now(turn) - *before, ran_model};
    result->decode_cycles += timing.cycles;
    *before += timing.cycles;
    TurnVerdict verdict = observer->timed ? observer->timed(observer->argument, &timing) : TURN_GOES_ON;
    if (verdict == TURN_GOES_ON || is_done) return false;
    result->reason = verdict == TURN_OVER_BUDGET ? STOP_REASON_BUDGET_GUARD : STOP_REASON_SENTINEL;
    return true;
}

static bool decode(Turn *turn, u64 start, Error *error) {
    bool is_done = false;
    while (!is_done) {
        u32 calls = turn->result.decode_calls;
        if (!next_token(turn, &is_done, error)) return false;
        bool ran_model = turn->result.decode_calls > calls;
        if (is_ended_by_watcher(turn, &start, ran_model, is_done)) is_done = true;
        if (!is_done) turn->result.step++;
    }
    if (!turn->is_cut) text_stream_end(&turn->stream);
    return true;
}

static void ignore_text(void *argument, Str text) {
    (void)argument;
    (void)text;
}

static TextStream new_stream(const Turn *turn) {
    const TurnObserver *observer = turn->observer;
    TextStream stream = {.write = observer->text ? observer->text : ignore_text, .argument = observer->argument};
    if (turn->limits.stop_you) stream.stops[STOP_INDEX_YOU] = chat_stop_text(turn->conversation->format);
    if (turn->limits.stop_double_nl) stream.stops[STOP_INDEX_DOUBLE_NL] = STR("\n\n");
    return stream;
}

/* FNV-1a, 32 bits, as published by Fowler, Noll and Vo. */
static u32 hash_of(const u32 *ids, usize count) {
    u32 hash = 2166136261u;
    for (usize i = 0; i < 4 * count; i++) hash = (hash ^ (ids[i / 4] >> 8 * (i % 4) & 0xFF)) * 16777619u;
    return hash;
}

static bool prefill(Turn *turn, Error *error) {
    Transformer *transformer = turn->conversation->transformer;
    turn->first_position = transformer->position;
    if (!transformer_forward(transformer, turn->prompt, (u32)turn->prompt_count, error)) return false;
    turn->conversation->pending = TOKEN_NONE;
    return true;
}

static bool run_turn(Turn *turn, Str user, Arena *scratch, Error *error) {
    TurnResult *result = &turn->result;
    if (!prepare_prompt(turn, user, scratch, error)) return false;
    if (!prepare_answer(turn, scratch, error)) return false;
    turn->stream = new_stream(turn);
    if (turn->observer->started) turn->observer->started(turn->observer->argument);
    turn->start = now(turn);
    if (!prefill(turn, error)) return false;
    u64 first = now(turn);
    result->prefill_cycles = first - turn->start;
    if (!decode(turn, first, error)) return false;
    result->ids = hash_of(turn->answer, result->tokens);
    result->position = turn->conversation->transformer->position;
    result->loop_cycles = now(turn) - turn->start;
    return true;
}

bool generate_turn(Conversation *conversation, Str user, TurnLimits limits, const TurnObserver *observer,
                   const Platform *platform, Arena *scratch, TurnResult *result, Error *error) {
    Turn turn = {.conversation = conversation, .limits = limits, .observer = observer, .platform = platform};
    ArenaMark mark = arena_mark(scratch);
    bool ok = run_turn(&turn, user, scratch, error);
    arena_release(scratch, mark);
    *result = turn.result;
    return ok;
}
