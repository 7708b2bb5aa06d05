#include "firmware/repl/commands.h"

#include "firmware/repl/nearest.h"

static bool is_called(const Command *command, Str name) {
    if (str_eq(name, str_from_c(command->name))) return true;
    Str aliases = str_from_c(command->aliases);
    while (aliases.len > 0) {
        if (str_eq(name, str_cut(&aliases, ' '))) return true;
    }
    return false;
}

static const Command *find_command(Str name) {
    for (usize i = 0; i < COMMAND_COUNT; i++) {
        if (is_called(&COMMANDS[i], name)) return &COMMANDS[i];
    }
    return NULL;
}

/** The setting that "/name" changes, or NULL. */
static const ConfigKey *find_knob(Str name) {
    const ConfigKey *key = name.len > 1 ? config_find(str_skip(name, 1)) : NULL;
    return key && key->command ? key : NULL;
}

/** A word typed without its '/': "help". Without a model every command may be typed so. */
static const Command *find_bare_word(const Session *session, Str line) {
    char name[32];
    usize len = fmt(name, sizeof(name), "/%.*s", STR_ARG(line));
    const Command *command = len == line.len + 1 ? find_command((Str){name, len}) : NULL;
    return command && (command->is_bare_word || !session->engine.is_ready) ? command : NULL;
}

bool commands_is_command(const Session *session, Str line) {
    return (line.len > 0 && line.data[0] == '/') || find_bare_word(session, line) != NULL;
}

/** Offers every name there is, aliases included. */
static void each_name(void (*offer)(void *argument, Str name), void *argument) {
    for (usize i = 0; i < COMMAND_COUNT; i++) {
        Str aliases = str_from_c(COMMANDS[i].aliases);
        offer(argument, str_from_c(COMMANDS[i].name));
        while (aliases.len > 0) offer(argument, str_cut(&aliases, ' '));
    }
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (CONFIG_KEYS[i].command) offer(argument, str_from_c(CONFIG_KEYS[i].command));
    }
}

typedef struct Completion {
    Str prefix;
    void (*offer)(void *argument, Str name);
    void *argument;
} Completion;

static void offer_if_it_begins_so(void *argument, Str name) {
    const Completion *completion = argument;
    if (str_starts_with(name, completion->prefix)) completion->offer(completion->argument, name);
}

void commands_complete(Str prefix, void (*offer)(void *argument, Str name), void *argument) {
    Completion completion = {prefix, offer, argument};
    each_name(offer_if_it_begins_so, &completion);
}

static void offer_as_nearest(void *argument, Str name) { nearest_offer(argument, name); }

static void say_unknown(Session *session, Str name) {
    Nearest nearest = nearest_to(name);
    each_name(offer_as_nearest, &nearest);
    Str shown = str_take(name, 40);
    if (nearest.name.len > 0) {
        say_error(session, "%.*s: unknown command; did you mean %.*s?", STR_ARG(shown), STR_ARG(nearest.name));
    } else {
        say_error(session, "%.*s: unknown command; /help lists all", STR_ARG(shown));
    }
}

static bool parse_argument(Session *session, const Command *command, Str text, Argument *argument) {
    *argument = (Argument){text, command->fallback};
    if (text.len == 0 || command->kind == ARGUMENT_TEXT) return true;
    if (command->kind == ARGUMENT_NONE) {
        say_error(session, "%s takes nothing behind it, found \"%.*s\"", command->name, STR_ARG(str_take(text, 40)));
        return false;
    }
    if (str_to_u64(text, &argument->number) && argument->number >= command->min && argument->number <= command->max) {
        return true;
    }
    say_error(session, "%s: expected a number from %llu to %llu, found \"%.*s\"", command->name,
              (unsigned long long)command->min, (unsigned long long)command->max, STR_ARG(str_take(text, 40)));
    return false;
}

static void run_command(Session *session, const Command *command, Str text) {
    Argument argument;
    if (command->needs_model && !session->engine.is_ready) {
        say_error(session, "%s needs a model, and none is loaded; /models lists those on the volume", command->name);
    } else if (parse_argument(session, command, text, &argument)) {
        command->run(session, argument);
    }
}

