/* Linux x86-64 system calls without a C library. Each returns what the kernel returns: negative errno on failure. */
#ifndef FIRMWARE_PLATFORM_HOST_SYSCALL_H
#define FIRMWARE_PLATFORM_HOST_SYSCALL_H

#include "firmware/base/types.h"

/* Numbers of the x86-64 ABI (arch/x86/entry/syscalls/syscall_64.tbl). */
enum {
    SYS_READ = 0,
    SYS_WRITE = 1,
    SYS_CLOSE = 3,
    SYS_FSTAT = 5,
    SYS_POLL = 7,
    SYS_MMAP = 9,
    SYS_MUNMAP = 11,
    SYS_RT_SIGACTION = 13,
    SYS_IOCTL = 16,
    SYS_PREAD64 = 17,
    SYS_PWRITE64 = 18,
    SYS_MADVISE = 28,
    SYS_FSYNC = 74,
    SYS_GETDENTS64 = 217,
    SYS_CLOCK_GETTIME = 228,
    SYS_EXIT_GROUP = 231,
    SYS_OPENAT = 257,
    SYS_NEWFSTATAT = 262,
    SYS_UNLINKAT = 263,
    SYS_RENAMEAT = 264,
};

enum { ERRNO_NOENT = 2, ERRNO_INTR = 4, ERRNO_NOTDIR = 20, ERRNO_ISDIR = 21, ERRNO_NOSPC = 28, ERRNO_ROFS = 30 };
enum { ERRNO_PERM = 1, ERRNO_ACCES = 13 };
enum { AT_FDCWD = -100 };
enum { O_RDONLY = 0, O_WRONLY = 01, O_CREAT = 0100, O_TRUNC = 01000, O_DIRECTORY = 0200000, O_CLOEXEC = 02000000 };
enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22, MADV_HUGEPAGE = 14 };
enum { CLOCK_MONOTONIC = 1 };
enum { S_IFMT = 0170000, S_IFDIR = 0040000 };

/** struct stat of the x86-64 ABI, as far as it is read. */
typedef struct KernelStat {
    u64 device, inode, links;
    u32 mode, uid, gid, pad;
    u64 rdevice;
    i64 size, block_size, blocks;
    i64 times[6];
    i64 unused[3];
} KernelStat;

typedef struct KernelTime {
    i64 seconds;
    i64 nanoseconds;
} KernelTime;

static inline i64 sys_call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
    register i64 r10 __asm__("r10") = d;
    register i64 r8 __asm__("r8") = e;
    register i64 r9 __asm__("r9") = f;
    i64 result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline i64 sys_read(i32 fd, void *to, usize bytes) {
    return sys_call(SYS_READ, fd, (i64)to, (i64)bytes, 0, 0, 0);
}
static inline i64 sys_write(i32 fd, const void *from, usize bytes) {
    return sys_call(SYS_WRITE, fd, (i64)from, (i64)bytes, 0, 0, 0);
}
static inline i64 sys_pread(i32 fd, void *to, usize bytes, u64 offset) {
    return sys_call(SYS_PREAD64, fd, (i64)to, (i64)bytes, (i64)offset, 0, 0);
}
static inline i64 sys_pwrite(i32 fd, const void *from, usize bytes, u64 offset) {
    return sys_call(SYS_PWRITE64, fd, (i64)from, (i64)bytes, (i64)offset, 0, 0);
}
static inline i64 sys_openat(i32 folder, const char *path, i32 flags, u32 mode) {
    return sys_call(SYS_OPENAT, folder, (i64)path, flags, mode, 0, 0);
}
static inline i64 sys_close(i32 fd) { return sys_call(SYS_CLOSE, fd, 0, 0, 0, 0, 0); }
static inline i64 sys_fsync(i32 fd) { return sys_call(SYS_FSYNC, fd, 0, 0, 0, 0, 0); }
static inline i64 sys_fstat(i32 fd, KernelStat *stat) { return sys_call(SYS_FSTAT, fd, (i64)stat, 0, 0, 0, 0); }
static inline i64 sys_fstatat(i32 folder, const char *path, KernelStat *stat) {
    return sys_call(SYS_NEWFSTATAT, folder, (i64)path, (i64)stat, 0, 0, 0);
}
static inline i64 sys_renameat(i32 folder, const char *from, const char *to) {
    return sys_call(SYS_RENAMEAT, folder, (i64)from, folder, (i64)to, 0, 0);
}
static inline i64 sys_unlinkat(i32 folder, const char *path) {
    return sys_call(SYS_UNLINKAT, folder, (i64)path, 0, 0, 0, 0);
}
static inline i64 sys_getdents(i32 fd, void *to, usize bytes) {
    return sys_call(SYS_GETDENTS64, fd, (i64)to, (i64)bytes, 0, 0, 0);
}
static inline i64 sys_mmap(usize bytes) {
    return sys_call(SYS_MMAP, 0, (i64)bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
}
static inline i64 sys_madvise(void *memory, usize bytes, i32 advice) {
    return sys_call(SYS_MADVISE, (i64)memory, (i64)bytes, advice, 0, 0, 0);
}
static inline i64 sys_munmap(void *memory, usize bytes) {
    return sys_call(SYS_MUNMAP, (i64)memory, (i64)bytes, 0, 0, 0, 0);
}
static inline i64 sys_clock_gettime(i32 clock, KernelTime *time) {
    return sys_call(SYS_CLOCK_GETTIME, clock, (i64)time, 0, 0, 0, 0);
}
static inline i64 sys_ioctl(i32 fd, u64 request, void *argument) {
    return sys_call(SYS_IOCTL, fd, (i64)request, (i64)argument, 0, 0, 0);
}
static inline _Noreturn void sys_exit(u32 code) {
    for (;;) sys_call(SYS_EXIT_GROUP, (i64)code, 0, 0, 0, 0, 0);
}

#endif
