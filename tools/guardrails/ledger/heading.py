"""The file HEAD: where the chain ends, and which archives hold its oldest lines.

    1200 HASH-OF-LINE-1200
    dropped 1 500 HASH-OF-LINE-500 SHA256-OF-ITS-ARCHIVE
    archived 501 1000 HASH-OF-LINE-1000 SHA256-OF-ITS-ARCHIVE
    sha256 OF-ALL-ABOVE

The last line is there when archives are: nothing else vouches for the hash of an archive that was dropped.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from itertools import pairwise

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger.chain import EMPTY, Head

_COUNT, _HASH = "[0-9]{1,18}", "[0-9a-f]{64}"
_END = re.compile(f"({_COUNT}) ({_HASH})")
_ARCHIVE = re.compile(f"(archived|dropped) ({_COUNT}) ({_COUNT}) ({_HASH}) ({_HASH})")


@dataclass(frozen=True)
class Archive:
    """Lines in a row that were moved out of the live file."""

    first: int
    end: Head
    sha256: str
    """Of its file."""
    is_dropped: bool = False
    """It was deleted on request; what is known of it stays."""

    @property
    def name(self) -> str:
        """Of its file, beside HEAD."""
        return archive_name(self.first, self.end.lines)

    def dropped(self) -> Archive:
        return replace(self, is_dropped=True)

    def to_text(self) -> str:
        word = "dropped" if self.is_dropped else "archived"
        return f"{word} {self.first} {self.end.lines} {self.end.sha256} {self.sha256}\n"


def archive_name(first: int, last: int) -> str:
    return f"{first:06d}-{last:06d}.jsonl.xz"


@dataclass(frozen=True)
class Heading:
    """What HEAD says."""

    end: Head
    archives: tuple[Archive, ...] = ()
    """Oldest first and without a gap from line 1 on; those that were dropped are the oldest."""

    @property
    def kept(self) -> tuple[Archive, ...]:
        return tuple(each for each in self.archives if not each.is_dropped)

    @property
    def boundaries(self) -> tuple[Head, ...]:
        """The heads between which the archives are; the live lines begin after the last of them."""
        return (EMPTY, *(each.end for each in self.archives))

    def to_text(self) -> str:
        text = self.end.to_text() + "".join(each.to_text() for each in self.archives)
        return text + _own_hash(text) if self.archives else text


def _own_hash(text: str) -> str:
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n"


def parse_heading(text: str) -> Heading:
    """What the file says. Raises LedgerError, which says what it should have been."""
    end, *rows = text.split("\n")
    match = _END.fullmatch(end)
    if match is None or not rows:
        raise LedgerError(f"expected a count and a hash, found {text[:80]!r}")
    heading = Heading(_head(match[1], match[2]), tuple(_archive(row) for row in rows[:-2]))
    if heading.to_text() != text:
        raise LedgerError("expected the sha256 of its own lines as the last one: it was edited")
    _check_order(heading)
    return heading


def _head(lines: str, sha256: str) -> Head:
    return Head(int(lines), sha256)


def _archive(row: str) -> Archive:
    match = _ARCHIVE.fullmatch(row)
    if match is None:
        raise LedgerError(f"expected an archive, found {row[:80]!r}")
    return Archive(int(match[2]), _head(match[3], match[4]), match[5], match[1] == "dropped")


def _check_order(heading: Heading) -> None:
    last = 0
    for archive in heading.archives:
        if archive.first != last + 1 or archive.end.lines < archive.first:
            raise LedgerError(f"expected an archive from run {last + 1} on, found {archive.name}")
        last = archive.end.lines
    if any(later.is_dropped > before.is_dropped for before, later in pairwise(heading.archives)):
        raise LedgerError("expected dropped archives to be the oldest")
    if heading.archives and heading.end.lines <= last:
        raise LedgerError(f"expected more than the {last} runs of its archives")
