/* One clock: the time-stamp counter, in microseconds since the program started. */
#include "firmware/platform/uefi/machine.h"
#include "firmware/platform/uefi/uefi.h"

enum { CPUID_LEAF_MAX = 0, CPUID_LEAF_TSC = 0x15, CALIBRATION_US = 20000 };

/** Intel SDM volume 2, CPUID leaf 0x15: ECX is the crystal in Hz, EBX/EAX the counter's ratio to it; 0 is unstated. */
static u64 stated_hz(void) {
    if (cpuid(CPUID_LEAF_MAX, 0).eax < CPUID_LEAF_TSC) return 0;
    CpuidRegisters tsc = cpuid(CPUID_LEAF_TSC, 0);
    return tsc.eax == 0 ? 0 : (u64)tsc.ecx * tsc.ebx / tsc.eax;
}

static u64 measured_hz(EfiBootServices *boot) {
    u64 before = time_stamp();
    boot->stall(CALIBRATION_US);
    u64 cycles = time_stamp() - before;
    return cycles * (1000000 / CALIBRATION_US);
}

Clock clock_start(EfiBootServices *boot) {
    u64 start = time_stamp();
    u64 hz = stated_hz();
    if (hz == 0) hz = measured_hz(boot);
    return (Clock){.start = start, .hz = hz == 0 ? 1 : hz};
}

u64 clock_cycles(void *uefi) { return time_stamp() - ((const Uefi *)uefi)->clock.start; }

u64 clock_now_us(void *uefi) {
    u64 cycles = clock_cycles(uefi), hz = ((const Uefi *)uefi)->clock.hz;
    return cycles / hz * 1000000 + cycles % hz * 1000000 / hz;
}
