#include "firmware/platform/host/host.h"

#include "firmware/base/mem.h"
#include "firmware/platform/host/files.h"
#include "firmware/platform/host/syscall.h"

enum { STDOUT = 1 };
enum { PAGE_BYTES = 4096, NANOSECONDS = 1000000000 };

/** MemAvailable of /proc/meminfo: what can be had without swapping. All there is when the kernel does not say. */
static u64 memory_free(void *context) {
    (void)context;
    char text[1024];
    i64 fd = sys_openat(AT_FDCWD, "/proc/meminfo", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return UINT64_MAX;
    i64 len = sys_read((i32)fd, text, sizeof(text));
    sys_close((i32)fd);
    Str rest = {text, len > 0 ? (usize)len : 0};
    rest = str_skip(rest, str_find(rest, STR("MemAvailable:")) + sizeof("MemAvailable:") - 1);
    Str line = str_trim(str_cut(&rest, '\n'));
    u64 kibibytes;
    return str_to_u64(str_cut(&line, ' '), &kibibytes) ? kibibytes * 1024 : UINT64_MAX;
}

static void *pages_alloc(void *context, usize bytes) {
    if (bytes > memory_free(context)) return NULL; /* the kernel would promise it, and end the program later */
    i64 address = sys_mmap(bytes);
    if (address < 0 && address > -PAGE_BYTES) return NULL;
    sys_madvise((void *)address, bytes, MADV_HUGEPAGE); /* weights then stream half as fast again; a wish, may fail */
    return (void *)address;
}

static void pages_free(void *context, void *memory, usize bytes) {
    (void)context;
    sys_munmap(memory, bytes);
}

static u64 monotonic_ns(void) {
    KernelTime time = {0, 0};
    sys_clock_gettime(CLOCK_MONOTONIC, &time);
    return (u64)time.seconds * NANOSECONDS + (u64)time.nanoseconds;
}

static u64 now_ns(void *context) { return monotonic_ns() - ((const Host *)context)->start_ns; }

static u64 now_us(void *context) { return now_ns(context) / 1000; }

void host_write(i32 fd, Str text) {
    while (text.len > 0) {
        i64 written = sys_write(fd, text.data, text.len);
        if (written == -ERRNO_INTR) continue;
        if (written <= 0) return;
        text = str_skip(text, (usize)written);
    }
}

static void console_write(void *context, Str text) {
    (void)context;
    host_write(STDOUT, text);
}

static i32 key_read(void *context, u32 timeout_ms) {
    Host *host = context;
    return terminal_key(&host->terminal, timeout_ms);
}

static void leave(void *context, u32 code) {
    host_end(context);
    sys_exit(code);
}

static void reboot(void *context) { leave(context, HOST_EXIT_REBOOT); }

bool host_init(Host *host, Str volume, Platform *platform, Error *error) {
    *host = (Host){.start_ns = monotonic_ns()};
    for (usize i = 0; i < HOST_OPEN_FILES; i++) host->files[i].fd = -1;
    if (!files_open_volume(host, volume, error)) return false;
    *platform = (Platform){.context = host,
                           .name = "host",
                           .pages = {pages_alloc, pages_free, NULL},
                           .memory_free = memory_free,
                           .now_us = now_us,
                           .cycles = now_ns,
                           .cycles_hz = NANOSECONDS,
                           .console_write = console_write,
                           .key_read = key_read,
                           .file_open = files_open,
                           .file_read = files_read,
                           .file_close = files_close,
                           .file_write = files_write,
                           .file_write_at = files_write_at,
                           .dir_list = files_list,
                           .power_off = leave,
                           .reboot = reboot};
    return true;
}

void host_end(Host *host) { terminal_restore(&host->terminal); }
