#include "firmware/platform/host/main.h"

#include "firmware/platform/host/batch.h"
#include "firmware/repl/commands.h"
#include "firmware/repl/config.h"
#include "firmware/repl/repl.h"

enum { STDOUT = 1, STDERR = 2 };

static void write_out(void *argument, Str text) {
    (void)argument;
    host_write(STDOUT, text);
}

static u32 usage_error(const Error *error) {
    host_write(STDERR, STR("llm_host: "));
    host_write(STDERR, str_from_c(error->message));
    host_write(STDERR, STR("\n"));
    return HOST_EXIT_USAGE;
}

static u32 run_session(Host *host, const Platform *platform, const Options *options, u32 build_id) {
    BootOptions boot = {build_id, options->config, options->settings, options->setting_count};
    terminal_start(&host->terminal);
    u32 code = repl_main(platform, &boot);
    host_end(host);
    return code;
}

u32 host_main(i32 count, char *const *arguments, u32 build_id) {
    Options options;
    Error error;
    Host host;
    Platform platform;
    if (!options_parse(count, arguments, &options, &error)) return usage_error(&error);
    if (options.help) {
        options_help(write_out, NULL);
        return 0;
    }
    if (options.config_example) {
        config_example(write_out, NULL);
        return 0;
    }
    if (options.examples) {
        commands_examples(write_out, NULL);
        return 0;
    }
    Str volume = options.volume.len > 0 ? options.volume : STR(".");
    if (!host_init(&host, volume, &platform, &error)) return usage_error(&error);
    return batch_is_asked(&options) ? batch_run(&platform, &options)
                                    : run_session(&host, &platform, &options, build_id);
}
