/* Instructions of the x86-64 processor that C has no word for. */
#ifndef FIRMWARE_PLATFORM_UEFI_MACHINE_H
#define FIRMWARE_PLATFORM_UEFI_MACHINE_H

#include "firmware/base/types.h"

typedef struct CpuidRegisters {
    u32 eax, ebx, ecx, edx;
} CpuidRegisters;

static inline CpuidRegisters cpuid(u32 leaf, u32 subleaf) {
    CpuidRegisters r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

/** Cycles of the time-stamp counter, not before every earlier load is done. */
static inline u64 time_stamp(void) {
    u32 low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

static inline u8 port_read8(u16 port) {
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void port_write32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }

static inline u64 control_register4(void) {
    u64 value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void set_control_register4(u64 value) { __asm__ volatile("mov %0, %%cr4" : : "r"(value)); }

static inline u64 extended_control_register0(void) {
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (u64)high << 32 | low;
}

static inline void set_extended_control_register0(u64 value) {
    __asm__ volatile("xsetbv" : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(0));
}

#endif
