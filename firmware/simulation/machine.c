#include "firmware/simulation/machine.h"

#include "firmware/base/mem.h"

static u64 tick(void *context) { return ++((Machine *)context)->clock_us; }

static u64 cycles(void *context) { return tick(context) * 1000; }

static u64 much_memory(void *context) {
    (void)context;
    return (u64)1 << 32;
}

static bool open_file(void *context, Str path, File **file, u64 *size, Error *error) {
    return memory_open(&((Machine *)context)->volume, path, file, size, error);
}

static bool read_file(void *context, File *file, u64 offset, void *to, usize bytes, Error *error) {
    return memory_read(&((Machine *)context)->volume, file, offset, to, bytes, error);
}

static void close_file(void *context, File *file) { memory_close(&((Machine *)context)->volume, file); }

static bool write_file(void *context, Str path, Str data, Error *error) {
    return memory_write(&((Machine *)context)->volume, path, data, error);
}

static bool write_file_at(void *context, Str path, u64 offset, Str data, Error *error) {
    return memory_write_at(&((Machine *)context)->volume, path, offset, data, error);
}

static bool list_folder(void *context, Str path, DirVisitor *visit, void *argument, Error *error) {
    return memory_list(&((Machine *)context)->volume, path, visit, argument, error);
}

/** The console of every machine is that of the host. */
static const Platform *console;

static void write_console(void *context, Str text) {
    (void)context;
    console->console_write(console->context, text);
}

void machine_init(Machine *machine, const Platform *host) {
    memset(machine, 0, sizeof(*machine));
    console = host;
    machine->platform = (Platform){.context = machine,
                                   .name = "simulation",
                                   .pages = host->pages,
                                   .memory_free = much_memory,
                                   .now_us = tick,
                                   .cycles = cycles,
                                   .cycles_hz = 1000000000,
                                   .console_write = write_console,
                                   .file_open = open_file,
                                   .file_read = read_file,
                                   .file_close = close_file,
                                   .file_write = write_file,
                                   .file_write_at = write_file_at,
                                   .dir_list = list_folder};
    memory_volume_init(&machine->volume, host->pages);
}
