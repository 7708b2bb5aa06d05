/* A text for people that is replaced as a whole, in two files of a fixed size: the one they read, and a copy of it.
 * Whatever the moment power fails, one of the two is whole: the text of the last report_write that returned true, or
 * the one being written.
 *
 * File: the text, then LFs. One that begins with an LF holds nothing: it is blank, as an image has it, or was being
 * written when power failed. What counts is the text of the file, or, when that holds nothing, of the copy.
 */
#ifndef FIRMWARE_STORE_REPORT_H
#define FIRMWARE_STORE_REPORT_H

#include "firmware/base/platform.h"

enum { REPORT_SECTOR_BYTES = 512 }; /* what a medium writes whole or not at all */

typedef struct ReportFiles {
    Str file, copy;
} ReportFiles;

/**
 * Writes a report, and returns once it is on the medium in both files. `page` is the text with the LFs behind it: more
 * than a sector, and as long as the files are. A file of another size, or none, is made. Errors: those of the file
 * system. The report before is then still there, unless the new one is.
 */
bool report_write(const Platform *platform, const ReportFiles *files, Str page, Error *error);

#endif
