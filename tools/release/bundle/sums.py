"""SHA256SUMS: what `sha256sum` writes and `sha256sum -c` reads, sorted by name, for plain names only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tools.release.bundle.names import is_plain

_LINE = re.compile(r"([0-9a-f]{64})  (.+)", re.ASCII)


class Fault(StrEnum):
    """What can be wrong with a line."""

    MALFORMED = "malformed"
    UNSORTED = "unsorted"
    DUPLICATE = "duplicate"
    PATH = "path"


@dataclass(frozen=True)
class Sums:
    """The digests by name, and each fault with its line: (fault, what was found)."""

    digests: Mapping[str, str]
    faults: tuple[tuple[Fault, str], ...]


def encode(digests: Mapping[str, str]) -> bytes:
    """The file for these digests."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode("ascii")


def decode(content: bytes) -> Sums:
    """Whatever can be understood of a file; never raises."""
    digests: dict[str, str] = {}
    faults: list[tuple[Fault, str]] = []
    *lines, rest = content.decode("utf-8", errors="replace").split("\n")
    if rest or not lines:
        faults.append(
            (Fault.MALFORMED, "the last line has no end" if rest else "the file is empty")
        )
    before = ""
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            faults.append((Fault.MALFORMED, f"line {number} is {line[:100]!r}"))
            continue
        digest, name = match.groups()
        if not is_plain(name):
            faults.append((Fault.PATH, f"line {number} names {name[:100]!r}"))
            continue
        if name in digests:
            faults.append((Fault.DUPLICATE, f"line {number} names {name} again"))
            continue
        if name < before:
            faults.append((Fault.UNSORTED, f"line {number}: {name} comes after {before}"))
        digests[name], before = digest, name
    return Sums(digests, tuple(faults))
