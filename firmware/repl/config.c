#include "firmware/repl/config.h"

#include "firmware/base/mem.h"
#include "firmware/repl/nearest.h"
#include "firmware/repl/text_file.h"

/** A value of any type between parsing and storing. Numbers are held as f64, and whole ones exactly as u64 too. */
typedef struct Value {
    u64 whole;
    f64 number;
    Str text;
    Budget budget;
} Value;

static const char *const OWNER_NAMES[CONFIG_OWNERS] = {
    [OWNER_DEFAULT] = "default",       [OWNER_OPERATOR] = "operator", [OWNER_ORGANISM] = "organism",
    [OWNER_CURRICULUM] = "curriculum", [OWNER_CANARY] = "canary",     [OWNER_QUARANTINE] = "quarantine",
};

const char *config_owner_name(ConfigOwner owner) { return OWNER_NAMES[owner]; }

typedef struct BoolWord {
    const char *word;
    bool value;
} BoolWord;

static const BoolWord BOOL_WORDS[] = {{"1", true},   {"0", false},  {"true", true}, {"false", false},
                                      {"yes", true}, {"no", false}, {"on", true},   {"off", false}};

static bool parse_bool(Str text, u64 *out) {
    for (usize i = 0; i < COUNT_OF(BOOL_WORDS); i++) {
        if (!str_eq_nocase(text, str_from_c(BOOL_WORDS[i].word))) continue;
        *out = BOOL_WORDS[i].value;
        return true;
    }
    return false;
}

static bool parse_whole(Str text, Value *value) {
    if (!str_to_u64(text, &value->whole)) return false;
    value->number = (f64)value->whole;
    return true;
}

static bool parse_chat_format(Str text, Value *value) {
    ChatFormat format;
    if (!chat_format_parse(text, &format)) return false;
    value->whole = format;
    return true;
}

/** "auto", a whole number of cycles, or milliseconds such as "2.5ms". */
static bool parse_budget(Str text, Value *value) {
    f64 milliseconds;
    value->budget = (Budget){BUDGET_AUTO, 0};
    if (str_eq_nocase(text, STR("auto"))) return true;
    if (str_to_u64(text, &value->budget.amount)) {
        value->budget.unit = BUDGET_CYCLES;
        return value->budget.amount > 0;
    }
    if (!str_ends_with_nocase(text, STR("ms")) || !str_to_f64(str_take(text, text.len - 2), &milliseconds))
        return false;
    if (!(milliseconds >= 0.001 && milliseconds <= 1e9)) return false;
    value->budget = (Budget){BUDGET_MICROSECONDS, (u64)(milliseconds * 1000 + 0.5)};
    return true;
}

static Str unquoted(Str text) {
    bool is_quoted = text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"';
    return is_quoted ? (Str){text.data + 1, text.len - 2} : text;
}

static bool parse(const ConfigKey *key, Str text, Value *value) {
    *value = (Value){.text = unquoted(text)};
    switch (key->type) {
    case CONFIG_BOOL:
    case CONFIG_OPPOSITE:
        return parse_bool(text, &value->whole);
    case CONFIG_U32:
    case CONFIG_U64:
        return parse_whole(text, value);
    case CONFIG_F32:
        return str_to_f64(text, &value->number);
    case CONFIG_TEXT:
        value->number = (f64)value->text.len;
        return true;
    case CONFIG_CHAT_FORMAT:
        return parse_chat_format(text, value);
    case CONFIG_BUDGET:
        return parse_budget(text, value);
    }
    return false;
}

static bool is_same_field(const ConfigKey *a, const ConfigKey *b) { return a->offset == b->offset; }

/** A field that two keys set has one owner. */
static void own(Config *config, const ConfigKey *key, ConfigOwner owner) {
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (is_same_field(&CONFIG_KEYS[i], key)) config->owners[i] = (u8)owner;
    }
}

ConfigOwner config_owner(const Config *config, const ConfigKey *key) {
    return (ConfigOwner)config->owners[key - CONFIG_KEYS];
}

static void store(Config *config, const ConfigKey *key, const Value *value, ConfigOwner owner) {
    own(config, key, owner);
    u8 *field = (u8 *)config + key->offset;
    switch (key->type) {
    case CONFIG_BOOL:
        *(bool *)field = value->whole != 0;
        break;
    case CONFIG_OPPOSITE:
        *(u32 *)field = value->whole == 0;
        break;
    case CONFIG_U32:
        *(u32 *)field = (u32)value->whole;
        break;
    case CONFIG_U64:
        *(u64 *)field = value->whole;
        break;
    case CONFIG_F32:
        *(f32 *)field = (f32)value->number;
        break;
    case CONFIG_TEXT:
        *(Str *)field = value->text;
        break;
    case CONFIG_CHAT_FORMAT:
        *(ChatFormat *)field = (ChatFormat)value->whole;
        break;
    case CONFIG_BUDGET:
        *(Budget *)field = value->budget;
        break;
    }
}

static bool is_number(ConfigType type) { return type == CONFIG_U32 || type == CONFIG_U64 || type == CONFIG_F32; }

static bool is_bounded(ConfigType type) { return is_number(type) || type == CONFIG_TEXT; }

static bool is_within(const ConfigKey *key, const Value *value) {
    if (!is_bounded(key->type) || (key->zero_too && value->number == 0)) return true;
    return value->number >= key->min && value->number <= key->max;
}

