#include "firmware/oo/journal.h"

#include "firmware/base/fmt.h"

typedef struct LogFiles {
    Str paths[2];
    u32 bytes;
} LogFiles;

static const LogFiles FILES[EVENT_LOGS] = EVENT_LOG_FILES;

static bool is_kept(const Journal *journal, u32 log) { return journal->kept >> log & 1; }

static void say_failed(Journal *journal, const Error *error) {
    if (journal->has_failed) return;
    journal->has_failed = true;
    event_oo_log_failed(journal->sink, str_from_c(error->message));
}

static void say_torn(const Journal *journal, const RecordFile *file) {
    if (file->torn_lines > 0) event_oo_log_torn(journal->sink, file->path, file->torn_lines, file->torn_bytes);
}

static void open_log(Journal *journal, u32 index, const Platform *platform, Arena *scratch) {
    Error error;
    RecordLog *log = &journal->logs[index];
    const LogFiles *files = &FILES[index];
    ArenaMark mark = arena_mark(scratch);
    bool is_open = record_log_open(log, platform, files->paths[0], files->paths[1], files->bytes, scratch, &error);
    arena_release(scratch, mark);
    if (!is_open) {
        *log = (RecordLog){0};
        say_failed(journal, &error);
        return;
    }
    journal->kept |= 1u << index;
    u64 newest = record_log_newest(log);
    if (newest > journal->event) journal->event = newest;
    for (u32 i = 0; i < COUNT_OF(log->files); i++) say_torn(journal, &log->files[i]);
}

void journal_open(Journal *journal, const Platform *platform, EventSink *sink, Arena *scratch) {
    *journal = (Journal){.sink = sink};
    for (u32 log = 0; log < EVENT_LOGS; log++) open_log(journal, log, platform, scratch);
    journal->is_open = is_kept(journal, EVENT_LOG_JOURNAL);
    sink->record = journal_record;
    sink->recorder = journal;
}

/** Appends to one log; a failure is said once a boot. */
static bool append(Journal *journal, u32 log, u64 number, Str record) {
    Error error;
    if (!is_kept(journal, log)) return false;
    if (record_log_append(&journal->logs[log], number, record, &error)) return true;
    say_failed(journal, &error);
    return false;
}

u64 journal_record(void *argument, u32 logs, Str text) {
    Journal *journal = argument;
    char record[RECORD_LINE_MAX];
    usize len = fmt(record, sizeof(record), "boot=%llu %.*s", (unsigned long long)journal->boot, STR_ARG(text));
    u64 number = journal->event + 1;
    if (!append(journal, EVENT_LOG_JOURNAL, number, (Str){record, len})) return 0;
    journal->event = number;
    for (u32 log = EVENT_LOG_JOURNAL + 1; log < EVENT_LOGS; log++) {
        if (logs >> log & 1) append(journal, log, number, (Str){record, len});
    }
    return number;
}

typedef struct Last {
    usize skipped; /* so many older ones are left out */
    RecordVisitor *visit;
    void *argument;
} Last;

static void count_record(void *argument, u64 number, Str text) {
    (void)number;
    (void)text;
    ++*(usize *)argument;
}

static void visit_last(void *argument, u64 number, Str text) {
    Last *last = argument;
    if (last->skipped > 0) {
        last->skipped--;
    } else {
        last->visit(last->argument, number, text);
    }
}

static bool read_log(const RecordLog *log, Arena *scratch, RecordVisitor *visit, void *argument, Error *error) {
    ArenaMark mark = arena_mark(scratch);
    bool is_read = record_log_read(log, scratch, visit, argument, error);
    arena_release(scratch, mark);
    return is_read;
}

bool journal_recent(const Journal *journal, EventLog log, usize count, Arena *scratch, RecordVisitor *visit,
                    void *argument, Error *error) {
    const RecordLog *of = &journal->logs[log];
    usize total = 0;
    if (!of->platform) return fail(error, ERROR_IO, "%.*s could not be opened", STR_ARG(FILES[log].paths[0]));
    if (!read_log(of, scratch, count_record, &total, error)) return false;
    Last last = {total - min_usize(count, total), visit, argument};
    return read_log(of, scratch, visit_last, &last, error);
}

/** The number behind "boot=" at the beginning of a record; 0 when there is none. */
static u64 boot_of(Str record) {
    static const Str KEY = STR("boot=");
    u64 boot;
    if (!str_starts_with(record, KEY)) return 0;
    Str rest = str_skip(record, KEY.len);
    return str_to_u64(str_take(rest, str_find_byte(rest, ' ')), &boot) ? boot : 0;
}

static void look_at_boot(void *argument, u64 number, Str text) {
    u64 *highest = argument, boot = boot_of(text);
    (void)number;
    if (boot > *highest) *highest = boot;
}

u64 journal_last_boot(const Journal *journal, Arena *scratch) {
    Error error;
    u64 highest = 0;
    if (journal->is_open) read_log(&journal->logs[EVENT_LOG_JOURNAL], scratch, look_at_boot, &highest, &error);
    return highest;
}
