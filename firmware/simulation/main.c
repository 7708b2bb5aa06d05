/* Reads histories on standard input until it ends. */
#include "firmware/platform/host/main.h"
#include "firmware/base/mem.h"
#include "firmware/platform/host/host.h"
#include "firmware/platform/host/syscall.h"
#include "firmware/simulation/commands.h"

enum { STDIN = 0, STDOUT = 1, STDERR = 2, LINE_BYTES = 4096, OUTPUT_BYTES = 64 * 1024 };

/** Output is handed on a command at a time; a write is at most a line of 1 KiB. */
static struct {
    char bytes[OUTPUT_BYTES];
    usize len;
} output;

static void flush(void) {
    host_write(STDOUT, (Str){output.bytes, output.len});
    output.len = 0;
}

static void write_output(void *context, Str text) {
    (void)context;
    if (output.len + text.len > sizeof(output.bytes)) flush();
    memcpy(output.bytes + output.len, text.data, text.len);
    output.len += text.len;
}

static bool run_line(Machine *machine, Str line) {
    bool is_known = simulation_run(machine, line);
    if (is_known) {
        simulation_show(machine);
    } else {
        host_write(STDERR, STR("organism_sim: no such command: "));
        host_write(STDERR, str_take(line, 80));
        host_write(STDERR, STR("\n"));
    }
    flush();
    return is_known;
}

/** Runs every whole line of `bytes`; what is left of a last one moves to the front. */
static bool run_lines(Machine *machine, char *bytes, usize *len) {
    Str rest = {bytes, *len};
    while (str_find_byte(rest, '\n') < rest.len) {
        if (!run_line(machine, str_cut(&rest, '\n'))) return false;
    }
    memmove(bytes, rest.data, rest.len);
    *len = rest.len;
    return true;
}

static u32 run_input(Machine *machine) {
    static char bytes[LINE_BYTES];
    usize len = 0;
    for (;;) {
        i64 got = sys_read(STDIN, bytes + len, sizeof(bytes) - len);
        if (got == -ERRNO_INTR) continue;
        if (got <= 0) return len == 0 ? 0 : HOST_EXIT_USAGE;
        len += (usize)got;
        if (!run_lines(machine, bytes, &len)) return HOST_EXIT_USAGE;
        if (len == sizeof(bytes)) return HOST_EXIT_USAGE; /* a line longer than any command */
    }
}

u32 host_main(i32 count, char *const *arguments, u32 build_id) {
    static Host host;
    static Machine machine;
    Platform platform;
    Error error;
    (void)count, (void)arguments, (void)build_id;
    if (!host_init(&host, STR("."), &platform, &error)) return HOST_EXIT_FAILURE;
    platform.console_write = write_output;
    machine_init(&machine, &platform);
    return run_input(&machine);
}
