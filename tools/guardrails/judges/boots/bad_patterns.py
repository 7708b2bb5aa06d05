"""What no log of a boot may hold: the words of firmware, emulator and C runtime for what went wrong below the program.

A log also holds what people and models say. Each pattern therefore has the whole shape of its message, not one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class BadPattern:
    """One kind of message."""

    name: str
    pattern: re.Pattern[str]
    meaning: str


@dataclass(frozen=True)
class Found:
    """A bad pattern in a log."""

    line: int
    text: str
    bad: BadPattern


def _row(name: str, pattern: str, meaning: str) -> BadPattern:
    return BadPattern(name, re.compile(pattern), meaning)


# Special kinds of exceptions stand before the general one: the first that matches names the message.
BAD_PATTERNS = (
    _row(
        "page_fault",
        r"!!!! X64 Exception Type - 0E\(",
        "the program touched memory that is not mapped",
    ),
    _row(
        "double_fault",
        r"!!!! X64 Exception Type - 08\(",
        "an exception could not be handled: often the stack ran out",
    ),
    _row(
        "protection_fault",
        r"!!!! X64 Exception Type - 0D\(",
        "the program used an address or an instruction that it may not",
    ),
    _row(
        "invalid_opcode",
        r"!!!! X64 Exception Type - 06\(",
        "the processor does not know an instruction of the program",
    ),
    _row(
        "cpu_exception",
        r"!!!! \w+ Exception Type - [0-9A-F]{2}\(",
        "the processor met an exception that nothing handled",
    ),
    _row(
        "synchronous_exception",
        r"Synchronous Exception at 0x[0-9A-Fa-f]+",
        "the processor met an exception that nothing handled",
    ),
    _row(
        "no_image_information",
        r"!!!! Can't find image information\.? !*",
        "the program jumped out of all code",
    ),
    _row(
        "firmware_assertion",
        r"ASSERT(_EFI_ERROR|_RETURN_ERROR)? (\[\w+\] \S+\(\d+\)|\(Status = )",
        "the machine's firmware found itself in a state that cannot be",
    ),
    _row(
        "stack_smashing",
        r"\*\*\* stack smashing detected \*\*\*",
        "a function wrote over the end of its frame",
    ),
    _row(
        "sanitizer",
        r"==\d+==ERROR: \w+Sanitizer: |: runtime error: ",
        "a sanitizer found undefined behaviour",
    ),
    _row(
        "no_boot_option",
        r"BdsDxe: (No bootable option or device was found|failed to (load|start) Boot\d{4})",
        "the machine's firmware did not start the program",
    ),
    _row(
        "network_boot",
        r">>(Start|Checking Media) (PXE|HTTP)",
        "the machine's firmware looked for a system elsewhere: the program did not start, or had ended",
    ),
    _row(
        "shell",
        r"UEFI Interactive Shell v\d",
        "the machine's firmware went on to its shell: the program did not start, or had ended",
    ),
)


def find(text: str) -> Iterator[Found]:
    """Each line of a log that holds a bad pattern, with the first that it holds."""
    for number, line in enumerate(text.split("\n"), start=1):
        bad = next((each for each in BAD_PATTERNS if each.pattern.search(line)), None)
        if bad is not None:
            yield Found(number, line.strip(), bad)