bool config_set(Config *config, const ConfigKey *key, Str text, ConfigOwner owner, Error *error) {
    Value value;
    char bounds[CONFIG_VALUE_BYTES];
    ErrorCode code = ERROR_USAGE;
    if (parse(key, str_trim(text), &value)) {
        if (is_within(key, &value)) {
            store(config, key, &value, owner);
            return true;
        }
        code = ERROR_LIMIT;
    }
    Str expected = config_bounds(key, bounds);
    return fail(error, code, "%s: expected %.*s, found \"%.*s\"", key->name, STR_ARG(expected),
                STR_ARG(str_take(str_trim(text), 40)));
}

bool config_set_bound(Config *config, const ConfigKey *key, Str text, ConfigOwner owner) {
    Value value;
    if (!is_number(key->type) || !parse(key, str_trim(text), &value)) return false;
    value.number = value.number < key->min ? key->min : key->max;
    value.whole = (u64)value.number;
    store(config, key, &value, owner);
    return true;
}

static usize format_f32(char *buffer, usize capacity, f64 value) {
    usize len = fmt(buffer, capacity, "%.6f", value);
    while (buffer[len - 1] == '0') len--;
    if (buffer[len - 1] == '.') len--;
    buffer[len] = 0;
    return len;
}

static usize format_budget(char *buffer, usize capacity, Budget budget) {
    if (budget.unit == BUDGET_AUTO) return fmt(buffer, capacity, "auto");
    if (budget.unit == BUDGET_CYCLES) return fmt(buffer, capacity, "%llu", (unsigned long long)budget.amount);
    usize len = format_f32(buffer, capacity, (f64)budget.amount / 1000);
    return len + fmt(buffer + len, capacity - len, "ms");
}

Str config_get(const Config *config, const ConfigKey *key, char buffer[CONFIG_VALUE_BYTES]) {
    const u8 *field = (const u8 *)config + key->offset;
    usize len = 0;
    switch (key->type) {
    case CONFIG_BOOL:
        len = fmt(buffer, CONFIG_VALUE_BYTES, "%d", *(const bool *)field);
        break;
    case CONFIG_OPPOSITE:
        len = fmt(buffer, CONFIG_VALUE_BYTES, "%d", *(const u32 *)field == 0);
        break;
    case CONFIG_U32:
        len = fmt(buffer, CONFIG_VALUE_BYTES, "%u", *(const u32 *)field);
        break;
    case CONFIG_U64:
        len = fmt(buffer, CONFIG_VALUE_BYTES, "%llu", (unsigned long long)*(const u64 *)field);
        break;
    case CONFIG_F32:
        len = format_f32(buffer, CONFIG_VALUE_BYTES, (f64) * (const f32 *)field);
        break;
    case CONFIG_TEXT:
        return *(const Str *)field;
    case CONFIG_CHAT_FORMAT:
        return str_from_c(chat_format_name(*(const ChatFormat *)field));
    case CONFIG_BUDGET:
        len = format_budget(buffer, CONFIG_VALUE_BYTES, *(const Budget *)field);
        break;
    }
    return (Str){buffer, len};
}

static usize format_bound(const ConfigKey *key, f64 bound, char *buffer, usize capacity) {
    if (key->type == CONFIG_F32) return format_f32(buffer, capacity, bound);
    u64 whole = bound >= 18446744073709551615.0 ? UINT64_MAX : (u64)bound;
    return fmt(buffer, capacity, "%llu", (unsigned long long)whole);
}

static usize number_bounds(const ConfigKey *key, char *buffer, usize capacity) {
    char min[32], max[32];
    format_bound(key, key->min, min, sizeof(min));
    format_bound(key, key->max, max, sizeof(max));
    return fmt(buffer, capacity, "%s%s to %s", key->zero_too ? "0, or " : "", min, max);
}

static usize chat_format_bounds(char *buffer, usize capacity) {
    usize len = 0;
    for (ChatFormat format = 0; format <= CHAT_AUTO; format++) {
        len += fmt(buffer + len, capacity - len, "%s%s", format ? ", " : "", chat_format_name(format));
    }
    return len;
}

Str config_bounds(const ConfigKey *key, char buffer[CONFIG_VALUE_BYTES]) {
    usize len = 0;
    switch (key->type) {
    case CONFIG_BOOL:
    case CONFIG_OPPOSITE:
        return STR("0 or 1");
    case CONFIG_U32:
    case CONFIG_U64:
    case CONFIG_F32:
        len = number_bounds(key, buffer, CONFIG_VALUE_BYTES);
        break;
    case CONFIG_TEXT:
        len = fmt(buffer, CONFIG_VALUE_BYTES, "text of %u to %u bytes", (u32)key->min, (u32)key->max);
        break;
    case CONFIG_CHAT_FORMAT:
        len = chat_format_bounds(buffer, CONFIG_VALUE_BYTES);
        break;
    case CONFIG_BUDGET:
        return STR("auto, a number of cycles from 1, or milliseconds such as 2.5ms");
    }
    return (Str){buffer, len};
}

static bool has_name(const ConfigKey *key, Str name) {
    if (str_eq_nocase(name, str_from_c(key->name))) return true;
    Str aliases = str_from_c(key->aliases);
    while (aliases.len > 0) {
        if (str_eq_nocase(name, str_cut(&aliases, ' '))) return true;
    }
    return false;
}

const ConfigKey *config_find(Str name) {
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (has_name(&CONFIG_KEYS[i], name)) return &CONFIG_KEYS[i];
    }
    return NULL;
}

Config config_defaults(void) {
    Config config;
    Error error;
    memset(&config, 0, sizeof(config));
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (CONFIG_KEYS[i].fallback)
            config_set(&config, &CONFIG_KEYS[i], str_from_c(CONFIG_KEYS[i].fallback), OWNER_DEFAULT, &error);
    }
    return config;
}
