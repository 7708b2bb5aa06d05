#include "firmware/repl/config.h"
#include "firmware/testing/check.h"

typedef struct Warnings {
    usize count;
    u32 line; /* of the last one */
    char key[64];
    char problem[256];
} Warnings;

static void note(void *argument, u32 line, Str key, Str problem) {
    Warnings *warnings = argument;
    warnings->count++;
    warnings->line = line;
    fmt(warnings->key, sizeof(warnings->key), "%.*s", STR_ARG(key));
    fmt(warnings->problem, sizeof(warnings->problem), "%.*s", STR_ARG(problem));
}

static Config read(Str text, Warnings *warnings) {
    Config config = config_defaults();
    *warnings = (Warnings){0};
    ConfigReport report = {.owner = OWNER_OPERATOR, .argument = warnings, .warning = note};
    config_read(&config, text, &report);
    CHECK_U64(report.warnings, warnings->count);
    return config;
}

/** One warning on `line` about `key` whose text contains `part`. */
static void check_warning(const Warnings *warnings, u32 line, const char *key, const char *part) {
    CHECK_U64(warnings->count, 1);
    CHECK_U64(warnings->line, line);
    CHECK_STR(str_from_c(warnings->key), str_from_c(key));
    CHECK_MSG(strstr(warnings->problem, part) != NULL, "\"%s\" lacks \"%s\"", warnings->problem, part);
}

static void defaults_are_those_of_the_sampler(void) {
    Config config = config_defaults();
    SamplerSettings a = config.sampler, b = SAMPLER_DEFAULTS;
    CHECK(a.temperature == b.temperature && a.min_p == b.min_p && a.top_p == b.top_p && a.top_k == b.top_k);
    CHECK(a.repeat_penalty == b.repeat_penalty && a.repeat_window == b.repeat_window);
    CHECK(a.no_repeat_ngram == b.no_repeat_ngram && a.seed == b.seed);
}

static void every_default_is_valid_and_comes_back(void) {
    Config config = config_defaults();
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        const ConfigKey *key = &CONFIG_KEYS[i];
        char buffer[CONFIG_VALUE_BYTES];
        Error error;
        if (!key->fallback) continue;
        CHECK_MSG(config_set(&config, key, str_from_c(key->fallback), OWNER_OPERATOR, &error), "%s", error.message);
        CHECK_STR(config_get(&config, key, buffer), str_from_c(key->fallback));
        if (key->command) CHECK_STR(str_skip(str_from_c(key->command), 1), str_from_c(key->name));
    }
}

static void no_name_is_used_twice(void) {
    for (usize i = 0; i < CONFIG_KEY_COUNT; i++) {
        Str aliases = str_from_c(CONFIG_KEYS[i].aliases);
        CHECK(config_find(str_from_c(CONFIG_KEYS[i].name)) == &CONFIG_KEYS[i]);
        while (aliases.len > 0) CHECK(config_find(str_cut(&aliases, ' ')) == &CONFIG_KEYS[i]);
    }
}

static void lines_are_read_as_people_write_them(void) {
    Warnings warnings;
    Config config = read(STR("# comment\r\n; another\r\n\r\n  TEMP = 0.5 # half\r\nmodel=models/a b.gguf\r\n"
                             "system_prompt = \"say # twice\"  # comment\nstop_nl=Yes\ntop_k=7"),
                         &warnings);
    CHECK_U64(warnings.count, 0);
    CHECK(config.sampler.temperature == 0.5F && config.stop_nl && config.sampler.top_k == 7);
    CHECK_STR(config.model, STR("models/a b.gguf"));
    CHECK_STR(config.system_prompt, STR("say # twice"));
}

static void aliases_and_opposites(void) {
    Warnings warnings;
    Config config = read(STR("weights=x\ncontext=128\nboot_quiet=0\nno_repeat_ngram=2\nprompt_format=qwen"), &warnings);
    CHECK_U64(warnings.count, 0);
    CHECK_STR(config.model, STR("x"));
    CHECK(config.ctx_len == 128 && config.boot_verbose == 1 && config.sampler.no_repeat_ngram == 2);
    CHECK(config.chat_format == CHAT_CHATML);
}

