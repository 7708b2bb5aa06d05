#include "firmware/testing/metadata_draft.h"

#include "firmware/testing/check.h"

static void put(MetadataDraft *draft, const void *bytes, usize len) {
    CHECK(len <= sizeof draft->bytes - draft->used);
    memcpy(draft->bytes + draft->used, bytes, len);
    draft->used += len;
}

/* The value is what has been put since `start`. */
static void set(MetadataDraft *draft, const char *key, GgufValue value, usize start) {
    metadata_remove(draft, key);
    CHECK(draft->pair_count < COUNT_OF(draft->pairs));
    value.bytes = (Str){draft->bytes + start, draft->used - start};
    draft->pairs[draft->pair_count++] = (GgufPair){str_from_c(key), value};
}

static void set_scalar(MetadataDraft *draft, const char *key, GgufType type, const void *bytes, usize len) {
    usize start = draft->used;
    put(draft, bytes, len);
    set(draft, key, (GgufValue){.type = type}, start);
}

static void set_array(MetadataDraft *draft, const char *key, GgufType element, const void *values, usize count) {
    usize start = draft->used;
    put(draft, values, count * 4);
    set(draft, key, (GgufValue){.type = GGUF_ARRAY, .element = element, .count = count}, start);
}

void metadata_str(MetadataDraft *draft, const char *key, const char *text) {
    set_scalar(draft, key, GGUF_STRING, text, strlen(text));
}

void metadata_u32(MetadataDraft *draft, const char *key, u32 value) {
    set_scalar(draft, key, GGUF_U32, &value, sizeof value);
}

void metadata_bool(MetadataDraft *draft, const char *key, bool value) { set_scalar(draft, key, GGUF_BOOL, &value, 1); }

void metadata_strings(MetadataDraft *draft, const char *key, const char *const *texts, usize count) {
    usize start = draft->used;
    for (usize i = 0; i < count; i++) {
        u64 length = strlen(texts[i]);
        put(draft, &length, sizeof length);
        put(draft, texts[i], length);
    }
    set(draft, key, (GgufValue){.type = GGUF_ARRAY, .element = GGUF_STRING, .count = count}, start);
}

void metadata_i32s(MetadataDraft *draft, const char *key, const i32 *values, usize count) {
    set_array(draft, key, GGUF_I32, values, count);
}

void metadata_f32s(MetadataDraft *draft, const char *key, const f32 *values, usize count) {
    set_array(draft, key, GGUF_F32, values, count);
}

void metadata_remove(MetadataDraft *draft, const char *key) {
    for (usize i = 0; i < draft->pair_count; i++) {
        if (!str_eq(draft->pairs[i].key, str_from_c(key))) continue;
        draft->pairs[i] = draft->pairs[--draft->pair_count];
        return;
    }
}

Gguf metadata_gguf(MetadataDraft *draft) { return (Gguf){.pair_count = draft->pair_count, .pairs = draft->pairs}; }
