#include "firmware/kernels/cpu.h"

#include "firmware/testing/check.h"

/** The compiler's own detection (libgcc or compiler-rt) is the judge; it too asks XCR0. */
static void features_agree_with_the_compiler(void) {
    CpuFeatures cpu = cpu_detect();
    CHECK_U64(cpu.sse2, !!__builtin_cpu_supports("sse2"));
    CHECK_U64(cpu.ssse3, !!__builtin_cpu_supports("ssse3"));
    CHECK_U64(cpu.sse41, !!__builtin_cpu_supports("sse4.1"));
    CHECK_U64(cpu.avx, !!__builtin_cpu_supports("avx"));
    CHECK_U64(cpu.avx2, !!__builtin_cpu_supports("avx2"));
    CHECK_U64(cpu.fma, !!__builtin_cpu_supports("fma"));
    CHECK_U64(cpu.avx512f, !!__builtin_cpu_supports("avx512f"));
    CHECK_U64(cpu.avx512vnni, !!__builtin_cpu_supports("avx512vnni"));
}

static void names_are_text(void) {
    CpuFeatures cpu = cpu_detect();
    for (const char *c = cpu.brand; *c; c++) CHECK(*c >= ' ' && *c <= '~');
    CHECK(cpu.brand[sizeof cpu.brand - 1] == 0);
    CHECK((cpu.hypervisor_name[0] != 0) <= cpu.hypervisor);
}

static void cycles_advance(void) {
    u64 before = cpu_cycles();
    CHECK(cpu_cycles() > before);
}

static const TestCase CASES[] = {TEST(features_agree_with_the_compiler), TEST(names_are_text), TEST(cycles_advance)};
TEST_MAIN(CASES)
