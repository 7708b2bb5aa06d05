#include "firmware/testing/gguf_draft.h"

#include "firmware/model/tensor.h"
#include "firmware/testing/check.h"

GgufDraft draft_empty(void) { return (GgufDraft){.version = 3, .alignment = 32}; }

static const char *key_of(const char *architecture, const char *name) {
    static char keys[64][64]; /* drafts keep pointers to their keys */
    static usize used;
    char *key = keys[used++ % COUNT_OF(keys)];
    snprintf(key, sizeof(keys[0]), "%s.%s", architecture, name);
    return key;
}

static void add_layer(GgufDraft *draft) {
    draft_tensor(draft, "blk.0.attn_norm.weight", TENSOR_F32, 8, 0);
    draft_tensor(draft, "blk.0.attn_q.weight", TENSOR_F32, 8, 8);
    draft_tensor(draft, "blk.0.attn_k.weight", TENSOR_F32, 8, 4);
    draft_tensor(draft, "blk.0.attn_v.weight", TENSOR_F32, 8, 4);
    draft_tensor(draft, "blk.0.attn_output.weight", TENSOR_F32, 8, 8);
    draft_tensor(draft, "blk.0.ffn_norm.weight", TENSOR_F32, 8, 0);
    draft_tensor(draft, "blk.0.ffn_gate.weight", TENSOR_F32, 8, 16);
    draft_tensor(draft, "blk.0.ffn_up.weight", TENSOR_F32, 8, 16);
    draft_tensor(draft, "blk.0.ffn_down.weight", TENSOR_F32, 16, 8);
}

static void add_biases(GgufDraft *draft) {
    draft_tensor(draft, "blk.0.attn_q.bias", TENSOR_F32, 8, 0);
    draft_tensor(draft, "blk.0.attn_k.bias", TENSOR_F32, 4, 0);
    draft_tensor(draft, "blk.0.attn_v.bias", TENSOR_F32, 4, 0);
}

GgufDraft draft_model(const char *architecture) {
    GgufDraft draft = draft_empty();
    draft_set_str(&draft, "general.architecture", architecture);
    draft_set_str(&draft, "general.name", "Draft");
    draft_set_u32(&draft, key_of(architecture, "block_count"), 1);
    draft_set_u32(&draft, key_of(architecture, "embedding_length"), 8);
    draft_set_u32(&draft, key_of(architecture, "feed_forward_length"), 16);
    draft_set_u32(&draft, key_of(architecture, "context_length"), 32);
    draft_set_u32(&draft, key_of(architecture, "attention.head_count"), 2);
    draft_set_u32(&draft, key_of(architecture, "attention.head_count_kv"), 1);
    draft_set_f32(&draft, key_of(architecture, "attention.layer_norm_rms_epsilon"), 1e-5F);
    draft_tensor(&draft, "token_embd.weight", TENSOR_F32, 8, 5);
    draft_tensor(&draft, "output_norm.weight", TENSOR_F32, 8, 0);
    add_layer(&draft);
    if (strcmp(architecture, "qwen2") == 0) add_biases(&draft);
    return draft;
}

static DraftPair *find_pair(GgufDraft *draft, const char *key) {
    for (usize i = 0; i < draft->pair_count; i++) {
        if (strcmp(draft->pairs[i].key, key) == 0) return &draft->pairs[i];
    }
    return NULL;
}

void draft_set(GgufDraft *draft, const char *key, u32 type, const void *bytes, usize len) {
    DraftPair *pair = find_pair(draft, key);
    if (!pair) pair = &draft->pairs[draft->pair_count++];
    CHECK(draft->pair_count <= COUNT_OF(draft->pairs) && len <= sizeof(pair->bytes));
    *pair = (DraftPair){.key = key, .type = type, .len = len};
    memcpy(pair->bytes, bytes, len);
}

void draft_set_u32(GgufDraft *draft, const char *key, u32 value) {
    draft_set(draft, key, GGUF_U32, &value, sizeof(value));
}

void draft_set_f32(GgufDraft *draft, const char *key, f32 value) {
    draft_set(draft, key, GGUF_F32, &value, sizeof(value));
}

void draft_set_str(GgufDraft *draft, const char *key, const char *text) {
    char bytes[64];
    u64 len = strlen(text);
    CHECK(len + sizeof(len) <= sizeof(bytes));
    memcpy(bytes, &len, sizeof(len));
    memcpy(bytes + sizeof(len), text, len);
    draft_set(draft, key, GGUF_STRING, bytes, sizeof(len) + len);
}

