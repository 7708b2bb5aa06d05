/* Files below the volume folder, as Platform asks for them. The context is a Host. */
#ifndef FIRMWARE_PLATFORM_HOST_FILES_H
#define FIRMWARE_PLATFORM_HOST_FILES_H

#include "firmware/platform/host/host.h"

bool files_open_volume(Host *host, Str path, Error *error);
bool files_open(void *context, Str path, File **file, u64 *size, Error *error);
bool files_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *error);
void files_close(void *context, File *file);
bool files_write(void *context, Str path, Str data, Error *error);
bool files_write_at(void *context, Str path, u64 offset, Str data, Error *error);
bool files_list(void *context, Str path, DirVisitor *visit, void *argument, Error *error);

#endif
