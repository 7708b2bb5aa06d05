#include "firmware/repl/models.h"

#include "firmware/base/fmt.h"
#include "firmware/base/mem.h"

static const Str EXTENSIONS[] = {STR(".bin"), STR(".gguf")};
static const Str MODELS_FOLDER = STR("models");
/** Files of this program's own, and of earlier firmware, that end like models. */
static const Str OWN_NAMES[] = {STR("oostate.bin"), STR("oorecov.bin"), STR("oo-state.bin"), STR("llmk-snap.bin")};

bool models_is_model(Str name) {
    for (usize i = 0; i < COUNT_OF(OWN_NAMES); i++) {
        if (str_eq_nocase(name, OWN_NAMES[i])) return false;
    }
    if (name.len == 0 || name.data[0] == '.' || str_ends_with_nocase(name, STR("tokenizer.bin"))) return false;
    return str_ends_with_nocase(name, EXTENSIONS[0]) || str_ends_with_nocase(name, EXTENSIONS[1]);
}

Str models_path(const ModelFile *file) { return (Str){file->path, file->path_len}; }

/** Byte order, ASCII letters folded, so that a listing looks the same on every file system. */
static bool is_before(Str a, Str b) {
    for (usize i = 0; i < min_usize(a.len, b.len); i++) {
        char x = a.data[i], y = b.data[i];
        if (x >= 'A' && x <= 'Z') x = (char)(x + 'a' - 'A');
        if (y >= 'A' && y <= 'Z') y = (char)(y + 'a' - 'A');
        if (x != y) return (u8)x < (u8)y;
    }
    return a.len < b.len;
}

typedef struct Listing {
    ModelList *list;
    Str folder;
    usize first; /* where this folder's models begin */
} Listing;

static void insert_sorted(ModelList *list, usize first, const ModelFile *file) {
    usize at = list->count++;
    for (; at > first && is_before(models_path(file), models_path(&list->files[at - 1])); at--) {
        list->files[at] = list->files[at - 1];
    }
    list->files[at] = *file;
}

static void visit(void *argument, const DirEntry *entry) {
    const Listing *listing = argument;
    ModelFile file = {.size = entry->size};
    usize needed = listing->folder.len + 1 + entry->name.len;
    if (entry->is_dir || !models_is_model(entry->name)) return;
    if (listing->list->count == MODELS_MAX || needed >= sizeof(file.path)) {
        listing->list->left_out++;
        return;
    }
    file.path_len = fmt(file.path, sizeof(file.path), "%.*s%s%.*s", STR_ARG(listing->folder),
                        listing->folder.len ? "/" : "", STR_ARG(entry->name));
    insert_sorted(listing->list, listing->first, &file);
}

bool models_list(const Platform *platform, Str folder, ModelList *list, Error *error) {
    Listing listing = {list, folder, list->count};
    return platform->dir_list(platform->context, folder, visit, &listing, error);
}

void models_list_all(const Platform *platform, ModelList *list) {
    Error error;
    list->count = list->left_out = 0;
    models_list(platform, STR_NONE, list, &error);
    models_list(platform, MODELS_FOLDER, list, &error);
}

static bool is_separator(char byte) { return byte == '/' || byte == '\\'; }

/** Path equality as FAT sees it: letters folded, both separators alike. */
static bool is_same_path(Str a, Str b) {
    if (a.len != b.len) return false;
    for (usize i = 0; i < a.len; i++) {
        bool both = is_separator(a.data[i]) && is_separator(b.data[i]);
        if (!both && !str_eq_nocase((Str){a.data + i, 1}, (Str){b.data + i, 1})) return false;
    }
    return true;
}

static bool is_called(const ModelFile *file, Str name) {
    Str path = models_path(file);
    if (is_same_path(path, name)) return true;
    for (usize i = 0; i < COUNT_OF(EXTENSIONS); i++) {
        Str stem = str_take(path, path.len - EXTENSIONS[i].len);
        if (str_ends_with_nocase(path, EXTENSIONS[i]) && is_same_path(stem, name)) return true;
    }
    return false;
}

/** The same file without its models folder. */
static ModelFile without_folder(const ModelFile *file) {
    ModelFile bare = *file;
    Str path = models_path(file);
    if (path.len > MODELS_FOLDER.len && is_same_path(str_take(path, MODELS_FOLDER.len), MODELS_FOLDER) &&
        is_separator(path.data[MODELS_FOLDER.len])) {
        Str leaf = str_skip(path, MODELS_FOLDER.len + 1);
        memmove(bare.path, leaf.data, leaf.len);
        bare.path_len = leaf.len;
    }
    return bare;
}

const ModelFile *models_find(const ModelList *list, Str name) {
    for (usize i = 0; i < list->count; i++) {
        if (is_called(&list->files[i], name)) return &list->files[i];
    }
    for (usize i = 0; i < list->count; i++) {
        ModelFile bare = without_folder(&list->files[i]);
        if (is_called(&bare, name)) return &list->files[i];
    }
    return NULL;
}

bool models_is_alias(const ModelList *list, Str path) {
    return str_find_byte(path, '~') < path.len && !models_find(list, path);
}
