/* Which files of the volume are models. */
#ifndef FIRMWARE_REPL_MODELS_H
#define FIRMWARE_REPL_MODELS_H

#include "firmware/base/platform.h"

enum { MODELS_MAX = 64, MODEL_PATH_BYTES = 256 };

typedef struct ModelFile {
    char path[MODEL_PATH_BYTES];
    usize path_len;
    u64 size; /* bytes */
} ModelFile;

typedef struct ModelList {
    ModelFile files[MODELS_MAX];
    usize count;
    usize left_out; /* models there was no room for */
} ModelList;

/** True of names that end in .gguf or .bin and are no tokenizer and no file this program keeps for itself. */
bool models_is_model(Str name);
Str models_path(const ModelFile *file);
/** Adds the models of one folder (empty: the root), sorted by name. False, with nothing added, when it cannot be read.
 */
bool models_list(const Platform *platform, Str folder, ModelList *list, Error *error);
/** The models of the root and of its models folder. A folder that is not there has none. */
void models_list_all(const Platform *platform, ModelList *list);
/** Finds what a person called a model: a path, with or without extension, in the root or the models folder. */
const ModelFile *models_find(const ModelList *list, Str name);
/** True of a path that is in no listing and has the '~' of a short (8.3) name: the file system opened it by an alias.
 */
bool models_is_alias(const ModelList *list, Str path);

#endif
