/* Lines of text, kept in two files of a fixed size that are used in turn: when one is full the other, which has the
 * older lines, is blanked and filled. So the newest lines are never in the file that is blanked, and at least the last
 * file's worth of them is always kept.
 *
 * A line: "event=N " text " crc=XXXXXXXX" LF, the CRC-32C of all before " crc=" in lower case. N is from 1 and grows
 * from line to line. Unused bytes are LF. A line that is not whole (power failed) stays where it is: readers pass over
 * it, and the next line is written behind it. A file of another size (somebody changed it) is read, and not written
 * until its turn to be blanked, when it is made again.
 */
#ifndef FIRMWARE_STORE_RECORD_LOG_H
#define FIRMWARE_STORE_RECORD_LOG_H

#include "firmware/base/platform.h"

enum {
    RECORD_LINE_MAX = 1100,   /* text and what is put around it, LF included */
    RECORD_TEXT_MAX = 1059,   /* what is around it has at most 41 bytes */
    RECORD_FILE_MAX = 1 << 20 /* of a file that is longer, only so many bytes are read */
};

typedef struct RecordFile {
    Str path;
    bool exists;
    bool is_full_size; /* it has the log's `bytes`: written in place, another is replaced */
    u32 used;          /* bytes up to which something is written */
    u64 newest;        /* the highest number of its whole lines; 0 when it has none */
    u32 torn_lines;    /* lines that are not whole */
    u32 torn_bytes;
} RecordFile;

typedef struct RecordLog {
    const Platform *platform;
    u32 bytes; /* of each file */
    RecordFile files[2];
    u32 active; /* the one that is written */
} RecordLog;

/** Looks at both files; missing ones are made at the first append. `bytes` is from RECORD_LINE_MAX to RECORD_FILE_MAX.
 * Errors: those of the file system, ERROR_OUT_OF_MEMORY. */
bool record_log_open(RecordLog *log, const Platform *platform, Str first, Str second, u32 bytes, Arena *scratch,
                     Error *error);
/** Number of the newest whole line of both files; 0 when there is none. */
u64 record_log_newest(const RecordLog *log);
/**
 * Appends a line, and returns once it is on the medium. `number` is above record_log_newest(). `text` has no LF
 * (ERROR_USAGE) and at most RECORD_TEXT_MAX bytes (ERROR_LIMIT). Other errors: those of the file system;
 * ERROR_OUT_OF_MEMORY when a file is to be blanked. After an error the line is not there, or torn, or whole when only
 * the last step failed; another append writes in its place.
 */
bool record_log_append(RecordLog *log, u64 number, Str text, Error *error);
/** Calls `visit` for each whole line of both files, oldest first; `text` is what was appended, valid during the visit.
 */
typedef void RecordVisitor(void *argument, u64 number, Str text);
bool record_log_read(const RecordLog *log, Arena *scratch, RecordVisitor *visit, void *argument, Error *error);

/** One line without its LF: false when it is not whole. For the log, tests and fuzzing. */
bool record_parse(Str line, u64 *number, Str *text);

#endif
