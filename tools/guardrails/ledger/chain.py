"""The chain of lines: each begins with the SHA-256 of the line before it, and HEAD has that of the last.

Checking needs no parsing, so that a ledger of any length is checked whole before any of it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

ROOT = "0" * 64
"""What the first line of all names as the one before it."""

REMEDY = "Take it back from version control."
"""What is to be done where a ledger is not as it was written."""

_PREFIX = b'{"previous":"'
_HEX = len(ROOT)


@dataclass(frozen=True)
class Head:
    """The end of a chain."""

    lines: int
    sha256: str

    def to_text(self) -> str:
        return f"{self.lines} {self.sha256}\n"


EMPTY = Head(0, ROOT)


@dataclass(frozen=True)
class Break:
    """The first line that does not follow from the one before it."""

    line: int
    """Counted from 1 in the lines that were followed."""
    says: str


def digest(line: bytes) -> str:
    """The hash by which the next line names this one."""
    return hashlib.sha256(line).hexdigest()


def named_previous(line: bytes) -> str | None:
    """The hash that a line names as the one before it; None when it names none."""
    if not line.startswith(_PREFIX):
        return None
    named = line[len(_PREFIX) : len(_PREFIX) + _HEX]
    return named.decode("ascii", errors="replace") if len(named) == _HEX else None


def follow(lines: Iterable[bytes], after: Head = EMPTY) -> Head | Break:
    """The head that the lines lead to from the one before them, or the first of them at which the chain breaks."""
    number, expected = 0, after.sha256
    for number, line in enumerate(lines, start=1):
        named = named_previous(line)
        if named is None:
            return Break(number, f"expected a record, found {line[:60]!r}")
        if named != expected:
            return Break(
                number,
                f"expected the line before it to be {expected[:12]}…, it names {named[:12]}…",
            )
        expected = digest(line)
    return Head(after.lines + number, expected)
