#include "firmware/events/sink.h"

#include "firmware/base/mem.h"
#include "firmware/events/markers.gen.h"

static const Str LEADS[] = MARKER_LEADS;

void sink_init(EventSink *sink, const Platform *platform) {
    memset(sink, 0, sizeof(*sink));
    sink->platform = platform;
}

static void console_write(const EventSink *sink, Str text) {
    if (text.len > 0) sink->platform->console_write(sink->platform->context, text);
}

/** Text on its way to the console, in pieces of a moderate size. */
typedef struct TextBuffer {
    const EventSink *sink;
    char bytes[256];
    usize len;
} TextBuffer;

static void buffer_flush(TextBuffer *buffer) {
    console_write(buffer->sink, (Str){buffer->bytes, buffer->len});
    buffer->len = 0;
}

static void buffer_add(TextBuffer *buffer, Str text) {
    if (buffer->len + text.len > sizeof(buffer->bytes)) buffer_flush(buffer);
    memcpy(buffer->bytes + buffer->len, text.data, text.len);
    buffer->len += text.len;
}

typedef enum LeadMatch { LEAD_NO, LEAD_PARTLY, LEAD_WHOLE } LeadMatch;

static LeadMatch match_lead(Str beginning) {
    LeadMatch best = LEAD_NO;
    for (usize i = 0; i < COUNT_OF(LEADS); i++) {
        if (str_starts_with(beginning, LEADS[i])) return LEAD_WHOLE;
        if (str_starts_with(LEADS[i], beginning)) best = LEAD_PARTLY;
    }
    return best;
}

static void release_held(EventSink *sink, TextBuffer *buffer) {
    if (match_lead((Str){sink->held, sink->held_len}) == LEAD_WHOLE) buffer_add(buffer, STR(" "));
    buffer_add(buffer, (Str){sink->held, sink->held_len});
    if (sink->held_len > 0) sink->at_line_start = false;
    sink->held_len = 0;
}

/** Adds one character (its UTF-8 bytes), watching how lines begin. */
static void put_character(EventSink *sink, TextBuffer *buffer, Str bytes) {
    if (bytes.data[0] == '\n') {
        release_held(sink, buffer);
        buffer_add(buffer, bytes);
        sink->at_line_start = true;
    } else if (!sink->at_line_start || sink->held_len + bytes.len > sizeof(sink->held)) {
        release_held(sink, buffer);
        buffer_add(buffer, bytes);
        sink->at_line_start = false;
    } else {
        memcpy(sink->held + sink->held_len, bytes.data, bytes.len);
        sink->held_len += bytes.len;
        if (match_lead((Str){sink->held, sink->held_len}) != LEAD_PARTLY) release_held(sink, buffer);
    }
}

static bool is_shown(u32 scalar) {
    bool is_c0 = scalar < 0x20 && scalar != '\n' && scalar != '\t' && scalar != '\b';
    bool is_c1 = scalar >= 0x7F && scalar < 0xA0;
    return !is_c0 && !is_c1;
}

void sink_text(EventSink *sink, Str text) {
    TextBuffer buffer = {.sink = sink, .len = 0};
    for (usize at = 0; at < text.len;) {
        u32 scalar;
        char bytes[4];
        at += utf8_decode(text, at, &scalar);
        usize len = utf8_encode(is_shown(scalar) ? scalar : 0xFFFD, bytes);
        put_character(sink, &buffer, (Str){bytes, len});
    }
    buffer_flush(&buffer);
}

void sink_recent(const EventSink *sink, usize count, EventVisitor *visit, void *argument) {
    usize kept = min_usize((usize)sink->sequence, EVENT_RING_LINES);
    for (u64 s = sink->sequence - min_usize(count, kept); s < sink->sequence; s++) {
        const EventLine *line = &sink->ring[(s + 1) % EVENT_RING_LINES];
        visit(argument, (Str){line->text, line->len});
    }
}

