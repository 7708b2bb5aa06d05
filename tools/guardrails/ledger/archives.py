"""An archive: some of the oldest lines of a ledger as one .xz file, which `xz -dc` shows as they were."""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger.chain import REMEDY
from tools.guardrails.ledger.heading import Archive, archive_name

MOST_LINES = 1000
"""In one archive: what has to be in memory to read a run of it."""

# A run is much like the one before it, and a line has some twenty kilobytes: the window reaches over hundreds of lines.
_FILTERS = ({"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 8 << 20},)
_NAME = re.compile(r"([0-9]{6,18})-([0-9]{6,18})\.jsonl\.xz")


def pack(lines: Iterable[bytes]) -> bytes:
    """The file of an archive; the same bytes from the same lines and liblzma."""
    content = b"".join(line + b"\n" for line in lines)
    return lzma.compress(content, check=lzma.CHECK_SHA256, filters=_FILTERS)


def lines_of(path: Path) -> Iterator[bytes]:
    """Its lines, without their LFs. Raises LedgerError at the first that cannot be had."""
    number = 0
    try:
        with lzma.open(path) as file:
            for number, line in enumerate(file, start=1):
                yield line.removesuffix(b"\n")
    except (OSError, EOFError, lzma.LZMAError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise LedgerError(f"{path}:{number + 1}: {why}. {REMEDY}") from error


def check(folder: Path, archive: Archive) -> None:
    """Raises LedgerError when its file is not the one that was made."""
    path = folder / archive.name
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}. {REMEDY}") from error
    if found != archive.sha256:
        raise LedgerError(
            f"{path}: expected sha256 {archive.sha256[:12]}…, found {found[:12]}…: it was edited. {REMEDY}"
        )


def found_in(folder: Path) -> dict[tuple[int, int], Path]:
    """The files that are named as archives are, by their first and last line."""
    return {
        (first, last): path
        for path in sorted(folder.glob("*.jsonl.xz"))
        if (match := _NAME.fullmatch(path.name))
        and archive_name(first := int(match[1]), last := int(match[2])) == path.name
    }
