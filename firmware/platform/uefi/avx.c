/* Vector registers: firmware leaves the processor with SSE alone. Bits: Intel SDM volume 1, section 13. */
#include "firmware/platform/uefi/machine.h"
#include "firmware/platform/uefi/uefi.h"

enum {
    CPUID1_ECX_XSAVE = 1 << 26,
    CPUID1_ECX_AVX = 1 << 28,
    CR4_OSXSAVE = 1 << 18,
    XCR0_X87_SSE_AVX = 0x07,
    XCR0_AVX512 = 0xe0, /* opmask, upper halves of ZMM0-15, ZMM16-31: all three or none */
    CPUID_LEAF_XSAVE = 0x0d,
};

void avx_enable(void) {
    u32 needed = CPUID1_ECX_XSAVE | CPUID1_ECX_AVX;
    if ((cpuid(1, 0).ecx & needed) != needed) return;
    set_control_register4(control_register4() | CR4_OSXSAVE);
    u32 supported = cpuid(CPUID_LEAF_XSAVE, 0).eax; /* bits of XCR0 that may be set */
    u64 wanted = XCR0_X87_SSE_AVX;
    if ((supported & XCR0_AVX512) == XCR0_AVX512) wanted |= XCR0_AVX512;
    set_extended_control_register0(extended_control_register0() | wanted);
}