static void unknown_key_names_the_nearest(void) {
    Warnings warnings;
    read(STR("\ntempp=1\n"), &warnings);
    check_warning(&warnings, 2, "tempp", "did you mean temp?");
    read(STR("completely_other=1"), &warnings);
    check_warning(&warnings, 1, "completely_other", "unknown key");
}

static void number_out_of_bounds_becomes_the_bound(void) {
    Warnings warnings;
    Config config = read(STR("top_p=1.5"), &warnings);
    CHECK(config.sampler.top_p == 1);
    check_warning(&warnings, 1, "top_p", "expected 0 to 1, found \"1.5\"; 1 is used");
    config = read(STR("ctx_len=10"), &warnings);
    CHECK_U64(config.ctx_len, 64);
    config = read(STR("ctx_len=0"), &warnings);
    CHECK_U64(warnings.count, 0);
    config = read(STR("temp=-3"), &warnings);
    CHECK(config.sampler.temperature == 0);
}

static void wrong_type_leaves_the_default(void) {
    Warnings warnings;
    Config config = read(STR("temp=warm"), &warnings);
    CHECK(config.sampler.temperature == 0.85F);
    check_warning(&warnings, 1, "temp", "expected 0 to 10, found \"warm\"; 0.85 is used");
    config = read(STR("max_tokens=12abc"), &warnings);
    CHECK_U64(config.max_tokens, 160);
    CHECK_U64(warnings.count, 1);
    config = read(STR("chat_format=klingon"), &warnings);
    CHECK(config.chat_format == CHAT_AUTO);
    read(STR("no equals sign"), &warnings);
    CHECK(strstr(warnings.problem, "key=value") != NULL);
}

static void last_of_two_settings_wins(void) {
    Warnings warnings;
    Config config = read(STR("temp=0.1\nseed=9\ntemperature=0.2"), &warnings);
    CHECK(config.sampler.temperature == 0.2F && config.sampler.seed == 9);
    check_warning(&warnings, 3, "temperature", "set before on line 1");
}

/** Defect 10: keys behind byte 2047 were not read. */
static void defect_10_no_part_of_a_long_file_is_left_out(void) {
    enum { COMMENT_LINES = 2000 };
    char *text = malloc(COMMENT_LINES * 20 + 64);
    usize len = 0;
    for (u32 i = 0; i < COMMENT_LINES; i++) len += (usize)sprintf(text + len, "# comment %u\n", i);
    len += (usize)sprintf(text + len, "max_tokens=77\n");
    Warnings warnings;
    CHECK_U64(read((Str){text, len}, &warnings).max_tokens, 77);
    free(text);
}

/** Defect 34: 0.05 was shown as 0.5, 1.15 as 1.14. */
static void defect_34_small_decimals_are_printed_right(void) {
    Config config = config_defaults();
    char buffer[CONFIG_VALUE_BYTES];
    CHECK_STR(config_get(&config, config_find(STR("min_p")), buffer), STR("0.05"));
    CHECK_STR(config_get(&config, config_find(STR("repeat")), buffer), STR("1.15"));
    config.sampler.temperature = 0;
    CHECK_STR(config_get(&config, config_find(STR("temp")), buffer), STR("0"));
}

static void gather(void *argument, Str text) {
    Str *all = argument;
    memcpy((char *)all->data + all->len, text.data, text.len);
    all->len += text.len;
}

static void example_with_its_marks_taken_away_gives_the_defaults(void) {
    enum { ROOM = 64 * 1024 };
    Str example = {malloc(ROOM), 0};
    config_example(gather, &example);
    char *active = malloc(ROOM);
    usize len = 0;
    for (usize i = 0; i < example.len; i++) {
        bool is_key = example.data[i] == '#' && example.data[i + 1] != ' ';
        if (!is_key) active[len++] = example.data[i];
    }
    Warnings warnings;
    Config config = read((Str){active, len}, &warnings);
    CHECK_MSG(warnings.count == 0, "line %u, %s: %s", warnings.line, warnings.key, warnings.problem);
    CHECK_U64(config.max_tokens, config_defaults().max_tokens);
    free((void *)example.data);
    free(active);
}

