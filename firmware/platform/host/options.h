/* The command line of the host program, read by one table. */
#ifndef FIRMWARE_PLATFORM_HOST_OPTIONS_H
#define FIRMWARE_PLATFORM_HOST_OPTIONS_H

#include "firmware/base/error.h"

enum { OPTION_SETTINGS_MAX = 64, OPTION_SETTING_BYTES = 8192 };

typedef struct Options {
    bool help, json, logits, typed, config_example, examples;
    Str volume, prompt, encode, perplexity, config;
    bool has_prompt;
    Str settings[OPTION_SETTINGS_MAX]; /* "key=value", for BootOptions */
    usize setting_count;
    char setting_bytes[OPTION_SETTING_BYTES];
    usize setting_used;
} Options;

/** Errors: ERROR_USAGE naming the argument and the nearest flag, ERROR_LIMIT. */
bool options_parse(i32 count, char *const *arguments, Options *options, Error *error);
/** The text of --help. */
void options_help(void (*write)(void *argument, Str text), void *argument);

#endif
