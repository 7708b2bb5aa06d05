/* What the files of the tokenizer share: the vocabulary in memory, the index of pieces, and the merge loop. */
#ifndef FIRMWARE_MODEL_TOKENIZER_INTERNAL_H
#define FIRMWARE_MODEL_TOKENIZER_INTERNAL_H

#include "firmware/model/tokenizer.h"
#include "firmware/model/tokenizer_split.h"

/** Numbers are those of tokenizer.ggml.token_type. */
typedef enum TokenType {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3,
    TOKEN_USER_DEFINED = 4,
    TOKEN_UNUSED = 5,
    TOKEN_BYTE = 6,
} TokenType;

enum {
    SPECIAL_LONGEST = 255, /* bytes of a token that is looked for in raw text */
    TURN_ENDS = 16,
};

/** From the bytes of a piece to its id: open addressing, at most half full. */
typedef struct PieceIndex {
    u32 *slots; /* ids, TOKEN_NONE where free */
    u32 mask;
} PieceIndex;

/** `left` then `right` becomes `merged`; its place in the list is its rank. */
typedef struct Merge {
    u32 left, right, merged;
} Merge;

typedef struct MergeIndex {
    Merge *merges;
    u32 *slots; /* ranks, TOKEN_NONE where free */
    u32 mask;
} MergeIndex;

/**
 * What two neighbouring symbols may become: `span` is their joined text, `left` and `right` their ids (TOKEN_NONE for
 * a symbol the vocabulary lacks). False when nothing; the merge with the least `order` is made first.
 */
typedef bool MergeRule(const Tokenizer *tokenizer, Str span, u32 left, u32 right, u32 *order, u32 *merged);

struct Tokenizer {
    u32 count;
    Str *pieces;         /* the bytes each token stands for, as printed */
    u8 *types;           /* TokenType */
    f32 *scores;         /* llama kind, else NULL */
    u32 longest;         /* bytes of the longest piece */
    PieceIndex ordinary; /* tokens plain text turns into */
    PieceIndex special;  /* control, unknown and user-defined tokens: found whole in raw text */
    bool special_lengths[SPECIAL_LONGEST + 1];
    bool special_starts[256]; /* first bytes */
    bool has_user_defined;
    u32 byte_ids[256]; /* the token of one byte, or TOKEN_NONE */
    u32 bos, eos, unknown;
    u32 turn_ends[TURN_ENDS];
    u32 turn_end_count;
    bool add_bos, add_eos;
    bool add_space_prefix;            /* llama kind */
    const Pretokenizer *pretokenizer; /* gpt2 kind, else NULL */
    MergeIndex merges;                /* gpt2 kind */
};

/* tokenizer_index.c */
bool piece_index_new(PieceIndex *index, u32 capacity, Arena *arena);
/** Of two equal pieces the one added first stays. */
void piece_index_add(const Tokenizer *tokenizer, PieceIndex *index, u32 id);
u32 piece_index_find(const Tokenizer *tokenizer, const PieceIndex *index, Str piece);
bool merge_index_new(MergeIndex *index, u32 capacity, Arena *arena);
/** Of two equal pairs the one of lower rank stays. */
void merge_index_add(MergeIndex *index, u32 rank);
u32 merge_index_find(const MergeIndex *index, u32 left, u32 right);

/* tokenizer_merge.c */
#define SYMBOL_NONE 0xFFFFFFFFu

typedef struct Symbol {
    u32 start, length; /* bytes of the text; a merged-away symbol has length 0 */
    u32 previous, next;
    u32 id;
} Symbol;

/** A working set that grows to the longest word it has seen. */
typedef struct Merger {
    const Tokenizer *tokenizer;
    MergeRule *rule;
    Arena *scratch;
    ArenaMark mark;
    usize capacity; /* symbols */
    Symbol *symbols;
    usize symbol_count;
    struct Bigram *heap;
    usize heap_count;
} Merger;

/** Allocates nothing yet. Between calls nothing else may be taken from `scratch`. */
Merger merger_new(const Tokenizer *tokenizer, MergeRule *rule, Arena *scratch);
/** Makes room for a word of at most `symbols` symbols and empties the set; false when scratch is short. */
bool merger_start(Merger *merger, usize symbols);
/** Appends the symbol of `length` bytes that follows the last one. */
void merger_add(Merger *merger, usize length, u32 id);
/** Merges until no rule applies: O(n log n). The survivors are linked from symbol 0 by `next`. */
void merger_run(Merger *merger, Str word);

/* tokenizer_special.c */
typedef struct Segment {
    Str text;
    u32 token; /* TOKEN_NONE for ordinary text */
} Segment;

typedef struct SegmentCursor {
    Str text;
    const u32 *owners; /* the special token that covers each byte, or NULL when there are none */
    const Tokenizer *tokenizer;
    usize at;
} SegmentCursor;

/** Finds the special tokens of a text: the longest first, and leftmost first among equals. */
bool segment_cursor(const Tokenizer *tokenizer, Str text, bool parse_special, Arena *scratch, SegmentCursor *cursor);
bool segment_next(SegmentCursor *cursor, Segment *segment);

/* tokenizer.c */
typedef struct TokenSink {
    u32 *ids;
    usize capacity;
    usize count; /* may exceed capacity: then the surplus was not written */
} TokenSink;

/** TOKEN_NONE adds nothing: a byte for which a vocabulary has no token is passed over, as llama.cpp does. */
void sink_add(TokenSink *sink, u32 id);

/* tokenizer_load.c */
/** Tables for `count` tokens whose pieces have `text_bytes` bytes together; `*pool` is where the pieces go. */
bool vocabulary_new(u32 count, usize text_bytes, Arena *arena, Tokenizer **tokenizer, char **pool, Error *error);
/** Sorts every token into the index of its type and finds the tokens that end a turn. */
bool vocabulary_index(Tokenizer *tokenizer, Arena *arena, Error *error);

/* tokenizer_llama.c */
/** The byte a piece like "<0x0A>" names, or -1. */
i32 llama_byte(Str raw);
/** Writes the bytes a token stands for to `to` (at least `raw.len`); returns how many. */
usize llama_piece(Str raw, TokenType type, char *to);
bool llama_load(const Gguf *gguf, Tokenizer *tokenizer, Error *error);
/** Encodes ordinary text, with a space before it if `prefix`; false when scratch is short. */
bool llama_encode(const Tokenizer *tokenizer, Str text, bool prefix, Arena *scratch, TokenSink *sink);

/* tokenizer_gpt2.c */
usize gpt2_piece(Str raw, char *to);
bool gpt2_load(const Gguf *gguf, Arena *arena, Tokenizer *tokenizer, Error *error);
bool gpt2_encode(const Tokenizer *tokenizer, Str text, Arena *scratch, TokenSink *sink);

#endif
