#include "firmware/model/gguf.h"

#include "firmware/base/mem.h"
#include "firmware/model/tensor.h"

/* Limits of what is read, far above any model's. They bound the time a hostile file can take (names are compared pair
 * by pair for duplicates) and the memory of the tables. */
enum {
    MAX_PAIRS = 4096,
    MAX_TENSORS = 16384,
    MAX_KEY_BYTES = 1024,
    MAX_TENSOR_NAME_BYTES = 64, /* also the format's own */
    DEFAULT_ALIGNMENT = 32,
    MIN_ALIGNMENT = 8,
    MAX_ALIGNMENT = 1 << 20,
    MIN_PAIR_BYTES = 13,   /* key length, an empty key, type, one byte of value */
    MIN_TENSOR_BYTES = 32, /* name length, an empty name, one dimension */
    SHOWN_NAME_BYTES = 64, /* of a key, in an error */
};

#define SHOWN(name) STR_ARG(str_take((name), SHOWN_NAME_BYTES))

/** The unread part of a file's head. */
typedef struct Reader {
    Str bytes;
    usize at;
    u64 file_size;
    Error *error;
} Reader;

static bool take(Reader *reader, u64 count, const char *what, Str *out) {
    u64 left = reader->bytes.len - reader->at;
    if (count > left) {
        return fail(reader->error, ERROR_TRUNCATED,
                    "%s at byte %zu needs %zu bytes, but the file ends at byte %zu; copy the file again", what,
                    reader->at, (usize)count, (usize)reader->file_size);
    }
    *out = (Str){reader->bytes.data + reader->at, (usize)count};
    reader->at += (usize)count;
    return true;
}

static bool take_u32(Reader *reader, const char *what, u32 *out) {
    Str bytes;
    if (!take(reader, sizeof(*out), what, &bytes)) return false;
    memcpy(out, bytes.data, sizeof(*out));
    return true;
}

static bool take_u64(Reader *reader, const char *what, u64 *out) {
    Str bytes;
    if (!take(reader, sizeof(*out), what, &bytes)) return false;
    memcpy(out, bytes.data, sizeof(*out));
    return true;
}

/** A 64-bit length, then that many bytes. */
static bool take_string(Reader *reader, const char *what, Str *out) {
    u64 length;
    return take_u64(reader, what, &length) && take(reader, length, what, out);
}

/** A key or tensor name: short and printable, because it is shown to people and compared with every other one. */
static bool take_name(Reader *reader, const char *what, usize limit, Str *out) {
    usize start = reader->at;
    if (!take_string(reader, what, out)) return false;
    if (out->len == 0 || out->len > limit) {
        return fail(reader->error, ERROR_CORRUPT, "%s at byte %zu is %zu bytes long, expected 1 to %zu", what, start,
                    out->len, limit);
    }
    if (!str_is_printable(*out)) {
        return fail(reader->error, ERROR_CORRUPT, "%s at byte %zu contains control characters", what, start);
    }
    return true;
}

