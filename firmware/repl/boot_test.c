/* How a session starts: what is read, what is said of a model that cannot be used. */
#include "firmware/base/crc32c.h"
#include "firmware/testing/machine.h"

/** The number behind `name` in the only line that begins with `line`. */
static u64 number_in(const Machine *machine, const char *line, const char *name) {
    Str output = fake_output(machine->fake);
    Str rest = str_skip(output, str_find(output, str_from_c(line)));
    CHECK_MSG(rest.len > 0, "no line \"%s\"", line);
    rest = str_cut(&rest, '\n');
    rest = str_skip(rest, str_find(rest, str_from_c(name)) + strlen(name));
    u64 value;
    CHECK(str_to_u64(str_take(rest, min_usize(str_find_byte(rest, ' '), str_find_byte(rest, '.'))), &value));
    return value;
}

static void model_file_is_opened_once_and_read_in_large_pieces(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_boot(&machine, "");
    static const char LINE[] = "[obs][startup] ";
    CHECK_U64(number_in(&machine, LINE, " opens="), 2); /* chain.bin and its tokenizer.bin */
    CHECK_U64(number_in(&machine, LINE, " reads="), 2);
    CHECK_U64(number_in(&machine, LINE, " bytes="), machine.model.len + machine.tokenizer.len);
    machine_free(&machine);
}

static void describing_the_loaded_model_reads_nothing(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_boot(&machine, "");
    u32 opens = machine.fake->volume.opens, reads = machine.fake->volume.reads;
    machine_boot(&machine, "/model_info\n/ctx\n/model_info\n");
    CHECK_SHOWS(machine, "  architecture  llama2.c");
    CHECK_U64(machine.fake->volume.opens, 2 * opens);
    CHECK_U64(machine.fake->volume.reads, 2 * reads);
    machine_free(&machine);
}

/** Defect 25: the clock had a second's resolution; defect 36: no line when it said 0, as it did at midnight. Ours
 * counts from the start of the program. */
static void defect_25_and_defect_36_startup_from_0_is_timed_to_the_microsecond(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    CHECK_U64(machine.fake->clock_us, 0);
    machine_boot(&machine, "");
    Str rest = fake_output(machine.fake);
    rest = str_skip(rest, str_find(rest, STR("[obs][startup] model_select_ms=")));
    int whole = 0, micros = 0;
    CHECK(sscanf(rest.data, "[obs][startup] model_select_ms=%d.%3d model_prepare_ms=", &whole, &micros) == 2);
    CHECK_MSG(whole == 0 && micros > 0, "%d.%03d ms", whole, micros);
    machine_free(&machine);
}

/** Defect 37: preparing excluded header, weights and tokenizer. */
static void defect_37_preparing_ends_when_a_prompt_is_taken(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "boot_verbose=2\n");
    machine_boot(&machine, "");
    Str output = fake_output(machine.fake);
    usize startup = str_find(output, STR("\n[obs][startup] ")), ready = str_find(output, STR("\nOK: REPL ready"));
    CHECK(startup < ready);
    CHECK(str_find(str_take(str_skip(output, startup + 1), ready - startup - 1), STR("\n[")) == ready - startup - 1);
    static const char *const PHASES[] = {"configure", "select", "read", "bind", "tokenizer", "memory"};
    usize before = 0;
    for (usize i = 0; i < COUNT_OF(PHASES); i++) {
        char line[40];
        snprintf(line, sizeof(line), "\n[obs][phase] %s ms=0.", PHASES[i]);
        usize at = str_find(output, str_from_c(line));
        CHECK_MSG(at < startup && at >= before, "%s", PHASES[i]);
        before = at;
    }
    machine_free(&machine);
}

typedef struct Diagnosis {
    const char *config;
    const char *path;
    Str data;
    const char *cause;
    const char *hint;
} Diagnosis;

static void every_cause_is_one_block_with_a_hint_and_the_choice(void) {
    static const Diagnosis ROWS[] = {
        {"model=gone", "x.gguf", STR("x"), "missing", "/models lists what is there"},
        {"model=x", "x.gguf", STR("GGUF\x03"), "corrupt", "copy it again"},
        {"model=x", "x.gguf", STR("GGUF\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "unsupported", "llama or qwen2"},
    };
    for (usize i = 0; i < COUNT_OF(ROWS); i++) {
        char config[64], marker[128];
        Machine machine = machine_new();
        snprintf(config, sizeof(config), "%s\n", ROWS[i].config);
        snprintf(marker, sizeof(marker), "cause=%s choice=models/chain.bin ", ROWS[i].cause);
        machine_add_usual(&machine, config);
        fake_add_file(machine.fake, ROWS[i].path, ROWS[i].data);
        machine_boot(&machine, "");
        CHECK_SHOWS(machine, "\n[model] diagnosis requested=");
        CHECK_SHOWS(machine, marker);
        CHECK_SHOWS(machine, ROWS[i].hint);
        CHECK_SHOWS(machine, "\n  choice   models/chain.bin\n");
        CHECK_SHOWS(machine, "\nOK: REPL ready (/help)");
        machine_free(&machine);
    }
}

static void model_too_large_for_the_machine_says_so(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "model=chain\n");
    machine.fake->memory_free = 1024 * 1024;
    machine_boot(&machine, "");
    CHECK_SHOWS(machine, "cause=too_large choice=\"\" ");
    CHECK_SHOWS(machine, "\n  choice   none\n");
    CHECK_SHOWS(machine, "\nOK: REPL ready (no model)");
    machine_free(&machine);
}

/** On FAT an alias opens the file it stands for, and is in no listing. */
static void short_alias_is_used_and_the_long_name_recommended(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "model=models/SMOLLM~1.BIN\n");
    fake_add_file(machine.fake, "models/SMOLLM~1.BIN", machine.model);
    machine_boot(&machine, "Q?\n");
    CHECK_SHOWS(machine, "cause=alias choice=models/SMOLLM~1.BIN ");
    CHECK_SHOWS(machine, "write the long name");
    CHECK_SHOWS(machine, "AI: abc");
    machine_free(&machine);
}

