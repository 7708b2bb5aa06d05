#include "firmware/repl/policy.h"

#include "firmware/base/crc32c.h"
#include "firmware/repl/text_file.h"

static const Str CHECKSUM_KEY = STR("crc32c=");
static const char *const KNOB_KEYS[KNOB_COUNT] = {"temp", "top_p", "top_k", "max_tokens"};

static void become_quarantine(Policy *policy) {
    policy->count = 1;
    policy->settings[0] = (PolicySetting){OWNER_QUARANTINE, config_find(STR("oo_auto_apply")), STR("0")};
}

/** -1 for keys that are no sampling knob. */
static i32 knob_of(const ConfigKey *key) {
    for (i32 i = 0; i < KNOB_COUNT; i++) {
        if (str_eq(str_from_c(key->name), str_from_c(KNOB_KEYS[i]))) return i;
    }
    return -1;
}

static bool find_owner(Str name, ConfigOwner *owner) {
    for (ConfigOwner i = OWNER_CURRICULUM; i <= OWNER_QUARANTINE; i++) {
        *owner = i;
        if (str_eq(name, str_from_c(config_owner_name(i)))) return true;
    }
    return false;
}

static bool check_setting(const PolicySetting *setting, u32 line, Error *error) {
    char where[32];
    Config scratch = config_defaults();
    if (setting->owner == OWNER_QUARANTINE && knob_of(setting->key) >= 0) {
        return fail(error, ERROR_USAGE, "line %u: a quarantine has no sampling knobs, found %s", line,
                    setting->key->name);
    }
    if (config_set(&scratch, setting->key, setting->value, setting->owner, error)) return true;
    return fail_in(error, (Str){where, fmt(where, sizeof(where), "line %u", line)});
}

static bool parse_line(Str text, u32 line, Policy *policy, Error *error) {
    Str value = text, key, shown = str_take(text, 40);
    if (str_find_byte(text, '=') == text.len || str_find_byte(text, '.') > str_find_byte(text, '=')) {
        return fail(error, ERROR_USAGE, "line %u: expected OWNER.KEY=VALUE, found \"%.*s\"", line, STR_ARG(shown));
    }
    key = str_cut(&value, '=');
    PolicySetting setting = {.value = value};
    if (!find_owner(str_cut(&key, '.'), &setting.owner)) {
        return fail(error, ERROR_USAGE,
                    "line %u: expected curriculum, canary or quarantine before the '.', found \"%.*s\"", line,
                    STR_ARG(shown));
    }
    setting.key = config_find(key);
    if (!setting.key) return fail(error, ERROR_USAGE, "line %u: unknown key in \"%.*s\"", line, STR_ARG(shown));
    if (policy->count == POLICY_SETTINGS_MAX) {
        return fail(error, ERROR_LIMIT, "line %u: more than %d settings", line, POLICY_SETTINGS_MAX);
    }
    policy->settings[policy->count++] = setting;
    return check_setting(&setting, line, error);
}

static bool parse_lines(Str text, Policy *policy, Error *error) {
    Str line;
    policy->count = 0;
    for (u32 number = 1; text_next_line(&text, &line); number++) {
        line = str_trim(line);
        if (line.len == 0 || line.data[0] == '#') continue;
        if (!parse_line(line, number, policy, error)) return false;
    }
    return true;
}

static bool is_hex_digit(char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); }

/** Where the last line begins, when it is a checksum. */
static bool find_checksum(Str text, usize *at, Str *digits) {
    usize end = text.len;
    while (end > 0 && (text.data[end - 1] == '\n' || text.data[end - 1] == '\r')) end--;
    *at = end;
    while (*at > 0 && text.data[*at - 1] != '\n') --*at;
    Str last = {text.data + *at, end - *at};
    *digits = str_skip(last, CHECKSUM_KEY.len);
    if (!str_starts_with(last, CHECKSUM_KEY) || digits->len != 8) return false;
    for (usize i = 0; i < digits->len; i++) {
        if (!is_hex_digit(digits->data[i])) return false;
    }
    return true;
}

static bool check_whole(Str *text, Error *error) {
    usize at;
    Str digits;
    char expected[12];
    if (!find_checksum(*text, &at, &digits)) {
        return fail(error, ERROR_TRUNCATED, "expected crc32c=XXXXXXXX in the last line: write the file again");
    }
    usize len = fmt(expected, sizeof(expected), "%08x", crc32c(0, text->data, at));
    if (!str_eq(digits, (Str){expected, len})) {
        return fail(error, ERROR_CORRUPT, "the checksum says %.*s, the file has %s: write it again", STR_ARG(digits),
                    expected);
    }
    text->len = at;
    return true;
}

bool policy_parse(Str text, Policy *policy, Error *error) {
    if (check_whole(&text, error) && parse_lines(text, policy, error)) return true;
    become_quarantine(policy);
    return false;
}

void policy_apply(const Policy *policy, Config *config) {
    Error error;
    for (ConfigOwner owner = OWNER_CURRICULUM; owner <= OWNER_QUARANTINE; owner++) {
        for (usize i = 0; i < policy->count; i++) {
            const PolicySetting *setting = &policy->settings[i];
            if (setting->owner != owner || knob_of(setting->key) >= 0) continue;
            config_set(config, setting->key, setting->value, owner, &error);
        }
    }
}

bool policy_caps(const Policy *policy, KnobLayer layer, Knobs *caps) {
    ConfigOwner owner = layer == KNOB_LAYER_CANARY ? OWNER_CANARY : OWNER_CURRICULUM;
    Config values = config_defaults();
    bool has[KNOB_COUNT] = {false}, any = false;
    Error error;
    for (usize i = 0; i < policy->count; i++) {
        const PolicySetting *setting = &policy->settings[i];
        i32 knob = knob_of(setting->key);
        if (setting->owner != owner || knob < 0) continue;
        has[knob] = config_set(&values, setting->key, setting->value, owner, &error);
        any = any || has[knob];
    }
    *caps = KNOBS_UNBOUNDED;
    if (has[KNOB_TEMP]) caps->temperature = values.sampler.temperature;
    if (has[KNOB_TOP_P]) caps->top_p = values.sampler.top_p;
    if (has[KNOB_TOP_K]) caps->top_k = values.sampler.top_k;
    if (has[KNOB_MAX_TOKENS]) caps->max_tokens = values.max_tokens;
    return any;
}

static bool has_owner(const Policy *policy, ConfigOwner owner) {
    for (usize i = 0; i < policy->count; i++) {
        if (policy->settings[i].owner == owner) return true;
    }
    return false;
}

Str policy_owners(const Policy *policy, char *buffer, usize capacity) {
    usize len = 0;
    for (ConfigOwner owner = OWNER_CURRICULUM; owner <= OWNER_QUARANTINE; owner++) {
        if (!has_owner(policy, owner)) continue;
        len += fmt(buffer + len, capacity - len, "%s%s", len ? "," : "", config_owner_name(owner));
    }
    return (Str){buffer, len};
}
