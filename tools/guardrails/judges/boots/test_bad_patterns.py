"""Each bad pattern on a line as firmware writes it, and not on lines that people and models write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.judges.boots.bad_patterns import BAD_PATTERNS, find

LINES = (
    ("page_fault", "!!!! X64 Exception Type - 0E(#PF - Page-Fault)  CPU Apic ID - 00000000 !!!!"),
    (
        "double_fault",
        "!!!! X64 Exception Type - 08(#DF - Double Fault)  CPU Apic ID - 00000000 !!!!",
    ),
    (
        "protection_fault",
        "!!!! X64 Exception Type - 0D(#GP - General Protection)  CPU Apic ID - 00000000 !!!!",
    ),
    (
        "invalid_opcode",
        "AI: Paris is!!!! X64 Exception Type - 06(#UD - Invalid Opcode)  CPU Apic ID - 00000000 !!!!",
    ),
    (
        "cpu_exception",
        "!!!! X64 Exception Type - 12(#MC - Machine-Check)  CPU Apic ID - 00000000 !!!!",
    ),
    (
        "cpu_exception",
        "!!!! IA32 Exception Type - 00(#DE - Divide Error)  CPU Apic ID - 00000000 !!!!",
    ),
    ("synchronous_exception", "Synchronous Exception at 0x00000000BF6E2A14"),
    ("no_image_information", "!!!! Can't find image information. !!!!"),
    (
        "firmware_assertion",
        "ASSERT [DxeCore] /build/edk2/MdeModulePkg/Core/Dxe/Mem/Page.c(123): Entry != ((void *) 0)",
    ),
    ("firmware_assertion", "ASSERT_EFI_ERROR (Status = Out of Resources)"),
    ("stack_smashing", "*** stack smashing detected ***: terminated"),
    ("sanitizer", "==42==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000011"),
    ("sanitizer", "firmware/base/str.c:12:3: runtime error: signed integer overflow"),
    ("no_boot_option", "BdsDxe: No bootable option or device was found."),
    ("no_boot_option", 'BdsDxe: failed to load Boot0001 "UEFI Misc Device": Not Found'),
    ("network_boot", ">>Start PXE over IPv4."),
    ("shell", "UEFI Interactive Shell v2.2"),
)

INNOCENT = (
    'BdsDxe: loading Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x1,0x0)',
    'BdsDxe: starting Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x1,0x0)',
    "AI: A page fault is an exception. Assert that the stack is not smashed!!!!",
    "You (autorun): what is a double fault, and what does ASSERT do?",
    "[model] failed path=a code=corrupt error=bad level=error seq=1 t_us=1",
)


@pytest.mark.parametrize(("name", "line"), LINES)
def test_a_bad_line_is_found_where_it_stands(name: str, line: str) -> None:
    (found,) = find(f"first\n{line}\r\nlast\n")
    assert (found.line, found.text, found.bad.name) == (2, line, name)
    assert found.bad.meaning


@pytest.mark.parametrize("line", INNOCENT)
def test_what_people_models_and_firmware_write_is_not(line: str) -> None:
    assert not list(find(line))


def test_every_pattern_has_a_line() -> None:
    assert {name for name, _ in LINES} == {bad.name for bad in BAD_PATTERNS}


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    list(find(text))
