/* The commands of the prompt: one table from which the parser, /help and completion are made. Settings that may change
 * during a session (config.h) are commands too. */
#ifndef FIRMWARE_REPL_COMMANDS_H
#define FIRMWARE_REPL_COMMANDS_H

#include "firmware/repl/session.h"

typedef enum ArgumentKind {
    ARGUMENT_NONE,
    ARGUMENT_TEXT,   /* the rest of the line, or nothing */
    ARGUMENT_NUMBER, /* a whole number within bounds, or nothing for the default */
} ArgumentKind;

/** What a handler gets: `text` may be empty, `number` is the default when none was typed. */
typedef struct Argument {
    Str text;
    u64 number;
} Argument;

typedef struct Command {
    const char *name;    /* with its '/' */
    const char *aliases; /* separated by spaces */
    ArgumentKind kind;
    const char *argument; /* as help shows it, e.g. "[FILTER]" */
    u64 min, max, fallback;
    bool is_bare_word; /* the name alone, without '/', is the command too */
    bool needs_model;
    bool leaves;         /* ends the session */
    const char *example; /* a whole line that works; tests run them all */
    const char *help;
    void (*run)(Session *session, Argument argument);
} Command;

extern const Command COMMANDS[];
extern const usize COMMAND_COUNT;

/** True of lines that are for commands_run and no text for the model. */
bool commands_is_command(const Session *session, Str line);
/** Runs a command, or says what is wrong with it. */
void commands_run(Session *session, Str line);
/** For the line editor: every command and knob that begins with `prefix`. */
void commands_complete(Str prefix, void (*offer)(void *argument, Str name), void *argument);
/** Shows the commands whose name begins with `filter` (when it begins with '/'), or whose help contains it. */
void commands_help(Session *session, Str filter);
/** Writes one working example of every command and setting, a line each, those that end the session last. */
void commands_examples(void (*write)(void *argument, Str text), void *argument);

#endif
