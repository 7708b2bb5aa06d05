/* CPUID leaves and XCR0 bits as in the Intel SDM, volume 2A (CPUID) and volume 1, chapter 13 (XSAVE state). */
#include "firmware/kernels/cpu.h"

#include "firmware/base/mem.h"

typedef struct Registers {
    u32 eax, ebx, ecx, edx;
} Registers;

static Registers cpuid(u32 leaf, u32 subleaf) {
    Registers r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

/** XCR0: which register states the operating system (or the firmware before us) has enabled. */
static u64 enabled_states(void) {
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (u64)high << 32 | low;
}

static bool bit(u32 word, u32 index) { return word >> index & 1; }

enum {
    STATE_AVX = 0x06,    /* SSE and the upper halves of YMM */
    STATE_AVX512 = 0xE6, /* those, mask registers and ZMM */
};

static void read_features(u32 last_leaf, CpuFeatures *cpu) {
    Registers one = cpuid(1, 0);
    bool xsave_on = bit(one.ecx, 27);
    u64 states = xsave_on ? enabled_states() : 0;
    bool ymm = (states & STATE_AVX) == STATE_AVX;
    bool zmm = (states & STATE_AVX512) == STATE_AVX512;
    Registers seven = last_leaf >= 7 ? cpuid(7, 0) : (Registers){0};
    Registers seven_one = seven.eax >= 1 ? cpuid(7, 1) : (Registers){0};

    cpu->sse2 = bit(one.edx, 26);
    cpu->ssse3 = bit(one.ecx, 9);
    cpu->sse41 = bit(one.ecx, 19);
    cpu->avx = ymm && bit(one.ecx, 28);
    cpu->f16c = ymm && bit(one.ecx, 29);
    cpu->fma = ymm && bit(one.ecx, 12);
    cpu->avx2 = ymm && bit(seven.ebx, 5);
    cpu->avx_vnni = ymm && bit(seven_one.eax, 4);
    cpu->avx512f = zmm && bit(seven.ebx, 16);
    cpu->avx512vnni = zmm && bit(seven.ecx, 11);
    cpu->hypervisor = bit(one.ecx, 31);
}

static void read_brand(CpuFeatures *cpu) {
    if (cpuid(0x80000000, 0).eax < 0x80000004) return;
    for (u32 i = 0; i < 3; i++) {
        Registers part = cpuid(0x80000002 + i, 0);
        memcpy(cpu->brand + 16 * i, &part, 16);
    }
}

static void read_hypervisor(CpuFeatures *cpu) {
    Registers leaf = cpuid(0x40000000, 0);
    memcpy(cpu->hypervisor_name, &leaf.ebx, 12); /* ebx, ecx, edx spell the name */
}

CpuFeatures cpu_detect(void) {
    CpuFeatures cpu = {0};
    read_features(cpuid(0, 0).eax, &cpu);
    read_brand(&cpu);
    if (cpu.hypervisor) read_hypervisor(&cpu);
    return cpu;
}

u64 cpu_cycles(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}
