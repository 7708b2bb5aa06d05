/* What the processor offers and the operating state permits (CPUID and XCR0). */
#ifndef FIRMWARE_KERNELS_CPU_H
#define FIRMWARE_KERNELS_CPU_H

#include "firmware/base/types.h"

typedef struct CpuFeatures {
    char brand[49];
    bool sse2, sse41, ssse3, f16c, avx, fma, avx2, avx512f, avx512vnni, avx_vnni;
    bool hypervisor;
    char hypervisor_name[13]; /* "TCGTCGTCGTCG", "KVMKVMKVM", or empty */
} CpuFeatures;

/** A feature is true only when its register state is enabled too. */
CpuFeatures cpu_detect(void);
u64 cpu_cycles(void); /* the time-stamp counter */

#endif
