#include "firmware/infer/text_stream.h"

#include "firmware/base/mem.h"

static void write_first(TextStream *stream, usize len) {
    if (len == 0) return;
    stream->write(stream->argument, (Str){stream->held, len});
    stream->held_len -= len;
    memmove(stream->held, stream->held + len, stream->held_len);
}

/** Length of the longest end of `text` that is a proper beginning of `stop`. */
static usize begun(Str text, Str stop) {
    for (usize n = min_usize(text.len, stop.len ? stop.len - 1 : 0); n > 0; n--) {
        if (str_starts_with(stop, str_skip(text, text.len - n))) return n;
    }
    return 0;
}

static usize lead_byte_length(u8 byte) {
    if (byte >= 0xF0 && byte < 0xF8) return 4;
    if (byte >= 0xE0) return byte < 0xF0 ? 3 : 1;
    return byte >= 0xC0 ? 2 : 1;
}

/** Length of a UTF-8 character at the end of `text` that lacks bytes; 0 when the end is whole or malformed anyway. */
static usize incomplete_character(Str text) {
    for (usize back = 1; back <= min_usize(text.len, 3); back++) {
        u8 byte = (u8)text.data[text.len - back];
        if ((byte & 0xC0) != 0x80) return lead_byte_length(byte) > back ? back : 0;
    }
    return 0;
}

static usize held_back(const TextStream *stream) {
    Str text = {stream->held, stream->held_len};
    usize most = incomplete_character(text);
    for (usize i = 0; i < TEXT_STREAM_STOPS; i++) most = max_usize(most, begun(text, stream->stops[i]));
    return most;
}

static i32 completed_stop(const TextStream *stream) {
    Str text = {stream->held, stream->held_len};
    for (usize i = 0; i < TEXT_STREAM_STOPS; i++) {
        Str stop = stream->stops[i];
        if (stop.len > 0 && stop.len <= text.len && str_eq(str_skip(text, text.len - stop.len), stop)) return (i32)i;
    }
    return -1;
}

i32 text_stream_push(TextStream *stream, Str piece) {
    u64 before = stream->bytes;
    stream->bytes += piece.len;
    for (usize i = 0; i < piece.len; i++) {
        if (stream->held_len == sizeof(stream->held)) write_first(stream, stream->held_len - held_back(stream));
        stream->held[stream->held_len++] = piece.data[i];
        i32 stop = completed_stop(stream);
        if (stop >= 0) {
            stream->stop_at = before + i + 1 - stream->stops[stop].len;
            write_first(stream, stream->held_len - stream->stops[stop].len);
            stream->held_len = 0;
            return stop;
        }
    }
    write_first(stream, stream->held_len - held_back(stream));
    return -1;
}

void text_stream_end(TextStream *stream) { write_first(stream, stream->held_len); }
