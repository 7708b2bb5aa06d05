/* Leaving: through an emulator's debug exit when there is one, else through the firmware. */
#include "firmware/base/mem.h"
#include "firmware/platform/uefi/machine.h"
#include "firmware/platform/uefi/uefi.h"

enum {
    CPUID1_ECX_HYPERVISOR = 1 << 31,
    CPUID_LEAF_HYPERVISOR = 0x40000000,
    DEBUG_EXIT_PORT = 0xf4, /* QEMU's isa-debug-exit as tools/boot places it; a write of n ends QEMU with 2n + 1 */
    DEBUG_EXIT_BASE = 16,   /* added to our codes, so that success is no status that QEMU fails with itself */
};

/** The port is only known to be free of other devices under the two accelerators of QEMU that we run under. */
static bool runs_under_qemu(void) {
    if ((cpuid(1, 0).ecx & (u32)CPUID1_ECX_HYPERVISOR) == 0) return false;
    CpuidRegisters leaf = cpuid(CPUID_LEAF_HYPERVISOR, 0);
    u32 signature[3] = {leaf.ebx, leaf.ecx, leaf.edx};
    return memcmp(signature, "TCGTCGTCGTCG", 12) == 0 || memcmp(signature, "KVMKVMKVM\0\0\0", 12) == 0;
}

void power_off(void *uefi, u32 code) {
    if (runs_under_qemu()) port_write32(DEBUG_EXIT_PORT, DEBUG_EXIT_BASE + code);
    ((Uefi *)uefi)->system->runtime->reset_system(EFI_RESET_SHUTDOWN, code, 0, NULL);
}

void power_reboot(void *uefi) { ((Uefi *)uefi)->system->runtime->reset_system(EFI_RESET_COLD, EFI_SUCCESS, 0, NULL); }
