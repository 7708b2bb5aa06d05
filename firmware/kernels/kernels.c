#include "firmware/kernels/kernels.h"

#include "firmware/kernels/avx2.h"
#include "firmware/kernels/sets.h"

static bool runs_anywhere(CpuFeatures cpu) { return cpu.sse2; }
static bool runs_avx2(CpuFeatures cpu) { return cpu.avx2 && cpu.fma && cpu.f16c; }

/** Best first; a new instruction set is a row here. */
static const struct {
    const Kernels *kernels;
    bool (*runs)(CpuFeatures cpu);
} SETS[] = {
    {&kernels_avx2, runs_avx2},
    {&kernels_scalar, runs_anywhere},
};

const Kernels *kernels_choose(CpuFeatures cpu) {
    for (usize i = 0; i < COUNT_OF(SETS); i++)
        if (SETS[i].runs(cpu)) return SETS[i].kernels;
    return &kernels_scalar;
}

const Kernels *kernels_by_name(const char *name) {
    CpuFeatures cpu = cpu_detect();
    for (usize i = 0; i < COUNT_OF(SETS); i++) {
        bool named = str_eq(str_from_c(name), str_from_c(SETS[i].kernels->name));
        if (named && SETS[i].runs(cpu)) return SETS[i].kernels;
    }
    return NULL;
}

usize kernels_scratch_bytes(u32 cols, u32 count) { return avx2_scratch_bytes(cols, count); }
