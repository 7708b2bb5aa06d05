#include "firmware/testing/machine.h"

Machine machine_with(const Chain *chain, u32 context) {
    return (Machine){fake_platform_new(), chain_model(chain, context), chain_tokenizer()};
}

Machine machine_new(void) {
    Chain chain = chain_new();
    chain_follow(&chain, "?abc");
    return machine_with(&chain, 128);
}

void machine_free(Machine *machine) {
    fake_platform_free(machine->fake);
    free((void *)machine->model.data);
    free((void *)machine->tokenizer.data);
}

void machine_add_model(Machine *machine, const char *path) { fake_add_file(machine->fake, path, machine->model); }

void machine_add_usual(Machine *machine, const char *more) {
    static char config[4096]; /* of the last machine */
    int len = snprintf(config, sizeof(config),
                       "chat_format=raw\ntemp=0\nrepeat=1\nnorepeat=0\nboot_logo=0\nstop_nl=1\n%s", more);
    machine_add_model(machine, "models/chain.bin");
    fake_add_file(machine->fake, "models/tokenizer.bin", machine->tokenizer);
    fake_add_file(machine->fake, "repl.cfg", (Str){config, (usize)len});
}

ReplEnd machine_run(Machine *machine) {
    static const BootOptions OPTIONS = {.build_id = 0xC0FFEE};
    if (setjmp(machine->fake->ended)) return REPL_END_EXIT;
    return repl_main(&machine->fake->platform, &OPTIONS);
}

ReplEnd machine_boot(Machine *machine, const char *keys) {
    FakePlatform *fake = machine->fake;
    fake->output_len = fake->keys_read = fake->key_count = 0;
    fake->is_off = fake->was_rebooted = false;
    fake_type(fake, keys);
    return machine_run(machine);
}