void draft_remove(GgufDraft *draft, const char *key) {
    DraftPair *pair = find_pair(draft, key);
    CHECK_MSG(pair != NULL, "no key %s", key);
    *pair = draft->pairs[--draft->pair_count];
}

static DraftTensor *find_tensor(GgufDraft *draft, const char *name) {
    for (usize i = 0; i < draft->tensor_count; i++) {
        if (strcmp(draft->tensors[i].name, name) == 0) return &draft->tensors[i];
    }
    return NULL;
}

DraftTensor *draft_tensor(GgufDraft *draft, const char *name, u32 type, u64 cols, u64 rows) {
    DraftTensor *tensor = find_tensor(draft, name);
    if (!tensor) tensor = &draft->tensors[draft->tensor_count++];
    CHECK(draft->tensor_count <= COUNT_OF(draft->tensors));
    const TensorTypeInfo *info = tensor_type_info(type);
    u64 values = cols * (rows ? rows : 1);
    *tensor = (DraftTensor){
        .name = name,
        .type = type,
        .dimensions = rows ? 2 : 1,
        .extent = {cols, rows},
        .bytes = info ? values / info->block_values * info->block_bytes : 0,
    };
    return tensor;
}

void draft_remove_tensor(GgufDraft *draft, const char *name) {
    DraftTensor *tensor = find_tensor(draft, name);
    CHECK_MSG(tensor != NULL, "no tensor %s", name);
    *tensor = draft->tensors[--draft->tensor_count];
}

typedef struct Output {
    char *data;
    usize len;
} Output;

static void put(Output *output, const void *bytes, usize len) {
    memcpy(output->data + output->len, bytes, len);
    output->len += len;
}

static void put_string(Output *output, const char *text) {
    u64 len = strlen(text);
    put(output, &len, sizeof(len));
    put(output, text, len);
}

static void put_tensor(Output *output, const DraftTensor *tensor, u64 offset) {
    put_string(output, tensor->name);
    put(output, &tensor->dimensions, sizeof(tensor->dimensions));
    for (u32 i = 0; i < tensor->dimensions && i < 4; i++) put(output, &tensor->extent[i], sizeof(u64));
    put(output, &tensor->type, sizeof(tensor->type));
    put(output, tensor->is_offset_forced ? &tensor->offset : &offset, sizeof(offset));
}

static u64 aligned(const GgufDraft *draft, u64 offset) {
    return (offset + draft->alignment - 1) / draft->alignment * draft->alignment;
}

static void put_head(const GgufDraft *draft, Output *output) {
    u64 tensors = draft->forced_tensor_count ? draft->forced_tensor_count : draft->tensor_count;
    u64 pairs = draft->forced_pair_count ? draft->forced_pair_count : draft->pair_count;
    put(output, "GGUF", 4);
    put(output, &draft->version, sizeof(draft->version));
    put(output, &tensors, sizeof(tensors));
    put(output, &pairs, sizeof(pairs));
    for (usize i = 0; i < draft->pair_count; i++) {
        put_string(output, draft->pairs[i].key);
        put(output, &draft->pairs[i].type, sizeof(u32));
        put(output, draft->pairs[i].bytes, draft->pairs[i].len);
    }
    u64 offset = 0;
    for (usize i = 0; i < draft->tensor_count; i++) {
        put_tensor(output, &draft->tensors[i], offset);
        offset = aligned(draft, offset + draft->tensors[i].bytes);
    }
}

static void put_data(const GgufDraft *draft, Output *output) {
    output->len = aligned(draft, output->len);
    for (usize i = 0; i < draft->tensor_count; i++) {
        usize end = aligned(draft, output->len + draft->tensors[i].bytes);
        for (u32 word = 0; output->len < end; word++) {
            f32 weight = (f32)(word % 17) / 16 - 0.5F;
            put(output, &weight, sizeof(weight));
        }
    }
}

Str draft_write(const GgufDraft *draft, Arena *arena) {
    enum { ROOM = 1 << 16 };
    Output output = {calloc(1, ROOM), 0};
    CHECK(output.data != NULL);
    put_head(draft, &output);
    put_data(draft, &output);
    CHECK(output.len <= ROOM);
    char *bytes = arena_alloc(arena, output.len, 1, 64); /* exactly as long, so that a sanitizer sees its end */
    CHECK(bytes != NULL);
    memcpy(bytes, output.data, output.len);
    free(output.data);
    return (Str){bytes, output.len};
}
