#include "firmware/testing/fake_platform.h"

#include "firmware/testing/check.h"

static FakePages *find_pages(FakePlatform *fake, const void *memory) {
    for (usize i = 0; i < FAKE_PAGES; i++) {
        if (fake->pages[i].memory == memory) return &fake->pages[i];
    }
    CHECK_MSG(false, "%s", memory ? "pages freed that are not in use" : "more pages than the test machine counts");
    return NULL;
}

static void *fake_pages_alloc(void *context, usize bytes) {
    FakePlatform *fake = context;
    PageSource pages = test_pages();
    if (bytes > fake->memory_free) return NULL;
    fake->memory_free -= bytes;
    FakePages *slot = find_pages(fake, NULL);
    *slot = (FakePages){pages.alloc(pages.context, bytes), bytes};
    return slot->memory;
}

static void fake_pages_free(void *context, void *memory, usize bytes) {
    FakePlatform *fake = context;
    PageSource pages = test_pages();
    FakePages *slot = find_pages(fake, memory);
    CHECK_U64(bytes, slot->bytes);
    fake->memory_free += bytes;
    pages.free(pages.context, memory, bytes);
    *slot = (FakePages){0};
}

usize fake_pages_in_use(const FakePlatform *fake) {
    usize bytes = 0;
    for (usize i = 0; i < FAKE_PAGES; i++) bytes += fake->pages[i].bytes;
    return bytes;
}

void fake_platform_free(FakePlatform *fake) {
    for (usize i = 0; i < FAKE_PAGES; i++) {
        if (fake->pages[i].memory) fake_pages_free(fake, fake->pages[i].memory, fake->pages[i].bytes);
    }
    CHECK_U64(fake->volume.closes, fake->volume.opens);
    memory_volume_free(&fake->volume);
    free(fake);
}

static u64 fake_memory_free(void *context) { return ((FakePlatform *)context)->memory_free; }

static u64 fake_now(void *context) { return ++((FakePlatform *)context)->clock_us; }

static u64 fake_cycles(void *context) { return fake_now(context) * 1000; }

static void fake_write(void *context, Str text) {
    FakePlatform *fake = context;
    CHECK(fake->output_len + text.len <= FAKE_OUTPUT_BYTES);
    memcpy(fake->output + fake->output_len, text.data, text.len);
    fake->output_len += text.len;
}

static i32 fake_key(void *context, u32 timeout_ms) {
    FakePlatform *fake = context;
    if (fake->keys_read < fake->key_count) {
        i32 key = fake->keys[fake->keys_read++];
        if (key != KEY_NONE) return key;
    } else if (!fake->is_silent) {
        return KEY_EOF;
    }
    fake->clock_us += (u64)timeout_ms * 1000;
    return KEY_NONE;
}

static MemoryVolume *volume_of(void *context) { return &((FakePlatform *)context)->volume; }

static bool fake_open(void *context, Str path, File **file, u64 *size, Error *error) {
    return memory_open(volume_of(context), path, file, size, error);
}

static bool fake_read(void *context, File *file, u64 offset, void *to, usize bytes, Error *error) {
    return memory_read(volume_of(context), file, offset, to, bytes, error);
}

static void fake_close(void *context, File *file) { memory_close(volume_of(context), file); }

static bool fake_file_write(void *context, Str path, Str data, Error *error) {
    return memory_write(volume_of(context), path, data, error);
}

static bool fake_write_at(void *context, Str path, u64 offset, Str data, Error *error) {
    return memory_write_at(volume_of(context), path, offset, data, error);
}

static bool fake_list(void *context, Str folder, DirVisitor *visit, void *argument, Error *error) {
    return memory_list(volume_of(context), folder, visit, argument, error);
}

static void fake_power_off(void *context, u32 code) {
    FakePlatform *fake = context;
    fake->is_off = true;
    fake->exit_code = code;
    longjmp(fake->ended, 1);
}

static void fake_reboot(void *context) {
    FakePlatform *fake = context;
    fake->was_rebooted = true;
    longjmp(fake->ended, 1);
}

FakePlatform *fake_platform_new(void) {
    FakePlatform *fake = calloc(1, sizeof(FakePlatform));
    CHECK(fake != NULL);
    fake->memory_free = 1ULL << 32;
    memory_volume_init(&fake->volume, test_pages());
    fake->platform = (Platform){.context = fake,
                                .name = "fake",
                                .pages = {fake_pages_alloc, fake_pages_free, fake},
                                .memory_free = fake_memory_free,
                                .now_us = fake_now,
                                .cycles = fake_cycles,
                                .cycles_hz = 1000000000,
                                .console_write = fake_write,
                                .key_read = fake_key,
                                .file_open = fake_open,
                                .file_read = fake_read,
                                .file_close = fake_close,
                                .file_write = fake_file_write,
                                .file_write_at = fake_write_at,
                                .dir_list = fake_list,
                                .power_off = fake_power_off,
                                .reboot = fake_reboot};
    return fake;
}

void fake_add_file(FakePlatform *fake, const char *path, Str data) {
    CHECK(memory_volume_add(&fake->volume, str_from_c(path), data));
}

void fake_press(FakePlatform *fake, i32 key) {
    CHECK(fake->key_count < FAKE_KEYS);
    fake->keys[fake->key_count++] = key;
}

void fake_type(FakePlatform *fake, const char *text) {
    Str rest = str_from_c(text);
    while (rest.len > 0) {
        u32 scalar;
        rest = str_skip(rest, utf8_decode(rest, 0, &scalar));
        fake_press(fake, (i32)scalar);
    }
}

Str fake_output(const FakePlatform *fake) { return (Str){fake->output, fake->output_len}; }

bool fake_output_has(const FakePlatform *fake, const char *text) {
    Str output = fake_output(fake);
    return str_find(output, str_from_c(text)) < output.len;
}