static void model_found_as_asked_for_is_not_talked_about(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "model=chain\n");
    machine_boot(&machine, "");
    CHECK_SHOWS_NOT(machine, "diagnosis");
    machine_free(&machine);
}

static void models_are_listed_with_what_they_are(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "model=chain\n");
    fake_add_file(machine.fake, "broken.gguf", STR("GGUF\x03"));
    machine_boot(&machine, "/models\n/models models\n/models gone\n");
    CHECK_SHOWS(machine, "  bin   models/chain.bin  llama2.c 0.5M F32 ctx=128  (loaded)\n");
    CHECK_SHOWS(machine, "  gguf  broken.gguf  unusable (truncated): broken.gguf: ");
    CHECK_SHOWS(machine, "\n[models] summary: total=2 bin=1 gguf=1 bytes=");
    CHECK_SHOWS(machine, "\n[models] summary: total=1 bin=1 gguf=0 bytes=");
    CHECK_SHOWS(machine, "error: gone: there is no such folder");
    machine_free(&machine);
}

/** Defect 9: the organism's files counted as models, and stopped an unattended boot at a menu. */
static void defect_09_files_of_the_organism_are_no_models(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "oo_enable=1\n");
    for (u32 boot = 1; boot <= 3; boot++) {
        machine_boot(&machine, "/models\nQ?\n/exit\n");
        CHECK_SHOWS(machine, "[models] summary: total=1 bin=1 gguf=0");
        CHECK_SHOWS_NOT(machine, "Several models");
        CHECK_SHOWS(machine, "AI: abc");
    }
    machine_free(&machine);
}

static void policy_overrules_and_says_so(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "oo_enable=1\noo_auto_apply=2\n");
    static const char LINES[] = "canary.max_tokens=2\nquarantine.oo_auto_apply=0\n";
    char file[128];
    usize len = (usize)snprintf(file, sizeof(file), "%scrc32c=%08x\n", LINES, crc32c(0, LINES, sizeof(LINES) - 1));
    fake_add_file(machine.fake, "policy.cfg", (Str){file, len});
    machine_boot(&machine, "Q?\n/cfg\n/guard_status\n");
    CHECK_SHOWS(machine, "\n[policy] policy.cfg keys=2 owners=canary,quarantine reason_id=POLICY_APPLIED event=");
    CHECK_SHOWS(machine, "  oo_auto_apply                        0            quarantine\n");
    CHECK_SHOWS(machine, "  oo_enable                            1            operator\n");
    CHECK_SHOWS(machine, "AI: ab\n[obs] gen_end tokens=2 reason=max_tokens");
    CHECK_SHOWS(machine, "\n[knob] max_tokens value=2.000 owner=canary operator=160.000");
    file[3] ^= 1;
    machine_boot(&machine, "Q?\n/cfg\n");
    CHECK_SHOWS(machine, "\n[policy] policy.cfg keys=1 owners=quarantine reason_id=POLICY_CORRUPT event=");
    CHECK_SHOWS(machine, "  oo_auto_apply                        0            quarantine\n");
    CHECK_SHOWS(machine, "AI: abc\n");
    machine_free(&machine);
}

static const TestCase CASES[] = {TEST(model_file_is_opened_once_and_read_in_large_pieces),
                                 TEST(describing_the_loaded_model_reads_nothing),
                                 TEST(defect_25_and_defect_36_startup_from_0_is_timed_to_the_microsecond),
                                 TEST(defect_37_preparing_ends_when_a_prompt_is_taken),
                                 TEST(every_cause_is_one_block_with_a_hint_and_the_choice),
                                 TEST(model_too_large_for_the_machine_says_so),
                                 TEST(short_alias_is_used_and_the_long_name_recommended),
                                 TEST(model_found_as_asked_for_is_not_talked_about),
                                 TEST(models_are_listed_with_what_they_are),
                                 TEST(defect_09_files_of_the_organism_are_no_models),
                                 TEST(policy_overrules_and_says_so)};
TEST_MAIN(CASES)
