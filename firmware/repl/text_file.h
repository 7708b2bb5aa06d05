/* Files read whole, and text files as people's editors write them. */
#ifndef FIRMWARE_REPL_TEXT_FILE_H
#define FIRMWARE_REPL_TEXT_FILE_H

#include "firmware/base/platform.h"

/**
 * Reads a file of at most `limit` bytes into `arena`. Errors name the file: those of the file system, ERROR_LIMIT,
 * ERROR_OUT_OF_MEMORY.
 */
bool file_read_whole(const Platform *platform, Str path, u64 limit, Arena *arena, Str *bytes, Error *error);

enum { TEXT_FILE_BYTES = 1024 * 1024 };

/**
 * Reads `path` into `arena` as UTF-8: a byte order mark is taken away, UTF-16 with one (either order) is converted.
 * Lines keep their CR or LF. `*size` is the file's size. Errors: those of file_read_whole with TEXT_FILE_BYTES.
 */
bool text_file_read(const Platform *platform, Str path, Arena *arena, Str *text, u64 *size, Error *error);
/** The next line without its end; false when there is none left. */
bool text_next_line(Str *rest, Str *line);

#endif
