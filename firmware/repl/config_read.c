/* Reading repl.cfg, and writing its example. */
#include "firmware/repl/config.h"
#include "firmware/repl/nearest.h"
#include "firmware/repl/text_file.h"

/** On which line each key was set last; 0 is not yet. */
typedef struct SeenLines {
    u32 line[CONFIG_KEYS_MAX];
} SeenLines;

/** Without a comment and the spaces around what is left. */
static Str significant(Str line) {
    bool is_quoted = false;
    line = str_trim(line);
    if (line.len > 0 && line.data[0] == ';') return STR_NONE;
    for (usize i = 0; i < line.len; i++) {
        if (line.data[i] == '"') is_quoted = !is_quoted;
        if (line.data[i] == '#' && !is_quoted) return str_trim(str_take(line, i));
    }
    return line;
}

static void warn(ConfigReport *report, u32 line, Str key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void warn(ConfigReport *report, u32 line, Str key, const char *format, ...) {
    char text[sizeof(((Error *)0)->message)];
    va_list args;
    va_start(args, format);
    usize len = fmt_v(text, sizeof(text), format, args);
    va_end(args);
    report->warnings++;
    report->warning(report->argument, line, key, (Str){text, len});
}

static void warn_unknown(ConfigReport *report, u32 line, Str name) {
    Nearest nearest = nearest_to(name);
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        Str aliases = str_from_c(CONFIG_KEYS[i].aliases);
        nearest_offer(&nearest, str_from_c(CONFIG_KEYS[i].name));
        while (aliases.len > 0) nearest_offer(&nearest, str_cut(&aliases, ' '));
    }
    if (nearest.name.len > 0) {
        warn(report, line, name, "unknown key, ignored; did you mean %.*s?", STR_ARG(nearest.name));
    } else {
        warn(report, line, name, "unknown key, ignored; repl.cfg.example lists all keys");
    }
}

static void set(Config *config, const ConfigKey *key, Str value, u32 line, ConfigReport *report) {
    Error error;
    char used[CONFIG_VALUE_BYTES];
    report->keys++;
    if (config_set(config, key, value, report->owner, &error)) return;
    if (error.code == ERROR_LIMIT) config_set_bound(config, key, value, report->owner);
    warn(report, line, str_from_c(key->name), "%s; %.*s is used", error.message,
         STR_ARG(config_get(config, key, used)));
}

static void read_line(Config *config, Str text, u32 line, SeenLines *seen, ConfigReport *report) {
    Str value = significant(text);
    if (value.len == 0) return;
    if (str_find_byte(value, '=') == value.len) {
        warn(report, line, str_take(value, 40), "expected key=value, found no '='; ignored");
        return;
    }
    Str name = str_trim(str_cut(&value, '='));
    const ConfigKey *key = config_find(name);
    if (!key) {
        warn_unknown(report, line, name);
        return;
    }
    u32 *before = &seen->line[key - CONFIG_KEYS];
    if (*before) warn(report, line, name, "set before on line %u; the last one is used", *before);
    *before = line;
    set(config, key, value, line, report);
}

void config_read_line(Config *config, Str text, u32 line, ConfigReport *report) {
    SeenLines seen = {{0}};
    read_line(config, text, line, &seen, report);
}

void config_read(Config *config, Str text, ConfigReport *report) {
    SeenLines seen = {{0}};
    Str line;
    for (u32 number = 1; text_next_line(&text, &line); number++) read_line(config, line, number, &seen, report);
}

void config_example(void (*write)(void *argument, Str text), void *argument) {
    write(argument, STR("# Settings of llm-baremetal: copy to repl.cfg in the root of the boot volume.\n"
                        "# Every key is shown at its default; take the # away to change one.\n"));
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        const ConfigKey *key = &CONFIG_KEYS[i];
        char bounds[CONFIG_VALUE_BYTES], text[4 * CONFIG_VALUE_BYTES];
        usize len = fmt(text, sizeof(text), "\n# %s\n# Expected: %.*s.%s%s\n#%s=%s\n", key->doc,
                        STR_ARG(config_bounds(key, bounds)), key->aliases[0] ? " Also: " : "", key->aliases, key->name,
                        key->fallback ? key->fallback : "1");
        write(argument, (Str){text, len});
    }
}
