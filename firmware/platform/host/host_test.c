/* The host platform against the real kernel, in a folder of its own. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */

#include "firmware/platform/host/host.h"

#include <sys/stat.h>
#include <unistd.h>

#include "firmware/testing/check.h"

typedef struct Volume {
    char path[32];
    Host host;
    Platform platform;
    Error error;
} Volume;

static void volume_open(Volume *volume) {
    strcpy(volume->path, "./volume-XXXXXX");
    CHECK(mkdtemp(volume->path) != NULL);
    CHECK_MSG(host_init(&volume->host, str_from_c(volume->path), &volume->platform, &volume->error), "%s",
              volume->error.message);
}

static void volume_close(Volume *volume, const char *const *names, usize count) {
    char path[128];
    for (usize i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", volume->path, names[i]);
        CHECK_MSG(remove(path) == 0, "%s", path);
    }
    CHECK_MSG(rmdir(volume->path) == 0, "something else is left in %s", volume->path);
}

static bool put_file(Volume *volume, const char *path, Str data) {
    return volume->platform.file_write(volume->platform.context, str_from_c(path), data, &volume->error);
}

static bool open_file(Volume *volume, const char *path, File **file, u64 *size) {
    return volume->platform.file_open(volume->platform.context, str_from_c(path), file, size, &volume->error);
}

static void check_content(Volume *volume, const char *path, Str expected) {
    const Platform *platform = &volume->platform;
    File *file;
    u64 size;
    char data[64];
    CHECK_MSG(open_file(volume, path, &file, &size), "%s", volume->error.message);
    CHECK_U64(size, expected.len);
    CHECK(platform->file_read(platform->context, file, 0, data, expected.len, &volume->error));
    CHECK_STR(((Str){data, expected.len}), expected);
    platform->file_close(platform->context, file);
}

static void what_is_written_is_read_back(void) {
    static const char *const NAMES[] = {"a.txt"};
    Volume volume;
    volume_open(&volume);
    CHECK(put_file(&volume, "a.txt", STR("first, and longer")));
    CHECK(put_file(&volume, "a.txt", STR("second")));
    check_content(&volume, "a.txt", STR("second"));
    check_content(&volume, ".\\a.txt", STR("second"));
    volume_close(&volume, NAMES, 1);
}

static bool put_at(Volume *volume, const char *path, u64 offset, Str data) {
    return volume->platform.file_write_at(volume->platform.context, str_from_c(path), offset, data, &volume->error);
}

static void a_part_of_a_file_is_overwritten_in_place(void) {
    static const char *const NAMES[] = {"a"};
    Volume volume;
    volume_open(&volume);
    CHECK(put_file(&volume, "a", STR("0123456789")));
    CHECK_MSG(put_at(&volume, "a", 3, STR("abc")), "%s", volume.error.message);
    CHECK(put_at(&volume, "a", 9, STR("z")) && put_at(&volume, "a", 10, STR("")));
    check_content(&volume, "a", STR("012abc678z"));
    volume_close(&volume, NAMES, 1);
}

static void overwriting_past_the_end_is_refused_and_changes_nothing(void) {
    static const struct {
        u64 offset;
        Str data;
    } PAST[] = {{8, STR("abc")}, {10, STR("a")}, {11, STR("")}, {UINT64_MAX, STR("a")}};
    static const char *const NAMES[] = {"a"};
    Volume volume;
    volume_open(&volume);
    CHECK(put_file(&volume, "a", STR("0123456789")));
    for (usize i = 0; i < COUNT_OF(PAST); i++) {
        CHECK(!put_at(&volume, "a", PAST[i].offset, PAST[i].data));
        CHECK_ERROR(volume.error, ERROR_LIMIT);
    }
    check_content(&volume, "a", STR("0123456789"));
    CHECK(!put_at(&volume, "gone", 0, STR("a")));
    CHECK_ERROR(volume.error, ERROR_NOT_FOUND);
    volume_close(&volume, NAMES, 1);
}

static void reading_past_the_end_says_where_it_is(void) {
    static const char *const NAMES[] = {"a"};
    Volume volume;
    File *file;
    u64 size;
    char data[8];
    volume_open(&volume);
    CHECK(put_file(&volume, "a", STR("12345")));
    CHECK(open_file(&volume, "a", &file, &size));
    CHECK(!volume.platform.file_read(volume.platform.context, file, 3, data, 8, &volume.error));
    CHECK_ERROR(volume.error, ERROR_TRUNCATED);
    volume.platform.file_close(volume.platform.context, file);
    volume_close(&volume, NAMES, 1);
}