/** Bytes of one value of a fixed-size type; 0 for strings, arrays and unknown types. */
static usize fixed_size(u32 type) {
    static const u8 SIZES[] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
        [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    return type < COUNT_OF(SIZES) ? SIZES[type] : 0;
}

static bool take_strings(Reader *reader, Str key, u64 count, Str *out) {
    usize start = reader->at;
    for (u64 i = 0; i < count; i++) {
        Str text;
        if (!take_string(reader, "a string in an array", &text)) {
            return fail_in(reader->error, str_take(key, SHOWN_NAME_BYTES));
        }
    }
    *out = (Str){reader->bytes.data + start, reader->at - start};
    return true;
}

static bool take_array(Reader *reader, Str key, GgufValue *value) {
    u32 element;
    if (!take_u32(reader, "an array's element type", &element)) return false;
    if (!take_u64(reader, "an array's length", &value->count)) return false;
    value->element = (GgufType)element;
    if (element == GGUF_STRING) return take_strings(reader, key, value->count, &value->bytes);
    usize size = fixed_size(element);
    if (size == 0) {
        return fail(reader->error, ERROR_UNSUPPORTED,
                    "the array \"%.*s\" has elements of type %u, expected numbers, booleans or strings", SHOWN(key),
                    element);
    }
    if (value->count > reader->file_size / size) {
        return fail(reader->error, ERROR_CORRUPT, "the array \"%.*s\" claims %zu elements in a file of %zu bytes",
                    SHOWN(key), (usize)value->count, (usize)reader->file_size);
    }
    return take(reader, value->count * size, "an array", &value->bytes);
}

static bool take_value(Reader *reader, Str key, GgufValue *value) {
    u32 type;
    if (!take_u32(reader, "a value's type", &type)) return false;
    value->type = (GgufType)type;
    value->count = 1;
    if (type == GGUF_ARRAY) return take_array(reader, key, value);
    if (type == GGUF_STRING) return take_string(reader, "a string", &value->bytes);
    usize size = fixed_size(type);
    if (size == 0) {
        return fail(reader->error, ERROR_UNSUPPORTED, "the key \"%.*s\" has a value of unknown type %u", SHOWN(key),
                    type);
    }
    return take(reader, size, "a value", &value->bytes);
}

static bool take_pair(Reader *reader, Gguf *gguf) {
    GgufPair *pair = &gguf->pairs[gguf->pair_count];
    if (!take_name(reader, "a key", MAX_KEY_BYTES, &pair->key)) return false;
    if (gguf_find(gguf, pair->key)) {
        return fail(reader->error, ERROR_CORRUPT, "the key \"%.*s\" occurs twice", SHOWN(pair->key));
    }
    if (!take_value(reader, pair->key, &pair->value)) return false;
    gguf->pair_count++;
    return true;
}

/** Sets `bytes` of a tensor from its type and extents. */
static bool measure_tensor(GgufTensor *tensor, Error *error) {
    const TensorTypeInfo *info = tensor_type_info(tensor->type);
    if (!info) {
        return fail(error, ERROR_UNSUPPORTED, "tensor \"%.*s\" has type %u, which is not supported",
                    SHOWN(tensor->name), tensor->type);
    }
    usize values = 1;
    for (usize i = 0; i < COUNT_OF(tensor->extent); i++) {
        if (tensor->extent[i] == 0 || !mul_usize(values, (usize)tensor->extent[i], &values)) {
            return fail(error, ERROR_CORRUPT, "tensor \"%.*s\" has an impossible extent of %zu in dimension %zu",
                        SHOWN(tensor->name), (usize)tensor->extent[i], i);
        }
    }
    if (tensor->extent[0] % info->block_values != 0) {
        return fail(error, ERROR_CORRUPT, "tensor \"%.*s\" has rows of %zu values, expected a multiple of %u for %s",
                    SHOWN(tensor->name), (usize)tensor->extent[0], info->block_values, info->name);
    }
    usize bytes;
    if (!mul_usize(values / info->block_values, info->block_bytes, &bytes)) {
        return fail(error, ERROR_CORRUPT, "tensor \"%.*s\" is larger than any file", SHOWN(tensor->name));
    }
    tensor->bytes = bytes;
    return true;
}

static bool take_extents(Reader *reader, GgufTensor *tensor) {
    if (!take_u32(reader, "a tensor's number of dimensions", &tensor->dimensions)) return false;
    if (tensor->dimensions < 1 || tensor->dimensions > COUNT_OF(tensor->extent)) {
        return fail(reader->error, ERROR_CORRUPT, "tensor \"%.*s\" has %u dimensions, expected 1 to 4",
                    SHOWN(tensor->name), tensor->dimensions);
    }
    for (u32 i = 0; i < COUNT_OF(tensor->extent); i++) {
        tensor->extent[i] = 1;
        if (i < tensor->dimensions && !take_u64(reader, "a tensor's extent", &tensor->extent[i])) return false;
    }
    return true;
}

static bool take_tensor(Reader *reader, Gguf *gguf) {
    GgufTensor *tensor = &gguf->tensors[gguf->tensor_count];
    if (!take_name(reader, "a tensor's name", MAX_TENSOR_NAME_BYTES, &tensor->name)) return false;
    if (gguf_find_tensor(gguf, tensor->name)) {
        return fail(reader->error, ERROR_CORRUPT, "tensor \"%.*s\" occurs twice", SHOWN(tensor->name));
    }
    if (!take_extents(reader, tensor)) return false;
    if (!take_u32(reader, "a tensor's type", &tensor->type)) return false;
    if (!take_u64(reader, "a tensor's offset", &tensor->offset)) return false;
    if (!measure_tensor(tensor, reader->error)) return false;
    gguf->tensor_count++;
    return true;
}

/** A table's length, refused before anything is allocated for it when the bytes at hand cannot hold that many rows. */
static bool check_count(const Reader *reader, const char *what, u64 count, usize limit, usize row_bytes) {
    if (count > reader->file_size / row_bytes) {
        return fail(reader->error, ERROR_CORRUPT, "the header claims %zu %s in a file of %zu bytes", (usize)count, what,
                    (usize)reader->file_size);
    }
    if (count > limit) {
        return fail(reader->error, ERROR_LIMIT, "the header claims %zu %s, at most %zu are read", (usize)count, what,
                    limit);
    }
    if (count > (reader->bytes.len - reader->at) / row_bytes) {
        return fail(reader->error, ERROR_TRUNCATED, "the file ends at byte %zu, inside its table of %zu %s",
                    (usize)reader->file_size, (usize)count, what);
    }
    return true;
}

static bool take_pairs(Reader *reader, Arena *arena, u64 count, Gguf *gguf) {
    if (!check_count(reader, "metadata keys", count, MAX_PAIRS, MIN_PAIR_BYTES)) return false;
    gguf->pairs = ARENA_NEW(arena, GgufPair, (usize)count);
    if (!gguf->pairs) return fail(reader->error, ERROR_OUT_OF_MEMORY, "no memory for %zu metadata keys", (usize)count);
    while (gguf->pair_count < count) {
        if (!take_pair(reader, gguf)) return false;
    }
    return true;
}

static bool take_tensors(Reader *reader, Arena *arena, u64 count, Gguf *gguf) {
    if (!check_count(reader, "tensors", count, MAX_TENSORS, MIN_TENSOR_BYTES)) return false;
    gguf->tensors = ARENA_NEW(arena, GgufTensor, (usize)count);
    if (!gguf->tensors) return fail(reader->error, ERROR_OUT_OF_MEMORY, "no memory for %zu tensors", (usize)count);
    while (gguf->tensor_count < count) {
        if (!take_tensor(reader, gguf)) return false;
    }
    return true;
}

static bool take_version(Reader *reader, Gguf *gguf) {
    Str magic;
    if (!take(reader, 4, "the magic number", &magic)) return false;
    if (!str_eq(magic, STR("GGUF"))) {
        return fail(reader->error, ERROR_CORRUPT, "the file does not start with \"GGUF\", so it is no GGUF model");
    }
    if (!take_u32(reader, "the version", &gguf->version)) return false;
    if (gguf->version != 0 && gguf->version % 65536 == 0) {
        return fail(reader->error, ERROR_UNSUPPORTED, "the file is big-endian GGUF; convert it to little-endian");
    }
    if (gguf->version != 2 && gguf->version != 3) {
        return fail(reader->error, ERROR_UNSUPPORTED, "GGUF version %u, expected 2 or 3; convert the model again",
                    gguf->version);
    }
    return true;
}

static bool read_alignment(Gguf *gguf, Error *error) {
    u64 alignment = DEFAULT_ALIGNMENT;
    if (gguf_find(gguf, STR("general.alignment")) && !gguf_get_u64(gguf, STR("general.alignment"), &alignment)) {
        return fail(error, ERROR_CORRUPT, "general.alignment is no unsigned integer");
    }
    if (alignment < MIN_ALIGNMENT || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) != 0) {
        return fail(error, ERROR_CORRUPT, "general.alignment is %zu, expected a power of two from %d to %d",
                    (usize)alignment, MIN_ALIGNMENT, MAX_ALIGNMENT);
    }
    gguf->alignment = (u32)alignment;
    return true;
}

