/* An answer's bytes on their way to a person: whole UTF-8 characters only, and never a part of a stop text. */
#ifndef FIRMWARE_INFER_TEXT_STREAM_H
#define FIRMWARE_INFER_TEXT_STREAM_H

#include "firmware/base/str.h"

enum { TEXT_STREAM_STOPS = 2, TEXT_STREAM_STOP_BYTES = 64 };

typedef void TextWriter(void *argument, Str text);

typedef struct TextStream {
    TextWriter *write;
    void *argument;
    Str stops[TEXT_STREAM_STOPS]; /* an empty one is none; at most TEXT_STREAM_STOP_BYTES long */
    u64 bytes;                    /* taken so far, the stop text included */
    u64 stop_at;                  /* how many bytes came before the completed stop text */
    char held[4 * TEXT_STREAM_STOP_BYTES];
    usize held_len;
} TextStream;

/** Takes the bytes of one token. Returns the index of the stop text they completed (the stream then ends before it), or
 * -1. */
i32 text_stream_push(TextStream *stream, Str piece);
/** Writes what was held back: the answer ended without a stop text. */
void text_stream_end(TextStream *stream);

#endif
