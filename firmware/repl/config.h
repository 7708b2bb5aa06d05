/* Settings: one table from which the reader of repl.cfg, the knob commands, command line flags, /cfg and the example
 * file are made. */
#ifndef FIRMWARE_REPL_CONFIG_H
#define FIRMWARE_REPL_CONFIG_H

#include "firmware/base/error.h"
#include "firmware/infer/chat.h"
#include "firmware/infer/sampler.h"
#include "firmware/oo/action.h"

/** Whose value a setting has, the least powerful first. */
typedef enum ConfigOwner {
    OWNER_DEFAULT,
    OWNER_OPERATOR, /* repl.cfg, the command line, the prompt */
    OWNER_ORGANISM, /* an action, or the bound of a mode */
    OWNER_CURRICULUM,
    OWNER_CANARY,
    OWNER_QUARANTINE, /* the last three: policy.cfg */
} ConfigOwner;
enum { CONFIG_OWNERS = OWNER_QUARANTINE + 1 };
const char *config_owner_name(ConfigOwner owner);

/** A bound on what a token may cost. */
typedef enum BudgetUnit { BUDGET_AUTO, BUDGET_CYCLES, BUDGET_MICROSECONDS } BudgetUnit;
typedef struct Budget {
    BudgetUnit unit;
    u64 amount; /* 0 for BUDGET_AUTO */
} Budget;

enum { CONFIG_KEYS_MAX = 96 };

typedef struct Config {
    u8 owners[CONFIG_KEYS_MAX]; /* a ConfigOwner for each row of CONFIG_KEYS */
    u32 boot_verbose;
    bool boot_logo;
    Str model;
    Str tokenizer; /* of a .bin model; empty: beside it */
    bool model_picker;
    u32 model_picker_seconds;
    u32 ctx_len; /* 0: the model's own */
    u32 seq_len; /* 0: the context */
    Str kernels;
    SamplerSettings sampler;
    u32 max_tokens;
    bool stop_you;
    bool stop_nl;
    bool stats;
    ChatFormat chat_format;
    Str system_prompt;
    bool autorun;
    bool autorun_shutdown;
    Str autorun_file;
    OoSettings oo;
    bool oo_consult_log;
    bool autotune;
    Budget autotune_hi, autotune_lo;
    u32 autotune_step_top_k, autotune_step_max_tokens, autotune_step_temp_milli;
    bool guardrails;
    Budget budget_decode;
    bool strict_budget;
    u32 guard_hard_stop, guard_safe_turns;
    u32 guard_safe_top_k, guard_safe_max_tokens, guard_safe_top_p_milli, guard_safe_temp_milli;
    bool guard_reset_kv;
} Config;

typedef enum ConfigType {
    CONFIG_BOOL,
    CONFIG_OPPOSITE, /* a bool whose opposite is stored in a u32 */
    CONFIG_U32,
    CONFIG_U64,
    CONFIG_F32,
    CONFIG_TEXT,
    CONFIG_CHAT_FORMAT,
    CONFIG_BUDGET, /* auto, cycles, or "2.5ms" */
} ConfigType;

typedef struct ConfigKey {
    const char *name;
    const char *aliases; /* separated by spaces */
    ConfigType type;
    usize offset;         /* of the field in Config */
    const char *fallback; /* the default, as it would be written in the file; NULL when another key holds it */
    f64 min, max;         /* of numbers; max is also the longest text in bytes */
    bool zero_too;        /* 0 is valid although it is under min */
    const char *command;  /* "/name" when "/name value" changes it during a session, or NULL */
    const char *doc;
} ConfigKey;

extern const ConfigKey CONFIG_KEYS[];
extern const usize CONFIG_KEY_COUNT;

/** Room for any value as text. */
enum { CONFIG_VALUE_BYTES = 320 };

Config config_defaults(void);
/** By name or alias, upper or lower case; NULL when there is none. */
const ConfigKey *config_find(Str name);
/**
 * Sets one key, for an owner. Text values keep pointing into `value`. Errors leave it as it was: ERROR_LIMIT when out
 * of bounds, ERROR_USAGE when not of the type; both say what was expected.
 */
bool config_set(Config *config, const ConfigKey *key, Str value, ConfigOwner owner, Error *error);
/** After ERROR_LIMIT of a number: sets it to the nearest bound. False for other types. */
bool config_set_bound(Config *config, const ConfigKey *key, Str value, ConfigOwner owner);
/** Whose value a key has. Two keys for one field have the owner of the one that was set last. */
ConfigOwner config_owner(const Config *config, const ConfigKey *key);
/** The value as the file would spell it. */
Str config_get(const Config *config, const ConfigKey *key, char buffer[CONFIG_VALUE_BYTES]);
/** What may be written: "0 to 1", "0 or 1", "auto, chatml, ...". */
Str config_bounds(const ConfigKey *key, char buffer[CONFIG_VALUE_BYTES]);

typedef struct ConfigReport {
    ConfigOwner owner; /* of what is read */
    void *argument;
    /** Called for each line not taken as written; `line` counts from 1. */
    void (*warning)(void *argument, u32 line, Str key, Str problem);
    u32 keys; /* settings taken */
    u32 warnings;
} ConfigReport;

/**
 * Reads "key=value" lines over `config`. Comments begin with '#' (anywhere outside quotes) or ';' (first on a line).
 * Wrong types and unknown keys are left out, numbers out of bounds become the nearest bound, the last of two settings
 * of a key wins; each is reported.
 */
void config_read(Config *config, Str text, ConfigReport *report);
/** Reads one such line: "temp=0.7". `line` is 0 for the command line. */
void config_read_line(Config *config, Str text, u32 line, ConfigReport *report);

/** Writes repl.cfg.example: every key, commented out at its default, with its meaning and bounds. */
void config_example(void (*write)(void *argument, Str text), void *argument);

#endif
