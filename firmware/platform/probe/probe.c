#include "firmware/base/mem.h"
#include "firmware/repl/repl.h"

typedef struct Probe {
    const Platform *platform;
    Arena arena;
} Probe;

static void say(const Probe *probe, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** One line of output, ended here. */
static void say(const Probe *probe, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    usize used = fmt_v(line, sizeof(line) - 1, format, args);
    va_end(args);
    line[used] = '\n';
    probe->platform->console_write(probe->platform->context, (Str){line, used + 1});
}

static void say_error(const Probe *probe, const char *what, const Error *error) {
    say(probe, "%s failed %s: %s", what, error_code_name(error->code), error->message);
}

static u64 number(Str text) {
    u64 value = 0;
    str_to_u64(text, &value);
    return value;
}

/** The whole content of a file; false after saying why not. */
static bool load(Probe *probe, Str path, Str *content) {
    const Platform *platform = probe->platform;
    File *file;
    u64 size;
    Error error;
    if (!platform->file_open(platform->context, path, &file, &size, &error)) {
        say_error(probe, "open", &error);
        return false;
    }
    char *bytes = ARENA_NEW(&probe->arena, char, size + 1);
    bool done = bytes != NULL && platform->file_read(platform->context, file, 0, bytes, size, &error);
    platform->file_close(platform->context, file);
    if (bytes == NULL)
        say(probe, "read failed: no memory for %zu bytes", (usize)size);
    else if (!done)
        say_error(probe, "read", &error);
    *content = (Str){bytes, size};
    return done;
}

/* ---- the commands; `argument` is the rest of the line ---- */

static void do_say(Probe *probe, Str argument) { say(probe, "%.*s", STR_ARG(argument)); }

static void do_write(Probe *probe, Str argument) {
    Error error;
    Str path = str_cut(&argument, ' ');
    bool done = probe->platform->file_write(probe->platform->context, path, argument, &error);
    if (done)
        say(probe, "wrote %zu", argument.len);
    else
        say_error(probe, "write", &error);
}

/** writeat PATH OFFSET TEXT: overwrites a part of a file. */
static void do_writeat(Probe *probe, Str argument) {
    Error error;
    Str path = str_cut(&argument, ' ');
    u64 offset = number(str_cut(&argument, ' '));
    bool done = probe->platform->file_write_at(probe->platform->context, path, offset, argument, &error);
    if (done)
        say(probe, "wrote %zu at %llu", argument.len, (unsigned long long)offset);
    else
        say_error(probe, "writeat", &error);
}

/** fill PATH BYTES: a file of that many 'x'. */
static void do_fill(Probe *probe, Str argument) {
    Str path = str_cut(&argument, ' ');
    usize bytes = number(argument);
    char *content = ARENA_NEW(&probe->arena, char, bytes);
    Error error;
    if (content != NULL) memset(content, 'x', bytes);
    bool done = probe->platform->file_write(probe->platform->context, path, (Str){content, bytes}, &error);
    if (done)
        say(probe, "filled %zu", bytes);
    else
        say_error(probe, "fill", &error);
}

static void do_read(Probe *probe, Str argument) {
    Str content;
    if (load(probe, argument, &content)) say(probe, "read \"%.*s\"", STR_ARG(content));
}

/** Reads a file and says how long that took. */
static void do_load(Probe *probe, Str argument) {
    u64 start = probe->platform->now_us(probe->platform->context);
    Str content;
    if (!load(probe, argument, &content)) return;
    u64 us = probe->platform->now_us(probe->platform->context) - start;
    say(probe, "loaded %zu in %llu us", content.len, (unsigned long long)us);
}

/** past_end PATH: reads one byte more than there is. */
static void do_past_end(Probe *probe, Str argument) {
    const Platform *platform = probe->platform;
    File *file;
    u64 size;
    Error error;
    char byte;
    if (!platform->file_open(platform->context, argument, &file, &size, &error)) return;
    if (!platform->file_read(platform->context, file, size, &byte, 1, &error)) say_error(probe, "past_end", &error);
    platform->file_close(platform->context, file);
}

static void say_entry(void *probe, const DirEntry *entry) {
    say(probe, "entry %.*s %llu%s", STR_ARG(entry->name), (unsigned long long)entry->size, entry->is_dir ? " dir" : "");
}

static void do_list(Probe *probe, Str argument) {
    Error error;
    bool done = probe->platform->dir_list(probe->platform->context, argument, say_entry, probe, &error);
    if (done)
        say(probe, "listed");
    else
        say_error(probe, "list", &error);
}

/** wait MS: waits for a key that does not come. */
static void do_wait(Probe *probe, Str argument) {
    u64 start = probe->platform->now_us(probe->platform->context);
    i32 key = probe->platform->key_read(probe->platform->context, (u32)number(argument));
    u64 us = probe->platform->now_us(probe->platform->context) - start;
    say(probe, "waited %llu us for key %d", (unsigned long long)us, key);
}

/** Waits as long as it takes: time that an emulator counts runs ahead of whoever types. */
static i32 next_key(const Platform *platform) {
    i32 key = KEY_NONE;
    while (key == KEY_NONE) key = platform->key_read(platform->context, 5000);
    return key;
}

/** count N: counts to N and says how long that took. */
static void do_count(Probe *probe, Str argument) {
    u64 start = probe->platform->now_us(probe->platform->context);
    for (u64 left = number(argument); left > 0; left--) __asm__ volatile("");
    u64 us = probe->platform->now_us(probe->platform->context) - start;
    say(probe, "counted in %llu us", (unsigned long long)us);
}

static void do_keys(Probe *probe, Str argument) {
    for (u64 left = number(argument); left > 0; left--) {
        say(probe, "key %d", next_key(probe->platform));
    }
}

/** memory MIB: takes that much, checks it is writable and aligned, gives it back. */
static void do_memory(Probe *probe, Str argument) {
    PageSource pages = probe->platform->pages;
    usize bytes = number(argument) << 20;
    u64 before = probe->platform->memory_free(probe->platform->context);
    char *memory = pages.alloc(pages.context, bytes);
    u64 taken = before - probe->platform->memory_free(probe->platform->context);
    if (memory == NULL) {
        say(probe, "memory failed with %llu bytes free", (unsigned long long)before);
        return;
    }
    memset(memory, 0xa5, bytes);
    say(probe, "memory taken %llu misaligned %zu", (unsigned long long)taken, (usize)memory % 64);
    pages.free(pages.context, memory, bytes);
}

static void do_hang(Probe *probe, Str argument) {
    (void)argument;
    say(probe, "hanging");
    for (;;) __asm__ volatile("pause");
}

static void do_reboot(Probe *probe, Str argument) {
    (void)argument;
    probe->platform->reboot(probe->platform->context);
}

static void do_power_off(Probe *probe, Str argument) {
    probe->platform->power_off(probe->platform->context, (u32)number(argument));
}

static const struct {
    Str name;
    void (*run)(Probe *probe, Str argument);
} COMMANDS[] = {
    {STR("say"), do_say},       {STR("write"), do_write},       {STR("writeat"), do_writeat},
    {STR("fill"), do_fill},     {STR("read"), do_read},         {STR("load"), do_load},
    {STR("list"), do_list},     {STR("past_end"), do_past_end}, {STR("wait"), do_wait},
    {STR("keys"), do_keys},     {STR("memory"), do_memory},     {STR("hang"), do_hang},
    {STR("reboot"), do_reboot}, {STR("count"), do_count},       {STR("power_off"), do_power_off},
};

static void run_line(Probe *probe, Str line) {
    Str name = str_cut(&line, ' ');
    ArenaMark mark = arena_mark(&probe->arena);
    for (usize i = 0; i < COUNT_OF(COMMANDS); i++) {
        if (str_eq(COMMANDS[i].name, name)) {
            COMMANDS[i].run(probe, line);
            arena_release(&probe->arena, mark);
            return;
        }
    }
    say(probe, "unknown command %.*s", STR_ARG(name));
}

ReplEnd repl_main(const Platform *platform, const BootOptions *options) {
    Probe probe = {.platform = platform, .arena = arena_new(platform->pages, 1 << 20)};
    say(&probe, "probe build_id=%08x platform=%s", options->build_id, platform->name);
    Str script;
    if (!load(&probe, STR("probe.txt"), &script)) return REPL_END_EXIT;
    while (script.len > 0) {
        Str line = str_trim(str_cut(&script, '\n'));
        if (line.len > 0) run_line(&probe, line);
    }
    return REPL_END_EXIT;
}
