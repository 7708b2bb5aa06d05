#include "firmware/repl/policy.h"

#include "firmware/base/crc32c.h"
#include "firmware/testing/check.h"

enum { FILE_BYTES = 4096 };

/** A policy file as the host tools write it: `lines`, then their checksum. */
static Str sealed(const char *lines, char file[FILE_BYTES]) {
    usize len = strlen(lines);
    memcpy(file, lines, len);
    return (Str){file, len + (usize)snprintf(file + len, FILE_BYTES - len, "crc32c=%08x\n", crc32c(0, lines, len))};
}

static Policy parsed(const char *lines) {
    static char file[FILE_BYTES]; /* settings point into it */
    Policy policy;
    Error error;
    CHECK_MSG(policy_parse(sealed(lines, file), &policy, &error), "%s", error.message);
    return policy;
}

static void check_value(const Config *config, const char *name, const char *value, ConfigOwner owner) {
    char buffer[CONFIG_VALUE_BYTES];
    const ConfigKey *key = config_find(str_from_c(name));
    CHECK_STR(config_get(config, key, buffer), str_from_c(value));
    CHECK_U64(config_owner(config, key), owner);
}

static Config operator_config(void) {
    Config config = config_defaults();
    Error error;
    CHECK(config_set(&config, config_find(STR("oo_conf_threshold")), STR("5"), OWNER_OPERATOR, &error));
    CHECK(config_set(&config, config_find(STR("oo_auto_apply")), STR("2"), OWNER_OPERATOR, &error));
    return config;
}

static void the_more_powerful_owner_wins_wherever_his_line_stands(void) {
    const char *const ORDERS[] = {
        "quarantine.oo_auto_apply=0\ncanary.oo_auto_apply=1\ncanary.oo_conf_threshold=20\ncurriculum.oo_conf_threshold="
        "35\n",
        "# comment\n\ncurriculum.oo_conf_threshold=35\ncanary.oo_conf_threshold=20\ncanary.oo_auto_apply=1\n"
        "quarantine.oo_auto_apply=0\n",
    };
    for (usize i = 0; i < COUNT_OF(ORDERS); i++) {
        Config config = operator_config();
        Policy policy = parsed(ORDERS[i]);
        policy_apply(&policy, &config);
        check_value(&config, "oo_conf_threshold", "20", OWNER_CANARY);
        check_value(&config, "oo_auto_apply", "0", OWNER_QUARANTINE);
        check_value(&config, "oo_enable", "0", OWNER_DEFAULT);
    }
}

static void every_order_of_owners_gives_the_same(void) {
    const char *const OWNERS[] = {"curriculum", "canary", "quarantine"};
    for (u32 set = 1; set < 8; set++) {
        char lines[256];
        usize len = 0, strongest = 0;
        for (usize i = 0; i < 3; i++) {
            if (!(set >> i & 1)) continue;
            len += (usize)snprintf(lines + len, sizeof(lines) - len, "%s.oo_conf_threshold=%zu\n", OWNERS[i], 10 + i);
            strongest = i;
        }
        Config config = operator_config();
        Policy policy = parsed(lines);
        char expected[8];
        snprintf(expected, sizeof(expected), "%zu", 10 + strongest);
        policy_apply(&policy, &config);
        check_value(&config, "oo_conf_threshold", expected, (ConfigOwner)(OWNER_CURRICULUM + strongest));
    }
}

static void sampling_knobs_are_caps_and_no_settings(void) {
    Config config = operator_config();
    Policy policy = parsed("canary.max_tokens=64\ncurriculum.temp=0.5\ncanary.top_k=0\n");
    Knobs canary, curriculum;
    policy_apply(&policy, &config);
    check_value(&config, "max_tokens", "160", OWNER_DEFAULT);
    check_value(&config, "temp", "0.85", OWNER_DEFAULT);
    CHECK(policy_caps(&policy, KNOB_LAYER_CANARY, &canary) && policy_caps(&policy, KNOB_LAYER_CURRICULUM, &curriculum));
    CHECK_U64(canary.max_tokens, 64);
    CHECK(canary.temperature == KNOBS_UNBOUNDED.temperature && canary.top_k == 0);
    CHECK(curriculum.temperature == 0.5f && curriculum.max_tokens == KNOBS_UNBOUNDED.max_tokens);
    policy = parsed("canary.oo_auto_apply=1\n");
    CHECK(!policy_caps(&policy, KNOB_LAYER_CANARY, &canary));
}

