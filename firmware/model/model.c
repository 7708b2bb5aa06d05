#include "firmware/model/model.h"

#include "firmware/base/mem.h"
#include "firmware/model/llama2c.h"
#include "firmware/model/model_gguf.h"

enum {
    READ_BYTES = 32 << 20,         /* of one read; small reads are what makes firmware file systems slow */
    FIRST_HEAD_BYTES = 1 << 20,    /* what is read to describe a model; most vocabularies fit */
    LONGEST_HEAD_BYTES = 64 << 20, /* after which a file is refused rather than read further */
    HEAD_GROWTH = 4,
    FILE_ALIGN = 64,
    MIB = 1 << 20,
};

static bool is_gguf(Str bytes, Str path) {
    return str_starts_with(bytes, STR("GGUF")) || str_ends_with_nocase(path, STR(".gguf"));
}

static bool name_by_path(Str path, Arena *arena, Model *model, Error *error) {
    char *copy = ARENA_NEW(arena, char, path.len + 1);
    if (!copy) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for the model's name");
    memcpy(copy, path.data, path.len);
    model->name = (Str){copy, path.len};
    return true;
}

static bool describe(Str bytes, u64 file_size, Str path, Arena *arena, Model *model, Error *error) {
    if (!is_gguf(bytes, path)) {
        if (!llama2c_describe(bytes, file_size, model, error)) return false;
    } else {
        *model = (Model){.format = MODEL_GGUF, .file_size = file_size};
        if (!gguf_parse(bytes, file_size, arena, &model->gguf, error) || !model_gguf_describe(model, error))
            return false;
    }
    model->bytes = bytes;
    return model->name.len > 0 || name_by_path(path, arena, model, error);
}

static bool bind(Arena *arena, Model *model, Error *error) {
    return model->format == MODEL_GGUF ? model_gguf_bind(model->bytes, arena, model, error)
                                       : llama2c_bind(model->bytes, arena, model, error);
}

bool model_from_bytes(Str bytes, Str path, Arena *arena, Model *model, Error *error) {
    ArenaMark mark = arena_mark(arena);
    if (describe(bytes, bytes.len, path, arena, model, error) && bind(arena, model, error)) return true;
    arena_release(arena, mark);
    return fail_in(error, path);
}

/** An open file and where its bytes go. */
typedef struct Source {
    const Platform *platform;
    File *file;
    u64 size;
    Str path;
    u32 reads;
} Source;

static bool open_source(const Platform *platform, Str path, Source *source, Error *error) {
    *source = (Source){.platform = platform, .path = path};
    return platform->file_open(platform->context, path, &source->file, &source->size, error);
}

static void close_source(Source *source) { source->platform->file_close(source->platform->context, source->file); }

static bool read_source(Source *source, u64 offset, void *to, usize bytes, Error *error) {
    source->reads++;
    return source->platform->file_read(source->platform->context, source->file, offset, to, bytes, error);
}

/** Memory for the whole file, placed so that the first weight of a .bin is as aligned as that of a GGUF file. */
static u8 *allocate_file(const Source *source, Arena *arena, Error *error) {
    usize lead = str_ends_with_nocase(source->path, STR(".gguf")) ? 0 : FILE_ALIGN - LLAMA2C_HEADER_BYTES;
    usize bytes;
    u8 *memory = NULL;
    if (add_usize((usize)source->size, lead, &bytes)) memory = arena_alloc_uncleared(arena, bytes, 1, FILE_ALIGN);
    if (memory) return memory + lead;
    u64 available = source->platform->memory_free(source->platform->context);
    fail(error, ERROR_OUT_OF_MEMORY,
         "needs %zu MiB of memory in one piece, %zu MiB are free in all; choose a smaller model",
         (usize)(source->size / MIB + 1), (usize)(available / MIB));
    return NULL;
}

static bool read_whole(Source *source, u8 *to, ModelProgress *progress, void *argument, Error *error) {
    for (u64 done = 0; done < source->size;) {
        usize piece = min_usize((usize)(source->size - done), READ_BYTES);
        if (!read_source(source, done, to + done, piece, error)) return false;
        done += piece;
        if (progress) progress(argument, done, source->size);
    }
    return true;
}

static bool load_source(Source *source, Arena *arena, ModelProgress *progress, void *argument, Model *model,
                        Error *error) {
    u8 *memory = allocate_file(source, arena, error);
    if (!memory || !read_whole(source, memory, progress, argument, error)) return fail_in(error, source->path);
    Str bytes = {(const char *)memory, (usize)source->size};
    if (!model_from_bytes(bytes, source->path, arena, model, error)) return false;
    model->reads = source->reads;
    return true;
}

bool model_load(const Platform *platform, Str path, Arena *arena, ModelProgress *progress, void *argument, Model *model,
                Error *error) {
    Source source;
    ArenaMark mark = arena_mark(arena);
    if (!open_source(platform, path, &source, error)) return false;
    bool loaded = load_source(&source, arena, progress, argument, model, error);
    close_source(&source);
    if (!loaded) arena_release(arena, mark);
    return loaded;
}

/** Describes a model from its first `bytes` bytes. */
static bool inspect_head(Source *source, usize bytes, Arena *arena, Model *model, Error *error) {
    char *head = arena_alloc_uncleared(arena, bytes, 1, FILE_ALIGN);
    if (!head) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for %zu MiB of the file's head", bytes / MIB + 1);
    return read_source(source, 0, head, bytes, error) &&
           describe((Str){head, bytes}, source->size, source->path, arena, model, error);
}

static bool inspect_source(Source *source, Arena *arena, Model *model, Error *error) {
    ArenaMark mark = arena_mark(arena);
    for (usize want = FIRST_HEAD_BYTES;; want *= HEAD_GROWTH) {
        usize bytes = (usize)(source->size < want ? source->size : want);
        if (inspect_head(source, bytes, arena, model, error)) return true;
        arena_release(arena, mark);
        bool longer_helps = error->code == ERROR_TRUNCATED && bytes < source->size && want < LONGEST_HEAD_BYTES;
        if (!longer_helps) return fail_in(error, source->path);
    }
}

bool model_inspect(const Platform *platform, Str path, Arena *arena, Model *model, Error *error) {
    Source source;
    if (!open_source(platform, path, &source, error)) return false;
    bool inspected = inspect_source(&source, arena, model, error);
    close_source(&source);
    if (inspected) model->reads = source.reads;
    return inspected;
}