static void failures_are_told_apart(void) {
    static const char *const NAMES[] = {"folder"};
    Volume volume;
    char path[64];
    File *file;
    u64 size;
    volume_open(&volume);
    snprintf(path, sizeof(path), "%s/folder", volume.path);
    CHECK(mkdir(path, 0755) == 0);
    CHECK(!open_file(&volume, "gone", &file, &size));
    CHECK_ERROR(volume.error, ERROR_NOT_FOUND);
    CHECK(!open_file(&volume, "folder", &file, &size));
    CHECK_ERROR(volume.error, ERROR_IO);
    CHECK(!put_file(&volume, "gone/a", STR("x")));
    CHECK_ERROR(volume.error, ERROR_NOT_FOUND);
    CHECK(!put_file(&volume, "folder", STR("x")));
    CHECK(!put_at(&volume, "folder", 0, STR("x")));
    CHECK_ERROR(volume.error, ERROR_IO);
    volume_close(&volume, NAMES, 1);
}

static void files_are_given_back(void) {
    static const char *const NAMES[] = {"a"};
    Volume volume;
    File *files[HOST_OPEN_FILES + 1];
    u64 size;
    volume_open(&volume);
    CHECK(put_file(&volume, "a", STR("x")));
    for (u32 round = 0; round < 3; round++) {
        for (usize i = 0; i < HOST_OPEN_FILES; i++) CHECK(open_file(&volume, "a", &files[i], &size));
        CHECK(!open_file(&volume, "a", &files[HOST_OPEN_FILES], &size));
        CHECK_ERROR(volume.error, ERROR_LIMIT);
        for (usize i = 0; i < HOST_OPEN_FILES; i++) volume.platform.file_close(volume.platform.context, files[i]);
    }
    volume_close(&volume, NAMES, 1);
}

static void count_entry(void *argument, const DirEntry *entry) {
    u64 *sum = argument;
    CHECK(!entry->is_dir && str_ends_with_nocase(entry->name, STR(".gguf")));
    *sum += entry->size;
}

static void folders_are_listed_whole(void) {
    enum { COUNT = 300 };
    char names[COUNT][40];
    const char *pointers[COUNT];
    Volume volume;
    u64 sum = 0;
    volume_open(&volume);
    for (u32 i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "a model with a long name %u.gguf", i);
        pointers[i] = names[i];
        CHECK(put_file(&volume, names[i], STR("12")));
    }
    CHECK(volume.platform.dir_list(volume.platform.context, STR_NONE, count_entry, &sum, &volume.error));
    CHECK_U64(sum, 2 * COUNT);
    CHECK(!volume.platform.dir_list(volume.platform.context, STR("gone"), count_entry, &sum, &volume.error));
    CHECK_ERROR(volume.error, ERROR_NOT_FOUND);
    volume_close(&volume, pointers, COUNT);
}

static void memory_is_refused_not_promised(void) {
    Volume volume;
    volume_open(&volume);
    const PageSource *pages = &volume.platform.pages;
    u8 *memory = pages->alloc(pages->context, 1 << 20);
    CHECK(memory != NULL && (uintptr_t)memory % 64 == 0 && memory[(1 << 20) - 1] == 0);
    pages->free(pages->context, memory, 1 << 20);
    CHECK(pages->alloc(pages->context, (usize)1 << 45) == NULL);
    volume_close(&volume, NULL, 0);
}

static void clock_does_not_run_backwards(void) {
    Volume volume;
    volume_open(&volume);
    u64 before = 0;
    for (u32 i = 0; i < 1000; i++) {
        u64 now = volume.platform.now_us(volume.platform.context);
        CHECK(now >= before);
        before = platform_us(&volume.platform, platform_cycles(&volume.platform)); /* the same clock */
        CHECK(before >= now);
    }
    volume_close(&volume, NULL, 0);
}

static const TestCase CASES[] = {TEST(what_is_written_is_read_back),
                                 TEST(a_part_of_a_file_is_overwritten_in_place),
                                 TEST(overwriting_past_the_end_is_refused_and_changes_nothing),
                                 TEST(reading_past_the_end_says_where_it_is),
                                 TEST(failures_are_told_apart),
                                 TEST(files_are_given_back),
                                 TEST(folders_are_listed_whole),
                                 TEST(memory_is_refused_not_promised),
                                 TEST(clock_does_not_run_backwards)};
TEST_MAIN(CASES)
