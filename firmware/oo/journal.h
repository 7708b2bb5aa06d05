/* M13.1, M14: the logs on the volume. Every marker line whose row names a log is kept there with the number of the
 * event, the boot and a checksum, before it is shown on the console; the text is the same in both places.
 *
 * A record is "boot=N " and the marker's text. Its number is that of the event: one sequence over all logs, and the
 * journal has all of it, so an event that another log keeps too has one number in both. */
#ifndef FIRMWARE_OO_JOURNAL_H
#define FIRMWARE_OO_JOURNAL_H

#include "firmware/events/markers.gen.h"
#include "firmware/store/record_log.h"

typedef struct Journal {
    bool is_open; /* the journal proper */
    EventSink *sink;
    RecordLog logs[EVENT_LOGS];
    u64 event;       /* number of the last one that was kept */
    u64 boot;        /* written into every record; 0: boots are not counted */
    u32 kept;        /* a bit for each EventLog that is written; one taken away is written no more */
    bool has_failed; /* a write failed, and it was said */
} Journal;

/** Opens the logs, says what is torn, and becomes the sink's recorder. A volume that cannot be read or written is no
 * error: events are then shown without being kept, which is said once. */
void journal_open(Journal *journal, const Platform *platform, EventSink *sink, Arena *scratch);
/** The sink's recorder: numbers the event and appends it to the journal, and to those of `logs` that are kept. Returns
 * 0, and uses no number, when the journal itself could not be written. */
u64 journal_record(void *journal, u32 logs, Str text);
/** Calls `visit` with the last `count` records of a log, oldest first. Errors: those of record_log_read, and ERROR_IO
 * when the log could not be opened. */
bool journal_recent(const Journal *journal, EventLog log, usize count, Arena *scratch, RecordVisitor *visit,
                    void *argument, Error *error);
/** The highest boot that the journal has a record of; 0 when there is none, or it cannot be read. */
u64 journal_last_boot(const Journal *journal, Arena *scratch);

#endif