/** Turns an offset in the data section into one in the file, and checks that the tensor lies inside. */
static bool place_tensor(const Gguf *gguf, u64 file_size, GgufTensor *tensor, Error *error) {
    if (tensor->offset % gguf->alignment != 0) {
        return fail(error, ERROR_CORRUPT, "tensor \"%.*s\" is at data offset %zu, expected a multiple of %u",
                    SHOWN(tensor->name), (usize)tensor->offset, gguf->alignment);
    }
    u64 available = file_size > gguf->data_offset ? file_size - gguf->data_offset : 0;
    if (tensor->offset > available || tensor->bytes > available - tensor->offset) {
        return fail(
            error, ERROR_CORRUPT,
            "tensor \"%.*s\" needs %zu bytes at data offset %zu, but the file holds %zu bytes of data; copy the "
            "file again",
            SHOWN(tensor->name), (usize)tensor->bytes, (usize)tensor->offset, (usize)available);
    }
    tensor->offset += gguf->data_offset;
    return true;
}

static bool place_tensors(Gguf *gguf, usize head_bytes, u64 file_size, Error *error) {
    if (!read_alignment(gguf, error)) return false;
    gguf->data_offset = (head_bytes + gguf->alignment - 1) & ~((u64)gguf->alignment - 1);
    for (usize i = 0; i < gguf->tensor_count; i++) {
        if (!place_tensor(gguf, file_size, &gguf->tensors[i], error)) return false;
    }
    return true;
}

