#include "firmware/platform/host/options.h"

#include "firmware/base/mem.h"
#include "firmware/repl/config.h"
#include "firmware/repl/nearest.h"

typedef struct Flag {
    const char *name;  /* without its "--" */
    const char *value; /* what follows it, or NULL for a switch */
    usize offset;      /* of a Str (flags with a value) or bool in Options */
    const char *help;
} Flag;

#define FIELD(name) offsetof(Options, name)

static const Flag FLAGS[] = {
    {"help", NULL, FIELD(help), "Show this text."},
    {"volume", "DIR", FIELD(volume),
     "Folder that takes the place of the boot volume; paths are relative to it. Default: ."},
    {"config", "FILE", FIELD(config), "Configuration file instead of repl.cfg."},
    {"prompt", "TEXT", FIELD(prompt), "Answer one prompt and leave; without it, a session on this terminal."},
    {"json", NULL, FIELD(json), "With --prompt: token ids, text and timings as one JSON object."},
    {"logits", NULL, FIELD(logits), "With --json: also the logits each token was picked from."},
    {"encode", "FILE", FIELD(encode),
     "Token ids of NUL-separated texts, a JSON array a line, no special tokens added."},
    {"typed", NULL, FIELD(typed), "With --encode: as a person types it; control tokens in it stay text."},
    {"perplexity", "FILE", FIELD(perplexity), "Perplexity of a text as JSON."},
    {"config-example", NULL, FIELD(config_example), "Print repl.cfg.example."},
    {"command-examples", NULL, FIELD(examples), "Print a working example of every command."},
};

/** Flags that stand for a setting of another name. */
typedef struct FlagAlias {
    const char *flag;
    const char *key;
} FlagAlias;
static const FlagAlias FLAG_ALIASES[] = {{"ctx", "ctx_len"}, {"system", "system_prompt"}};

static const Flag *find_flag(Str name) {
    for (usize i = 0; i < COUNT_OF(FLAGS); i++) {
        if (str_eq(name, str_from_c(FLAGS[i].name))) return &FLAGS[i];
    }
    return NULL;
}

/** "max-tokens" is the setting max_tokens. */
static const ConfigKey *find_setting(Str name) {
    char text[64];
    for (usize i = 0; i < COUNT_OF(FLAG_ALIASES); i++) {
        if (str_eq(name, str_from_c(FLAG_ALIASES[i].flag))) name = str_from_c(FLAG_ALIASES[i].key);
    }
    usize len = fmt(text, sizeof(text), "%.*s", STR_ARG(name));
    for (usize i = 0; i < len; i++) {
        if (text[i] == '-') text[i] = '_';
    }
    return config_find((Str){text, len});
}

static bool unknown_flag(Str argument, Error *error) {
    Nearest nearest = nearest_to(str_skip(argument, 2));
    for (usize i = 0; i < COUNT_OF(FLAGS); i++) nearest_offer(&nearest, str_from_c(FLAGS[i].name));
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) nearest_offer(&nearest, str_from_c(CONFIG_KEYS[i].name));
    return fail(error, ERROR_USAGE, "%.*s: unknown argument%s%.*s; --help lists all", STR_ARG(argument),
                nearest.name.len ? ", did you mean --" : "", STR_ARG(nearest.name));
}

/** A value with a '#' or spaces at its ends stays whole in quotes. */
static bool add_setting(Options *options, const ConfigKey *key, Str value, Error *error) {
    char *at = options->setting_bytes + options->setting_used;
    usize room = OPTION_SETTING_BYTES - options->setting_used;
    if (options->setting_count == OPTION_SETTINGS_MAX || str_from_c(key->name).len + value.len + 4 > room) {
        return fail(error, ERROR_LIMIT, "--%s: too many or too long settings: put them into repl.cfg", key->name);
    }
    const char *quote = key->type == CONFIG_TEXT ? "\"" : "";
    usize len = fmt(at, room, "%s=%s%.*s%s", key->name, quote, STR_ARG(value), quote);
    options->settings[options->setting_count++] = (Str){at, len};
    options->setting_used += len;
    return true;
}

static bool set_checked(Options *options, const ConfigKey *key, Str value, Error *error) {
    Config checked = config_defaults();
    return config_set(&checked, key, value, OWNER_OPERATOR, error) && add_setting(options, key, value, error);
}

/** Takes one argument, and its value when it has one; returns how many, or 0 on an error. */
static i32 take(Options *options, Str argument, const char *next, Error *error) {
    Str name = str_starts_with(argument, STR("--")) ? str_skip(argument, 2) : STR_NONE;
    const Flag *flag = find_flag(name);
    const ConfigKey *key = flag || name.len == 0 ? NULL : find_setting(name);
    if (!flag && !key) return unknown_flag(argument, error);
    if (flag && !flag->value) {
        *(bool *)((u8 *)options + flag->offset) = true;
        return 1;
    }
    if (!next) return fail(error, ERROR_USAGE, "%.*s: expected a value behind it", STR_ARG(argument));
    if (key) return set_checked(options, key, str_from_c(next), error) ? 2 : 0;
    *(Str *)((u8 *)options + flag->offset) = str_from_c(next);
    return 2;
}

bool options_parse(i32 count, char *const *arguments, Options *options, Error *error) {
    memset(options, 0, sizeof(*options));
    for (i32 i = 1; i < count;) {
        i32 taken = take(options, str_from_c(arguments[i]), i + 1 < count ? arguments[i + 1] : NULL, error);
        if (taken == 0) return false;
        i += taken;
    }
    options->has_prompt = options->prompt.data != NULL;
    return true;
}

void options_help(void (*write)(void *argument, Str text), void *argument) {
    char text[512];
    write(argument, STR("llm_host: the session of llm-baremetal on Linux\n\n"));
    for (usize i = 0; i < COUNT_OF(FLAGS); i++) {
        char flag[40];
        fmt(flag, sizeof(flag), "--%s %s", FLAGS[i].name, FLAGS[i].value ? FLAGS[i].value : "");
        write(argument, (Str){text, fmt(text, sizeof(text), "  %-20s %s\n", flag, FLAGS[i].help)});
    }
    write(argument, STR("\nEvery setting of repl.cfg is a flag too (--max-tokens 64), and --ctx is --ctx-len:\n\n"));
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        write(argument, (Str){text, fmt(text, sizeof(text), "  %-28s %s\n", CONFIG_KEYS[i].name, CONFIG_KEYS[i].doc)});
    }
}
