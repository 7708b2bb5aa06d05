/* Pre-tokenizers of byte-level BPE: how text is cut into words before any merge. Each is what its regular expressions
 * say, hand-written over Unicode classes. Malformed UTF-8 counts as one symbol a byte. */
#ifndef FIRMWARE_MODEL_TOKENIZER_SPLIT_H
#define FIRMWARE_MODEL_TOKENIZER_SPLIT_H

#include "firmware/base/str.h"

enum { SPLIT_STAGES = 4 };

/** Length in bytes of the first piece of `text`, which is not empty; never 0. */
typedef usize SplitStage(Str text);

/** Each stage cuts the pieces of the stage before it. */
typedef struct Pretokenizer {
    const char *names; /* values of tokenizer.ggml.pre, separated by spaces */
    SplitStage *stages[SPLIT_STAGES];
    bool ignore_merges; /* a word that is in the vocabulary is that token, whatever the merges say */
    bool add_bos;       /* when the metadata does not say */
} Pretokenizer;

/** NULL for a name this program does not know. */
const Pretokenizer *pretokenizer_find(Str name);

typedef struct WordCursor {
    const Pretokenizer *pretokenizer;
    Str text;
    usize at;
    usize ends[SPLIT_STAGES + 1]; /* where the current piece of each stage ends; [0] is the text's end */
} WordCursor;

WordCursor word_cursor(const Pretokenizer *pretokenizer, Str text);
/** The next word; false at the end. Words are not empty and their concatenation is the text. */
bool word_next(WordCursor *cursor, Str *word);

#endif
