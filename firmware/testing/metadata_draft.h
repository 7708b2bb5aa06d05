/* GGUF metadata made in memory, for tests of what reads it: keys and values without a file. Hosted code only. */
#ifndef FIRMWARE_TESTING_METADATA_DRAFT_H
#define FIRMWARE_TESTING_METADATA_DRAFT_H

#include "firmware/model/gguf.h"

/** Pairs point into `bytes`: a draft is not copied once it has any. */
typedef struct MetadataDraft {
    GgufPair pairs[16];
    usize pair_count;
    char bytes[32768];
    usize used;
} MetadataDraft;

/** Each replaces the key's value or adds the key. */
void metadata_str(MetadataDraft *draft, const char *key, const char *text);
void metadata_u32(MetadataDraft *draft, const char *key, u32 value);
void metadata_bool(MetadataDraft *draft, const char *key, bool value);
void metadata_strings(MetadataDraft *draft, const char *key, const char *const *texts, usize count);
void metadata_i32s(MetadataDraft *draft, const char *key, const i32 *values, usize count);
void metadata_f32s(MetadataDraft *draft, const char *key, const f32 *values, usize count);
void metadata_remove(MetadataDraft *draft, const char *key);
/** The draft as gguf_parse() would give it; valid as long as the draft. */
Gguf metadata_gguf(MetadataDraft *draft);

#endif
