/* Whole sessions: what is typed, what is shown. */
#include "firmware/repl/line_editor.h"
#include "firmware/testing/machine.h"

static void question_is_answered(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "Q?\n/ctx\n/exit\n");
    CHECK_U64(machine_run(&machine), REPL_END_EXIT);
    CHECK_SHOWS(machine, "\nOK: Version: 00c0ffee platform=fake level=info seq=1 ");
    CHECK_SHOWS(machine, "[cfg] repl.cfg loaded keys=6 warnings=0");
    CHECK_SHOWS(machine, "\nOK: Model loaded: models/chain.bin parameters=");
    CHECK_SHOWS(machine, "\n[obs][startup] model_select_ms=");
    CHECK_SHOWS(machine, "\nOK: REPL ready (/help)");
    CHECK_SHOWS(machine, "\nYou: Q?\nAI: abc\n[obs] gen_end tokens=3 reason=eos step=3 pos=7 prompt_tokens=4");
    CHECK_SHOWS(machine, "\n[stats] tokens=3 time_ms=");
    CHECK_SHOWS(machine, "7 of 128 tokens in use");
    CHECK_SHOWS(machine, "\n[power] exit level=info seq=");
    CHECK_U64(fake_pages_in_use(machine.fake), 0);
    machine_free(&machine);
}

static void empty_lines_are_no_prompts(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "Q?\n\n   \n/exit\n");
    machine_run(&machine);
    CHECK_SHOWS_NOT(machine, "error");
    CHECK_SHOWS(machine, "You: \nYou:    \nYou: /exit");
    machine_free(&machine);
}