static Budget budget(const char *text) {
    char line[64];
    Warnings warnings;
    usize len = (usize)snprintf(line, sizeof(line), "budget_decode=%s", text);
    Config config = read((Str){line, len}, &warnings);
    CHECK_MSG(warnings.count == 0, "%s: %s", text, warnings.problem);
    return config.budget_decode;
}

static void budgets_are_auto_or_cycles_or_milliseconds(void) {
    CHECK_U64(budget("AUTO").unit, BUDGET_AUTO);
    CHECK(budget("9000000").unit == BUDGET_CYCLES && budget("9000000").amount == 9000000);
    CHECK(budget("2.5ms").unit == BUDGET_MICROSECONDS && budget("2.5ms").amount == 2500);
    const char *const WRONG[] = {"0", "-1", "fast", "0ms", "ms", "1e300ms", "12 cycles"};
    for (usize i = 0; i < COUNT_OF(WRONG); i++) {
        char line[64];
        Warnings warnings;
        usize len = (usize)snprintf(line, sizeof(line), "budget_decode=%s", WRONG[i]);
        CHECK_U64(read((Str){line, len}, &warnings).budget_decode.unit, BUDGET_AUTO);
        check_warning(&warnings, 1, "budget_decode", "milliseconds such as 2.5ms");
    }
}

static void budgets_are_printed_as_they_are_read(void) {
    const char *const TEXTS[] = {"auto", "1", "18446744073709551615", "2.5ms", "0.001ms", "40ms"};
    for (usize i = 0; i < COUNT_OF(TEXTS); i++) {
        char buffer[CONFIG_VALUE_BYTES];
        Config config = config_defaults();
        config.budget_decode = budget(TEXTS[i]);
        CHECK_STR(config_get(&config, config_find(STR("budget_decode")), buffer), str_from_c(TEXTS[i]));
    }
}

/** Defect 12: a key that actions wrote and nobody read. */
static void defect_12_seq_len_is_a_setting_of_its_own(void) {
    Warnings warnings;
    Config config = read(STR("ctx_len=512\nseq_len=64"), &warnings);
    CHECK(config.ctx_len == 512 && config.seq_len == 64);
}

static void a_value_knows_its_owner(void) {
    Warnings warnings;
    Config config = read(STR("boot_quiet=1\ntemp=9000"), &warnings);
    CHECK_U64(config_owner(&config, config_find(STR("temp"))), OWNER_OPERATOR);
    CHECK_U64(config_owner(&config, config_find(STR("top_p"))), OWNER_DEFAULT);
    /* Two keys of one field. */
    CHECK_U64(config_owner(&config, config_find(STR("boot_verbose"))), OWNER_OPERATOR);
}

static const TestCase CASES[] = {TEST(defaults_are_those_of_the_sampler),
                                 TEST(every_default_is_valid_and_comes_back),
                                 TEST(no_name_is_used_twice),
                                 TEST(lines_are_read_as_people_write_them),
                                 TEST(aliases_and_opposites),
                                 TEST(unknown_key_names_the_nearest),
                                 TEST(number_out_of_bounds_becomes_the_bound),
                                 TEST(wrong_type_leaves_the_default),
                                 TEST(last_of_two_settings_wins),
                                 TEST(defect_10_no_part_of_a_long_file_is_left_out),
                                 TEST(defect_34_small_decimals_are_printed_right),
                                 TEST(example_with_its_marks_taken_away_gives_the_defaults),
                                 TEST(budgets_are_auto_or_cycles_or_milliseconds),
                                 TEST(budgets_are_printed_as_they_are_read),
                                 TEST(defect_12_seq_len_is_a_setting_of_its_own),
                                 TEST(a_value_knows_its_owner)};
TEST_MAIN(CASES)
