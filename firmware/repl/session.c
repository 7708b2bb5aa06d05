#include "firmware/repl/session.h"

#include "firmware/base/crc32c.h"
#include "firmware/base/mem.h"
#include "firmware/store/report.h"

/* The size that an image has the metrics' files at (KEPT_FILES in firmware/BUILD). */
enum { SAY_BYTES = 1024, METRICS_FILE_BYTES = 64 * 1024 };
static const ReportFiles METRICS_FILES = {STR("LLMK_METRICS.LOG"), STR("LLMK_METRICS2.LOG")};

static void say_v(Session *session, const char *format, va_list args) {
    char text[SAY_BYTES];
    usize len = fmt_v(text, sizeof(text), format, args);
    sink_text(&session->sink, (Str){text, len});
}

void say(Session *session, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(session, format, args);
    va_end(args);
}

void say_str(Session *session, Str text) { sink_text(&session->sink, text); }

void say_error(Session *session, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(session, "error: ");
    say_v(session, format, args);
    say(session, "\n");
    va_end(args);
}

u64 session_now_us(const Session *session) { return session->platform->now_us(session->platform->context); }

ByteText byte_text(u64 bytes) {
    static const char *const UNITS[] = {"B", "kB", "MB", "GB", "TB"};
    ByteText out;
    usize unit = 0;
    f64 value = (f64)bytes;
    for (; value >= 1000 && unit + 1 < COUNT_OF(UNITS); unit++) value /= 1000;
    fmt(out.text, sizeof(out.text), unit ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
    return out;
}

void session_out_of_memory(Session *session, Str what) {
    event_mem_short(&session->sink, what);
    session->allocation_failures++;
    session->guards.metrics.allocation_failures++;
}

void session_forget(Session *session) {
    conversation_clear(&session->engine.conversation);
    session->guards.metrics.kv_cache_resets++;
}

/** The file is in memory as it was read. */
static u32 model_crc32c(Session *session) {
    Str bytes = session->engine.model.bytes;
    if (!session->has_model_crc32c) session->model_crc32c = crc32c(0, bytes.data, bytes.len);
    session->has_model_crc32c = true;
    return session->model_crc32c;
}

static MetricsIdentity identity(Session *session) {
    const Engine *engine = &session->engine;
    MetricsIdentity identity = {.build_id = session->options->build_id,
                                .platform = str_from_c(session->platform->name),
                                .cycles_hz = session->platform->cycles_hz,
                                .threads = 1,
                                .boot_count = session->organism.state.boot_count,
                                .uptime_us = session_now_us(session)};
    if (!engine->is_ready) return identity;
    identity.model_path = engine->path;
    identity.model_name = engine->model.name;
    identity.model_bytes = engine->model.file_size;
    identity.model_crc32c = model_crc32c(session);
    identity.kernels = str_from_c(engine->transformer.kernels->name);
    identity.context = engine->transformer.context;
    return identity;
}

typedef struct Page {
    char *data;
    usize len;
    bool is_full;
} Page;

static void put(void *argument, Str text) {
    Page *page = argument;
    if (text.len > METRICS_FILE_BYTES - page->len) page->is_full = true;
    if (page->is_full) return;
    memcpy(page->data + page->len, text.data, text.len);
    page->len += text.len;
}

static bool write_metrics(Session *session, usize *bytes, Error *error) {
    Page page = {.data = ARENA_NEW(&session->scratch, char, METRICS_FILE_BYTES)};
    JsonWriter json = {.write = put, .argument = &page};
    if (!page.data) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for %d bytes", METRICS_FILE_BYTES);
    MetricsIdentity of = identity(session);
    memset(page.data, '\n', METRICS_FILE_BYTES);
    metrics_write(&session->guards.metrics, &of, &json);
    if (page.is_full) return fail(error, ERROR_LIMIT, "more than %d bytes of metrics", METRICS_FILE_BYTES);
    *bytes = page.len;
    return report_write(session->platform, &METRICS_FILES, (Str){page.data, METRICS_FILE_BYTES}, error);
}

bool session_write_metrics(Session *session) {
    Error error;
    usize bytes;
    ArenaMark mark = arena_mark(&session->scratch);
    bool is_written = write_metrics(session, &bytes, &error);
    arena_release(&session->scratch, mark);
    if (is_written) {
        event_metrics_written(&session->sink, METRICS_FILES.file, bytes);
    } else {
        event_metrics_failed(&session->sink, METRICS_FILES.file, str_from_c(error.message));
    }
    return is_written;
}

void session_conclude(Session *session) {
    if (session->is_concluded) return;
    session->is_concluded = true;
    if (session->config.autorun && session->autorun.is_running) session_write_metrics(session);
    organism_end(&session->organism);
}
