#include "firmware/repl/autorun.h"

#include "firmware/base/mem.h"
#include "firmware/events/markers.gen.h"
#include "firmware/repl/line_editor.h"
#include "firmware/repl/text_file.h"

static bool load(Autorun *autorun, const Platform *platform, Str path, u64 *size, Error *error) {
    autorun->arena = arena_new(platform->pages, 0);
    if (!text_file_read(platform, path, &autorun->arena, &autorun->rest, size, error)) return false;
    autorun->joined = ARENA_NEW(&autorun->arena, char, autorun->rest.len + 1);
    return autorun->joined != NULL || fail(error, ERROR_OUT_OF_MEMORY, "no memory for the script: make it shorter");
}

bool autorun_start(Autorun *autorun, const Platform *platform, Str path, EventSink *sink, Error *error) {
    Autorun started = {.is_running = true};
    u64 size;
    if (!load(&started, platform, path, &size, error)) {
        arena_free(&started.arena);
        return false;
    }
    if (autorun->is_running) autorun_stop(autorun, sink);
    *autorun = started;
    event_autorun_loaded(sink, path, size);
    return true;
}

static bool is_comment(Str line) { return line.len == 0 || line.data[0] == '#' || line.data[0] == ';'; }

bool autorun_next(Autorun *autorun, Str *line) {
    Str next;
    usize len = 0, line_start = 0;
    while (text_next_line(&autorun->rest, &next)) {
        next = str_trim(next);
        if (line_start == 0 && is_comment(next)) continue;
        memcpy(autorun->joined + len, next.data, next.len);
        len += next.len;
        if (line_join(autorun->joined, &len, line_start) == LINE_WHOLE) break;
        autorun->joined[len++] = '\n';
        line_start = len;
    }
    if (len == 0) return false;
    autorun->lines++;
    *line = (Str){autorun->joined, len};
    return true;
}

void autorun_stop(Autorun *autorun, EventSink *sink) {
    event_autorun_done(sink, autorun->lines);
    arena_free(&autorun->arena);
    *autorun = (Autorun){0};
}
