/* One turn of a conversation: the prompt goes in, an answer comes out token by token. */
#ifndef FIRMWARE_INFER_GENERATE_H
#define FIRMWARE_INFER_GENERATE_H

#include "firmware/events/markers.gen.h"
#include "firmware/infer/chat.h"
#include "firmware/infer/sampler.h"
#include "firmware/infer/transformer.h"

/** A conversation: its past is in the transformer's cache. `position == 0` begins a new one. */
typedef struct Conversation {
    Transformer *transformer;
    const Tokenizer *tokenizer;
    Sampler *sampler;
    ChatFormat format; /* not CHAT_AUTO */
    Str system;        /* system prompt of the first turn; may be empty */
    u32 pending;       /* the last token of the answer before, not yet in the cache; TOKEN_NONE when there is none */
} Conversation;

typedef struct TurnLimits {
    u32 max_tokens;      /* at least 1 */
    u32 sequence;        /* the longest turn in tokens, prompt and answer together; 0: the context */
    bool stop_you;       /* end where the chat format's stop text begins */
    bool stop_double_nl; /* end at an empty line */
} TurnLimits;

/** One round of the loop that makes an answer: everything from the token before to this one, sampling and output
 * included. */
typedef struct TokenTiming {
    u32 step; /* from 0; the logits of step 0 are those of the prompt */
    u32 position;
    u64 cycles;
    bool ran_model; /* false of step 0 */
} TokenTiming;

/** What a watcher makes of a token. */
typedef enum TurnVerdict { TURN_GOES_ON, TURN_OVER_BUDGET, TURN_UNSAFE } TurnVerdict;

/** Who watches a turn. Every function may be NULL. */
typedef struct TurnObserver {
    void *argument;
    /** The prompt is encoded and fits; the model starts to read it. */
    void (*started)(void *argument);
    /** Part of the answer: whole UTF-8 characters (or bytes that are none), no stop text. */
    void (*text)(void *argument, Str text);
    /** Each token of the answer, the one that ends the turn included, with the logits it was picked from. */
    void (*token)(void *argument, u32 id, const f32 *logits, u32 vocab);
    /** The conversation did not fit and starts anew: positions it had, and tokens of this turn's prompt. */
    void (*cleared)(void *argument, u32 position, u32 prompt_tokens);
    /** Asked before every token; true ends the turn. */
    bool (*interrupted)(void *argument);
    /** Told after every token how long it took; may end the turn (budget_guard, sentinel). */
    TurnVerdict (*timed)(void *argument, const TokenTiming *timing);
} TurnObserver;

typedef struct TurnResult {
    u32 prompt_tokens;
    u32 tokens; /* of the answer, without the one that ended it */
    u32 ids;    /* FNV-1a of the answer's token ids (4 little-endian bytes each): the same tokens, the same number */
    StopReason reason;
    u32 step;               /* decode step the turn ended at */
    u32 position;           /* positions of the cache in use afterwards */
    u32 decode_calls;       /* of the model, while it answered */
    u64 prefill_cycles;     /* to the first logits */
    u64 decode_cycles;      /* the sum of what each token took */
    u64 loop_cycles;        /* of the whole turn, by itself */
    u64 first_token_cycles; /* from the start to the first token */
    bool is_unsafe;         /* an internal check failed; `violation` says which */
    ReasonId violation;
} TurnResult;

/** Forgets the conversation. */
void conversation_clear(Conversation *conversation);

/**
 * Runs one turn. A conversation that would not leave room for the answer is cleared first, and the turn begins a new
 * one. Errors: ERROR_LIMIT when the prompt alone is longer than the context or the sequence (`result->prompt_tokens` is
 * then what is known of its length), ERROR_OUT_OF_MEMORY from `scratch`; the conversation is then as it was.
 */
bool generate_turn(Conversation *conversation, Str user, TurnLimits limits, const TurnObserver *observer,
                   const Platform *platform, Arena *scratch, TurnResult *result, Error *error);

#endif
