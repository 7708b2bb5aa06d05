/* Text to token ids and back: the llama (SentencePiece-like, by scores) and gpt2 (byte-level BPE by merge rank) kinds.
 */
#ifndef FIRMWARE_MODEL_TOKENIZER_H
#define FIRMWARE_MODEL_TOKENIZER_H

#include "firmware/model/gguf.h"

#define TOKEN_NONE 0xFFFFFFFFu

typedef struct Tokenizer Tokenizer;

/** Reads `tokenizer.ggml.*`. Errors: ERROR_CORRUPT, ERROR_UNSUPPORTED (model or pre-tokenizer), ERROR_OUT_OF_MEMORY. */
bool tokenizer_from_gguf(const Gguf *gguf, Arena *arena, Tokenizer **tokenizer, Error *error);
/** Reads a llama2.c `tokenizer.bin` (i32 longest piece; per id f32 score, i32 length, bytes) of `vocab` entries. */
bool tokenizer_from_llama2c(Str bytes, u32 vocab, Arena *arena, Tokenizer **tokenizer, Error *error);

typedef struct EncodeOptions {
    bool add_special;   /* BOS (and EOS) where the model's metadata asks for it */
    bool parse_special; /* "<|im_start|>" in the text is the control token, not its characters */
} EncodeOptions;

/**
 * Encodes UTF-8 text; bytes that are no UTF-8 are encoded byte by byte. Writes at most `capacity` ids.
 * Returns the number written; fails with ERROR_LIMIT when there are more, ERROR_OUT_OF_MEMORY when scratch is short.
 */
bool tokenizer_encode(const Tokenizer *tokenizer, Str text, EncodeOptions options, Arena *scratch, u32 *ids,
                      usize capacity, usize *count, Error *error);
/** The bytes a token stands for; control tokens give nothing unless `with_special`. Never more than the vocabulary's
 * longest. */
Str tokenizer_piece(const Tokenizer *tokenizer, u32 id, bool with_special);
u32 tokenizer_vocab(const Tokenizer *tokenizer);
u32 tokenizer_bos(const Tokenizer *tokenizer); /* TOKEN_NONE when there is none */
u32 tokenizer_eos(const Tokenizer *tokenizer);
/** Whether the model expects its text to begin with BOS. */
bool tokenizer_adds_bos(const Tokenizer *tokenizer);
/** True for every token that ends a turn: EOS, end-of-turn, <|im_end|>, <|eot_id|>, <|endoftext|>. */
bool tokenizer_ends_turn(const Tokenizer *tokenizer, u32 id);
/** The id whose piece is exactly `text` (control tokens included), or TOKEN_NONE. */
u32 tokenizer_find(const Tokenizer *tokenizer, Str text);

#endif