static void owners_are_named_once(void) {
    char buffer[64];
    Policy policy = parsed("canary.temp=1\nquarantine.oo_auto_apply=0\ncanary.oo_auto_apply=1\n");
    CHECK_STR(policy_owners(&policy, buffer, sizeof(buffer)), STR("canary,quarantine"));
    policy = parsed("");
    CHECK_STR(policy_owners(&policy, buffer, sizeof(buffer)), STR(""));
}

static void check_quarantine(Str file, ErrorCode code, const char *part) {
    Policy policy;
    Error error;
    Config config = operator_config();
    CHECK_MSG(!policy_parse(file, &policy, &error), "taken as whole:\n%.*s", STR_ARG(file));
    CHECK_ERROR(error, code);
    CHECK_MSG(strstr(error.message, part) != NULL, "\"%s\" lacks \"%s\"", error.message, part);
    policy_apply(&policy, &config);
    check_value(&config, "oo_auto_apply", "0", OWNER_QUARANTINE);
    check_value(&config, "oo_conf_threshold", "5", OWNER_OPERATOR);
}

static void a_line_that_is_none_is_a_quarantine(void) {
    char file[FILE_BYTES];
    check_quarantine(sealed("canary.oo_conf_treshold=3\n", file), ERROR_USAGE, "line 1: unknown key");
    check_quarantine(sealed("\nowner.oo_auto_apply=1\n", file), ERROR_USAGE, "line 2: expected curriculum");
    check_quarantine(sealed("operator.oo_auto_apply=1\n", file), ERROR_USAGE, "line 1: expected curriculum");
    check_quarantine(sealed("oo_auto_apply=1\n", file), ERROR_USAGE, "expected OWNER.KEY=VALUE");
    check_quarantine(sealed("canary.oo_auto_apply\n", file), ERROR_USAGE, "expected OWNER.KEY=VALUE");
    check_quarantine(sealed("canary.oo_auto_apply=9\n", file), ERROR_LIMIT, "line 1: oo_auto_apply: expected 0 to 2");
    check_quarantine(sealed("canary.temp=hot\n", file), ERROR_USAGE, "line 1: temp: expected");
    check_quarantine(sealed("quarantine.temp=0.5\n", file), ERROR_USAGE, "no sampling knobs");
}

static void a_file_cut_anywhere_or_changed_anywhere_is_a_quarantine(void) {
    char file[FILE_BYTES];
    Str whole = sealed("canary.oo_auto_apply=2\ncanary.oo_conf_threshold=20\n", file);
    for (usize len = 0; len + 1 < whole.len; len++) { /* the last LF may be missing */
        Policy policy;
        Error error;
        CHECK_MSG(!policy_parse(str_take(whole, len), &policy, &error), "cut at %zu", len);
        CHECK_U64(policy.count, 1);
    }
    for (usize at = 0; at + 1 < whole.len; at++) {
        Policy policy;
        Error error;
        char byte = file[at];
        file[at] ^= 0x01;
        CHECK_MSG(!policy_parse(whole, &policy, &error), "changed at %zu", at);
        file[at] = byte;
    }
}

static void too_many_settings_are_a_quarantine(void) {
    char file[FILE_BYTES], lines[FILE_BYTES - 32];
    usize len = 0;
    for (u32 i = 0; i <= POLICY_SETTINGS_MAX; i++) len += (usize)sprintf(lines + len, "canary.stats=1\n");
    check_quarantine(sealed(lines, file), ERROR_LIMIT, "more than");
}

static const TestCase CASES[] = {TEST(the_more_powerful_owner_wins_wherever_his_line_stands),
                                 TEST(every_order_of_owners_gives_the_same),
                                 TEST(sampling_knobs_are_caps_and_no_settings),
                                 TEST(owners_are_named_once),
                                 TEST(a_line_that_is_none_is_a_quarantine),
                                 TEST(a_file_cut_anywhere_or_changed_anywhere_is_a_quarantine),
                                 TEST(too_many_settings_are_a_quarantine)};
TEST_MAIN(CASES)