void event_literal(EventLine *line, Str text) {
    usize len = min_usize(text.len, EVENT_LINE_BYTES - line->len);
    memcpy(line->text + line->len, text.data, len);
    line->len += len;
}

static void append_format(EventLine *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append_format(EventLine *line, const char *format, ...) {
    char text[64];
    va_list args;
    va_start(args, format);
    usize len = fmt_v(text, sizeof(text), format, args);
    va_end(args);
    event_literal(line, (Str){text, len});
}

void event_u64(EventLine *line, u64 value) { append_format(line, "%llu", (unsigned long long)value); }

void event_i64(EventLine *line, i64 value) { append_format(line, "%lld", (long long)value); }

void event_ms(EventLine *line, u64 microseconds) {
    append_format(line, "%llu.%03u", (unsigned long long)(microseconds / 1000), (u32)(microseconds % 1000));
}

void event_f64(EventLine *line, f64 value, i32 digits) { append_format(line, "%.*f", (int)digits, value); }

void event_hex32(EventLine *line, u32 value) { append_format(line, "%08x", value); }

void event_bool(EventLine *line, bool value) { event_literal(line, value ? STR("yes") : STR("no")); }

static bool is_plain(u32 scalar) { return scalar > 0x20 && scalar != '"' && scalar != '\\' && is_shown(scalar); }

static bool is_plain_word(Str text) {
    for (usize at = 0; at < text.len;) {
        u32 scalar;
        at += utf8_decode(text, at, &scalar);
        if (!is_plain(scalar) || scalar == 0xFFFD) return false;
    }
    return text.len > 0 && text.len <= EVENT_TEXT_BYTES;
}

/** One character of a JSON string; returns its length. */
static usize escape(u32 scalar, char out[8]) {
    if (is_plain(scalar) || scalar == ' ') return utf8_encode(scalar, out);
    if (scalar == '"' || scalar == '\\') return fmt(out, 8, "\\%c", (int)scalar);
    return fmt(out, 8, "\\u%04x", scalar);
}

void event_quoted(EventLine *line, Str text) {
    if (is_plain_word(text)) {
        event_literal(line, text);
        return;
    }
    static const Str CUT = STR("\xE2\x80\xA6\"");
    usize end = line->len + EVENT_TEXT_BYTES;
    event_literal(line, STR("\""));
    for (usize at = 0; at < text.len;) {
        u32 scalar;
        char out[8];
        at += utf8_decode(text, at, &scalar);
        usize len = escape(scalar, out);
        if (line->len + len + CUT.len > end) {
            event_literal(line, CUT);
            return;
        }
        event_literal(line, (Str){out, len});
    }
    event_literal(line, STR("\""));
}

/** Brings the console to the start of a line. */
static void start_line(EventSink *sink) {
    TextBuffer buffer = {.sink = sink, .len = 0};
    release_held(sink, &buffer);
    if (!sink->at_line_start) buffer_add(&buffer, STR("\n"));
    buffer_flush(&buffer);
    sink->at_line_start = true;
}

static const char *level_name(EventLevel level) {
    return level == EVENT_ERROR ? "error" : level == EVENT_WARN ? "warn" : "info";
}

void event_end(EventSink *sink, EventLine *line, EventLevel level, u32 logs) {
    u64 event = logs && sink->record ? sink->record(sink->recorder, logs, (Str){line->text, line->len}) : 0;
    sink->sequence++;
    if (event > 0) append_format(line, " event=%llu", (unsigned long long)event);
    append_format(line, " level=%s seq=%llu t_us=%llu\n", level_name(level), (unsigned long long)sink->sequence,
                  (unsigned long long)sink->platform->now_us(sink->platform->context));
    start_line(sink);
    console_write(sink, (Str){line->text, line->len});
    sink->ring[sink->sequence % EVENT_RING_LINES] = *line;
}