static void without_a_model_commands_work(void) {
    Machine machine = machine_new();
    fake_type(machine.fake, "hello\n/clear\nversion\n/models\nquit\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "put a .gguf file into the models folder");
    CHECK_SHOWS(machine, "\nOK: REPL ready (no model). Type /help");
    CHECK_SHOWS(machine, "llmk> hello\nerror: there is no model to talk to");
    CHECK_SHOWS(machine, "error: /clear needs a model");
    CHECK_SHOWS(machine, "llm-baremetal build 00c0ffee on fake, version ");
    CHECK_SHOWS(machine, "[models] summary: total=0 ");
    machine_free(&machine);
}

static void broken_model_is_explained_and_another_used(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_add_file(machine.fake, "models/broken.gguf", STR("GGUF\x03"));
    fake_add_file(machine.fake, "x", STR(""));
    fake_add_file(machine.fake, "repl.cfg", STR("model=broken\nchat_format=raw\n"));
    machine_run(&machine);
    CHECK_SHOWS(machine, "\n[model] failed path=models/broken.gguf code=truncated error=");
    CHECK_SHOWS(machine, "Cannot load models/broken.gguf: ");
    CHECK_SHOWS_NOT(machine, "models/broken.gguf: models/broken.gguf");
    CHECK_SHOWS(machine, "\n[model] fallback requested=models/broken.gguf used=models/chain.bin");
    CHECK_SHOWS(machine, "\nOK: REPL ready (/help)");
    machine_free(&machine);
}

static void defect_31_broken_model_alone_leaves_the_repl(void) {
    Machine machine = machine_new();
    fake_add_file(machine.fake, "broken.gguf", STR("GGUF\x03"));
    machine_run(&machine);
    CHECK_SHOWS(machine, "[model] failed path=broken.gguf");
    CHECK_SHOWS(machine, "\nOK: REPL ready (no model)");
    machine_free(&machine);
}

static void model_that_is_not_there_names_the_place(void) {
    Machine machine = machine_new();
    fake_add_file(machine.fake, "repl.cfg", STR("model=gone"));
    machine_run(&machine);
    CHECK_SHOWS(machine, "[model] failed path=gone code=not_found");
    CHECK_SHOWS(machine, "\nOK: REPL ready (no model)");
    machine_free(&machine);
}

static void bin_without_tokenizer_says_so(void) {
    Machine machine = machine_new();
    machine_add_model(&machine, "chain.bin");
    machine_run(&machine);
    CHECK_SHOWS(machine, "a .bin model needs its tokenizer: tokenizer.bin");
    machine_free(&machine);
}

static void own_files_are_no_models(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_add_model(&machine, "OOSTATE.BIN");
    machine_add_model(&machine, "OORECOV.BIN");
    machine_add_model(&machine, "llmk-snap.bin");
    fake_type(machine.fake, "/models\n");
    machine_run(&machine);
    CHECK_SHOWS_NOT(machine, "Several models");
    CHECK_SHOWS(machine, "[models] summary: total=1 bin=1 gguf=0");
    machine_free(&machine);
}

static void menu_without_a_person_takes_the_first(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_add_model(&machine, "models/a.bin");
    fake_press(machine.fake, KEY_NONE);
    machine_run(&machine);
    CHECK_SHOWS(machine, "Several models:");
    CHECK_SHOWS(machine, "[model] chosen path=models/a.bin of=2");
    CHECK(machine.fake->clock_us >= 5000000 && machine.fake->clock_us < 6000000);
    machine_free(&machine);
}

static void menu_with_a_person_asks(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine_add_model(&machine, "models/a.bin");
    fake_type(machine.fake, "7\n2\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "Model number [1]: 7\nerror: expected a number from 1 to 2");
    CHECK_SHOWS(machine, "OK: Model loaded: models/chain.bin");
    machine_free(&machine);
}

static void short_memory_shortens_the_context(void) {
    Machine machine = machine_new();
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    free((void *)machine.model.data);
    machine.model = chain_model(&chain, 4096);
    machine_add_usual(&machine, "");
    machine.fake->memory_free = 13 * 1024 * 1024;
    fake_type(machine.fake, "Q?\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "\n[mem] context reduced from=4096 to=2048");
    CHECK_SHOWS(machine, " context=2048 ");
    CHECK_SHOWS(machine, "AI: abc");
    machine_free(&machine);
}

static void model_larger_than_memory_leaves_the_repl(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    machine.fake->memory_free = 1024 * 1024;
    machine_run(&machine);
    CHECK_SHOWS(machine, "code=out_of_memory");
    CHECK_SHOWS(machine, "\nOK: REPL ready (no model)");
    machine_free(&machine);
}

static void unknown_command_names_the_nearest(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "/hepl\n/tmep 1\n/xyzzy\n/\n/attn_avx\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "error: /hepl: unknown command; did you mean /help?");
    CHECK_SHOWS(machine, "error: /tmep: unknown command; did you mean /temp?");
    CHECK_SHOWS(machine, "error: /xyzzy: unknown command; /help lists all");
    CHECK_SHOWS_NOT(machine, "AI:");
    machine_free(&machine);
}

static void arguments_are_checked(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "/temp abc\n/top_p 5\n/log 0\n/log 99999\n/clear now\n/preset wild2\n/max_tokens 0\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "error: temp: expected 0 to 10, found \"abc\"");
    CHECK_SHOWS(machine, "error: top_p: expected 0 to 1, found \"5\"");
    CHECK_SHOWS(machine, "error: /log: expected a number from 1 to 64, found \"0\"");
    CHECK_SHOWS(machine, "error: /clear takes nothing behind it, found \"now\"");
    CHECK_SHOWS(machine, "error: /preset: expected one of these");
    CHECK_SHOWS(machine, "error: max_tokens: expected 1 to");
    machine_free(&machine);
}

static void settings_change_at_the_prompt(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "/min_p 0.05\n/max_tokens 2\nQ?\n/preset stable\n/stats 0\n/temp\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "  min_p = 0.05 (0 to 1)");
    CHECK_SHOWS(machine, "AI: ab\n[obs] gen_end tokens=2 reason=max_tokens");
    CHECK_SHOWS(machine, "  temp = 0.7 (0 to 10)");
    machine_free(&machine);
}

static void help_is_filtered(void) {
    Machine machine = machine_new();
    fake_type(machine.fake, "/help /mod\n/help nonsense\n/commands\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "  /models [FOLDER]");
    CHECK_SHOWS(machine, "  /model_info [PATH]");
    CHECK_SHOWS(machine, "error: no command matches \"nonsense\"");
    CHECK_SHOWS(machine, "  /repeat [VALUE]");
    machine_free(&machine);
}

static void model_is_described(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "/model_info\n/model_info chain\n/model_info gone.gguf\n/cpu\n/ram\n/cfg\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "dim=288 hidden=32 layers=1 heads=2 kv_heads=2 head_dim=144 vocab=259");
    CHECK_SHOWS(machine, "a matrix of its own");
    CHECK_SHOWS(machine, "error: gone.gguf: there is no such file");
    CHECK_SHOWS(machine, "kernels    ");
    CHECK_SHOWS(machine, "autorun_file                         llmk-autorun.txt default");
    machine_free(&machine);
}

static void verbose_start_says_more(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_add_file(machine.fake, "repl.cfg", STR("boot_verbose=2\n"));
    machine_run(&machine);
    CHECK_SHOWS(machine, "  kernels    ");
    CHECK_SHOWS(machine, "  architecture  llama2.c");
    CHECK_SHOWS(machine, "  boot_verbose                         2            operator");
    machine_free(&machine);
}

static void powers_off_and_reboots(void) {
    Machine machine = machine_new();
    fake_type(machine.fake, "/poweroff\n");
    machine_run(&machine);
    CHECK(machine.fake->is_off && machine.fake->exit_code == 0);
    CHECK_SHOWS(machine, "\n[power] off level=info seq=");
    machine_free(&machine);
    machine = machine_new();
    fake_type(machine.fake, "reboot\n");
    machine_run(&machine);
    CHECK(machine.fake->was_rebooted);
    machine_free(&machine);
}

static void script_runs_and_switches_off(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_add_file(machine.fake, "repl.cfg",
                  STR("chat_format=raw\ntemp=0\nrepeat=1\nnorepeat=0\nautorun_autostart=1\n"
                      "autorun_shutdown_when_done=1\n"));
    fake_add_file(machine.fake, "llmk-autorun.txt",
                  STR("\xEF\xBB\xBF# comment\r\n\r\nQ?\r\n; more\n/version\nA\\\nQ?"));
    machine.fake->is_silent = true;
    machine_run(&machine);
    CHECK_SHOWS(machine, "\n[autorun] loaded llmk-autorun.txt (");
    CHECK_SHOWS(machine, "\nYou (autorun): Q?\nAI: abc\n[obs] gen_end");
    CHECK_SHOWS(machine, "\nYou (autorun): /version\n");
    CHECK_SHOWS(machine, "\nYou (autorun): A\nQ?\nAI: abc\n");
    CHECK_SHOWS(machine, "\n[autorun] done lines=3 ");
    CHECK_SHOWS(machine, "\n[autorun] shutting down level=info seq=");
    CHECK(machine.fake->is_off && machine.fake->exit_code == 0);
    machine_free(&machine);
}

static void defect_32_script_runs_without_a_model_and_defect_33_its_exit_waits_for_nobody(void) {
    Machine machine = machine_new();
    fake_add_file(machine.fake, "repl.cfg", STR("autorun_autostart=1\nautorun_shutdown_when_done=1\n"));
    fake_add_file(machine.fake, "llmk-autorun.txt", STR("\xFF\xFEv\0e\0r\0s\0i\0o\0n\0\n\0e\0x\0i\0t\0"));
    machine.fake->is_silent = true;
    machine_run(&machine);
    CHECK_SHOWS(machine, "You (autorun): version\nllm-baremetal build");
    CHECK_SHOWS(machine, "You (autorun): exit\n[autorun] done lines=2");
    CHECK(machine.fake->is_off);
    machine_free(&machine);
}

static void missing_script_does_not_hang(void) {
    Machine machine = machine_new();
    fake_add_file(machine.fake, "repl.cfg", STR("autorun_autostart=1\nautorun_shutdown_when_done=1\n"));
    machine.fake->is_silent = true;
    machine_run(&machine);
    CHECK_SHOWS(machine, "[autorun] cannot load llmk-autorun.txt error=");
    CHECK(machine.fake->is_off && machine.fake->exit_code == 1);
    machine_free(&machine);
}

static void script_starts_and_stops_at_the_prompt(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    fake_add_file(machine.fake, "other.txt", STR("/autorun_stop\n/version\n"));
    fake_type(machine.fake, "/autorun other.txt\n/autorun gone.txt\n/autorun_stop\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "[autorun] loaded other.txt (23 bytes)");
    CHECK_SHOWS(machine, "[autorun] done lines=1");
    CHECK_SHOWS_NOT(machine, "llm-baremetal build");
    CHECK_SHOWS(machine, "error: gone.txt: there is no such file");
    CHECK_SHOWS(machine, "No script is running.");
    machine_free(&machine);
}

static void script_may_start_another(void) {
    Machine machine = machine_new();
    fake_add_file(machine.fake, "one.txt", STR("/autorun two.txt\n/cfg\n"));
    fake_add_file(machine.fake, "two.txt", STR("/version\n"));
    fake_type(machine.fake, "/autorun one.txt\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "[autorun] loaded two.txt");
    CHECK_SHOWS(machine, "llm-baremetal build");
    CHECK_SHOWS_NOT(machine, "autorun_file  ");
    machine_free(&machine);
}

static void script_without_end_can_be_stopped(void) {
    Machine machine = machine_new();
    fake_add_file(machine.fake, "loop.txt", STR("/version\n/autorun loop.txt\n"));
    fake_type(machine.fake, "/autorun loop.txt\n");
    for (usize i = 0; i < 50; i++) fake_press(machine.fake, KEY_NONE);
    fake_press(machine.fake, KEY_ESC);
    fake_type(machine.fake, "/cfg\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "llmk> /cfg\n");
    machine_free(&machine);
}

static void line_too_long_is_one_error(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    for (usize i = 0; i < 100 * 1024; i++) fake_press(machine.fake, 'x');
    fake_type(machine.fake, "\nQ?\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "error: the line is longer than 32768 bytes; its 69632 bytes too many");
    CHECK_SHOWS(machine, "You: Q?\nAI: abc");
    machine_free(&machine);
}

static void prompt_too_long_is_one_error(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    for (usize i = 0; i < 300; i++) fake_press(machine.fake, 'x');
    fake_type(machine.fake, "\nQ?\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "error: the prompt is longer than the context of 128 tokens");
    CHECK_SHOWS(machine, "You: Q?\nAI: abc");
    machine_free(&machine);
}

static void long_conversation_starts_anew(void) {
    Machine machine = machine_new();
    machine_add_usual(&machine, "");
    for (usize i = 0; i < 30; i++) fake_type(machine.fake, "Q?\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "\n[chat] context too long position=");
    CHECK_SHOWS_NOT(machine, "error");
    machine_free(&machine);
}

static void escape_stops_an_answer(void) {
    Machine machine = machine_new();
    Chain chain = chain_new();
    chain_follow(&chain, "?aba");
    free((void *)machine.model.data);
    machine.model = chain_model(&chain, 128);
    machine_add_usual(&machine, "");
    fake_type(machine.fake, "Q?\n");
    for (usize i = 0; i < 5; i++) fake_press(machine.fake, KEY_NONE);
    fake_press(machine.fake, KEY_ESC);
    fake_type(machine.fake, "/exit\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "AI: ababa\n[obs] gen_end tokens=5 reason=user");
    CHECK_SHOWS(machine, "You: /exit");
    machine_free(&machine);
}

static void log_shows_events_that_no_parser_counts_twice(void) {
    Machine machine = machine_new();
    fake_type(machine.fake, "/log 2\n");
    machine_run(&machine);
    CHECK_SHOWS(machine, "\n OK: REPL ready (no model). Type /help level=info seq=5");
    machine_free(&machine);
}

static const TestCase CASES[] = {TEST(question_is_answered),
                                 TEST(empty_lines_are_no_prompts),
                                 TEST(without_a_model_commands_work),
                                 TEST(broken_model_is_explained_and_another_used),
                                 TEST(defect_31_broken_model_alone_leaves_the_repl),
                                 TEST(model_that_is_not_there_names_the_place),
                                 TEST(bin_without_tokenizer_says_so),
                                 TEST(own_files_are_no_models),
                                 TEST(menu_without_a_person_takes_the_first),
                                 TEST(menu_with_a_person_asks),
                                 TEST(short_memory_shortens_the_context),
                                 TEST(model_larger_than_memory_leaves_the_repl),
                                 TEST(unknown_command_names_the_nearest),
                                 TEST(arguments_are_checked),
                                 TEST(settings_change_at_the_prompt),
                                 TEST(help_is_filtered),
                                 TEST(model_is_described),
                                 TEST(verbose_start_says_more),
                                 TEST(powers_off_and_reboots),
                                 TEST(script_runs_and_switches_off),
                                 TEST(defect_32_script_runs_without_a_model_and_defect_33_its_exit_waits_for_nobody),
                                 TEST(missing_script_does_not_hang),
                                 TEST(script_starts_and_stops_at_the_prompt),
                                 TEST(script_may_start_another),
                                 TEST(script_without_end_can_be_stopped),
                                 TEST(line_too_long_is_one_error),
                                 TEST(prompt_too_long_is_one_error),
                                 TEST(long_conversation_starts_anew),
                                 TEST(escape_stops_an_answer),
                                 TEST(log_shows_events_that_no_parser_counts_twice)};
TEST_MAIN(CASES)