/** "/temp" shows a setting, "/temp 0.7" changes it. */
static void run_knob(Session *session, const ConfigKey *key, Str text) {
    char value[CONFIG_VALUE_BYTES], bounds[CONFIG_VALUE_BYTES];
    Error error;
    if (text.len > 0 && !config_set(&session->config, key, text, OWNER_OPERATOR, &error)) {
        say_error(session, "%s", error.message);
        return;
    }
    if (text.len > 0 && key == config_find(STR("seed")) && session->engine.is_ready) {
        sampler_seed(&session->engine.sampler, session->config.sampler.seed);
    }
    say(session, "  %s = %.*s (%.*s)\n", key->name, STR_ARG(config_get(&session->config, key, value)),
        STR_ARG(config_bounds(key, bounds)));
}

void commands_run(Session *session, Str line) {
    const Command *command = find_bare_word(session, line);
    if (command) {
        run_command(session, command, STR_NONE);
        return;
    }
    Str name = str_take(line, min_usize(str_find_byte(line, ' '), str_find_byte(line, '\t')));
    Str text = str_trim(str_skip(line, name.len));
    const ConfigKey *knob = find_knob(name);
    command = find_command(name);
    if (command) {
        run_command(session, command, text);
    } else if (knob) {
        run_knob(session, knob, text);
    } else {
        say_unknown(session, name);
    }
}

static bool contains_nocase(Str text, Str part) {
    for (usize at = 0; at + part.len <= text.len; at++) {
        if (str_eq_nocase((Str){text.data + at, part.len}, part)) return true;
    }
    return false;
}

static bool is_wanted(const char *name, const char *help, Str filter) {
    if (filter.len > 0 && filter.data[0] == '/') return str_starts_with(str_from_c(name), filter);
    return contains_nocase(str_from_c(name), filter) || contains_nocase(str_from_c(help), filter);
}

static usize help_commands(Session *session, Str filter) {
    usize shown = 0;
    for (usize i = 0; i < COMMAND_COUNT; i++) {
        const Command *command = &COMMANDS[i];
        if (!is_wanted(command->name, command->help, filter)) continue;
        char usage[48];
        fmt(usage, sizeof(usage), "%s %s", command->name, command->argument);
        say(session, "  %-22s %s%s%s\n", usage, command->help, command->aliases[0] ? " Also: " : "", command->aliases);
        shown++;
    }
    return shown;
}

static usize help_knobs(Session *session, Str filter) {
    usize shown = 0;
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        const ConfigKey *key = &CONFIG_KEYS[i];
        char usage[48], bounds[CONFIG_VALUE_BYTES], value[CONFIG_VALUE_BYTES];
        if (!key->command || !is_wanted(key->command, key->doc, filter)) continue;
        fmt(usage, sizeof(usage), "%s [VALUE]", key->command);
        say(session, "  %-22s %s (%.*s; now %.*s)\n", usage, key->doc, STR_ARG(config_bounds(key, bounds)),
            STR_ARG(config_get(&session->config, key, value)));
        shown++;
    }
    return shown;
}

void commands_help(Session *session, Str filter) {
    usize shown = help_commands(session, filter) + help_knobs(session, filter);
    if (shown == 0) {
        say_error(session, "no command matches \"%.*s\"; /help alone lists all", STR_ARG(str_take(filter, 40)));
    } else if (filter.len == 0 && session->engine.is_ready) {
        say(session, "Anything else is a question for the model. Esc or Ctrl-C stops an answer.\n");
    }
}

typedef struct ExampleWriter {
    void (*write)(void *argument, Str text);
    void *argument;
} ExampleWriter;

static void write_example(const ExampleWriter *writer, const char *text) {
    writer->write(writer->argument, str_from_c(text));
    writer->write(writer->argument, STR("\n"));
}

static void write_examples_that(const ExampleWriter *writer, bool leave) {
    for (usize i = 0; i < COMMAND_COUNT; i++) {
        if (COMMANDS[i].leaves == leave) write_example(writer, COMMANDS[i].example);
    }
}

void commands_examples(void (*write)(void *argument, Str text), void *argument) {
    ExampleWriter writer = {write, argument};
    write_examples_that(&writer, false);
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        char line[64];
        const ConfigKey *key = &CONFIG_KEYS[i];
        if (!key->command) continue;
        fmt(line, sizeof(line), "%s %s", key->command, key->fallback);
        write_example(&writer, line);
    }
    write_examples_that(&writer, true);
}