bool gguf_parse(Str bytes, u64 file_size, Arena *arena, Gguf *gguf, Error *error) {
    Reader reader = {.bytes = bytes, .file_size = file_size, .error = error};
    u64 tensor_count, pair_count;
    *gguf = (Gguf){0};
    return take_version(&reader, gguf) && take_u64(&reader, "the tensor count", &tensor_count) &&
           take_u64(&reader, "the metadata count", &pair_count) && take_pairs(&reader, arena, pair_count, gguf) &&
           take_tensors(&reader, arena, tensor_count, gguf) && place_tensors(gguf, reader.at, file_size, error);
}

const GgufValue *gguf_find(const Gguf *gguf, Str key) {
    for (usize i = 0; i < gguf->pair_count; i++) {
        if (str_eq(gguf->pairs[i].key, key)) return &gguf->pairs[i].value;
    }
    return NULL;
}

const GgufTensor *gguf_find_tensor(const Gguf *gguf, Str name) {
    for (usize i = 0; i < gguf->tensor_count; i++) {
        if (str_eq(gguf->tensors[i].name, name)) return &gguf->tensors[i];
    }
    return NULL;
}

static bool is_signed_integer(GgufType type) {
    return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64;
}

static bool is_unsigned_integer(GgufType type) {
    return type == GGUF_U8 || type == GGUF_U16 || type == GGUF_U32 || type == GGUF_U64;
}

bool gguf_get_u64(const Gguf *gguf, Str key, u64 *out) {
    const GgufValue *value = gguf_find(gguf, key);
    if (!value || !(is_unsigned_integer(value->type) || is_signed_integer(value->type))) return false;
    u64 bits = 0; /* little-endian, so a short value fills the low bytes */
    memcpy(&bits, value->bytes.data, value->bytes.len);
    u64 sign = (u64)1 << (8 * value->bytes.len - 1);
    if (is_signed_integer(value->type) && (bits & sign) != 0) return false;
    *out = bits;
    return true;
}

bool gguf_get_f64(const Gguf *gguf, Str key, f64 *out) {
    const GgufValue *value = gguf_find(gguf, key);
    if (!value) return false;
    if (value->type == GGUF_F64) {
        memcpy(out, value->bytes.data, sizeof(*out));
        return true;
    }
    if (value->type != GGUF_F32) return false;
    f32 narrow;
    memcpy(&narrow, value->bytes.data, sizeof(narrow));
    *out = (f64)narrow;
    return true;
}

bool gguf_get_bool(const Gguf *gguf, Str key, bool *out) {
    const GgufValue *value = gguf_find(gguf, key);
    if (!value || value->type != GGUF_BOOL) return false;
    *out = value->bytes.data[0] != 0;
    return true;
}

bool gguf_get_str(const Gguf *gguf, Str key, Str *out) {
    const GgufValue *value = gguf_find(gguf, key);
    if (!value || value->type != GGUF_STRING) return false;
    *out = value->bytes;
    return true;
}

bool gguf_next_string(const GgufValue *array, usize *cursor, Str *out) {
    u64 length;
    if (array->type != GGUF_ARRAY || array->element != GGUF_STRING || *cursor >= array->bytes.len) return false;
    memcpy(&length, array->bytes.data + *cursor, sizeof(length)); /* gguf_parse has checked every length */
    *out = (Str){array->bytes.data + *cursor + sizeof(length), (usize)length};
    *cursor += sizeof(length) + (usize)length;
    return true;
}
