/* Uses a tokenizer that was accepted. */
#ifndef FIRMWARE_FUZZ_TOKENIZER_READER_H
#define FIRMWARE_FUZZ_TOKENIZER_READER_H

#include "firmware/model/tokenizer.h"

/** Encodes `text` in every way, checks that each id is one of the vocabulary, and reads each id's piece. */
void use_tokenizer(const Tokenizer *tokenizer, Str text, Arena *arena);

#endif
