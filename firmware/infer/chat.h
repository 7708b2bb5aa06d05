/* Chat templates: how a turn is spelled for a model, recognised from its metadata. */
#ifndef FIRMWARE_INFER_CHAT_H
#define FIRMWARE_INFER_CHAT_H

#include "firmware/model/model.h"
#include "firmware/model/tokenizer.h"

typedef enum ChatFormat {
    CHAT_YOU_AI,
    CHAT_LLAMA2,
    CHAT_LLAMA3,
    CHAT_CHATML,
    CHAT_ALPACA,
    CHAT_RAW,
    CHAT_AUTO, /* as chat_recognise() finds */
} ChatFormat;

/** "you_ai", "llama2", ...; `chat_format_parse` also takes the aliases of the configuration. */
const char *chat_format_name(ChatFormat format);
bool chat_format_parse(Str name, ChatFormat *format);
/** From tokenizer.chat_template and the vocabulary; CHAT_YOU_AI for a llama2.c file or an unknown template. */
ChatFormat chat_recognise(const Model *model, const Tokenizer *tokenizer);
/** The system prompt the model's own template puts in when there is none; empty when it has no such text, or when
 * `format` is not the template's. */
Str chat_default_system(const Model *model, ChatFormat format);

typedef struct ChatTurn {
    ChatFormat format; /* not CHAT_AUTO */
    bool first;        /* the first turn of a conversation */
    Str system;        /* may be empty */
    Str user;
} ChatTurn;

/**
 * Token ids of one turn, up to where the model's answer starts. Control tokens are real ids; text a person typed can
 * not produce them. A later turn starts by closing the answer before it. ERROR_LIMIT when `capacity` is too small.
 */
bool chat_encode(const Tokenizer *tokenizer, const ChatTurn *turn, Arena *scratch, u32 *ids, usize capacity,
                 usize *count, Error *error);
/** Text that also ends an answer in this format ("\nYou:" ...), or empty. */
Str chat_stop_text(ChatFormat format);

#endif
