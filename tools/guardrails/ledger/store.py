"""A ledger on disk: `runs.jsonl`, and `HEAD`, which says how many lines there are and the hash of the last."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger.chain import EMPTY, Break, Head, digest, follow, named_previous
from tools.guardrails.ledger.record import RunRecord

RUNS, HEAD = "runs.jsonl", "HEAD"


@dataclass(frozen=True)
class Ledger:
    """A ledger whose chain holds. Its lines stay on disk; each is parsed when it is asked for."""

    runs: Path | None
    offsets: Sequence[int]
    """Where each line begins, and where the last one ends."""
    head: Head

    def newest_first(self) -> Iterator[RunRecord]:
        """The records from the newest on. Raises LedgerError at one that this version cannot read."""
        if self.runs is None:
            return
        with self.runs.open("rb") as file:
            for number in range(self.head.lines, 0, -1):
                start, end = self.offsets[number - 1 : number + 1]
                file.seek(start)
                yield _parse(number, file.read(end - start - 1))


NONE = Ledger(None, (0,), EMPTY)


def _parse(number: int, line: bytes) -> RunRecord:
    try:
        record = RunRecord.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise LedgerError(f"{RUNS}:{number}: {place or 'content'}: {first['msg']}") from error
    if record.sequence != number:
        raise LedgerError(f"{RUNS}:{number}: expected sequence {number}, found {record.sequence}")
    return record


def read(folder: Path) -> Ledger:
    """A ledger; NONE where there is none yet. Raises LedgerError at the first thing that is not as it was written."""
    if not (folder / RUNS).exists() and not (folder / HEAD).exists():
        return NONE
    ledger, head = _follow(folder), _head(folder)
    if ledger.head != head:
        found = ledger.head
        raise LedgerError(
            f"{folder / HEAD}: expected {found.lines} lines up to {found.sha256[:12]}…, "
            f"found {head.lines} up to {head.sha256[:12]}…: lines were added or removed at the end. {_REMEDY}"
        )
    return ledger


_REMEDY = "Take it back from version control."


def _follow(folder: Path) -> Ledger:
    """The ledger that the lines are, whatever HEAD says. Raises LedgerError where their chain breaks."""
    runs = folder / RUNS
    offsets = array("Q", [0])
    try:
        with runs.open("rb") as file:
            found = follow(_whole_lines(runs, file, offsets))
    except OSError as error:
        raise LedgerError(f"{runs}: {error.strerror}. {_REMEDY}") from error
    if isinstance(found, Break):
        raise LedgerError(
            f"{runs}:{found.line}: {found.says}: a line was edited, removed or moved. {_REMEDY}"
        )
    return Ledger(runs, offsets, found)


def _whole_lines(runs: Path, file: BinaryIO, offsets: array[int]) -> Iterator[bytes]:
    """The lines without their LFs; notes where each ends."""
    for line in file:
        if not line.endswith(b"\n"):
            raise LedgerError(f"{runs}: the last line has no end: it was cut off. {_REMEDY}")
        offsets.append(offsets[-1] + len(line))
        yield line[:-1]


def _head(folder: Path) -> Head:
    try:
        text = (folder / HEAD).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise LedgerError(f"{folder / HEAD}: {error.strerror}. {_REMEDY}") from error
    match = re.fullmatch(r"([0-9]{1,18}) ([0-9a-f]{64})\n", text)
    if match is None:
        raise LedgerError(
            f"{folder / HEAD}: expected a count and a hash, found {text[:80]!r}. {_REMEDY}"
        )
    return Head(int(match[1]), match[2])


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Of the folder itself: no file of it lives as long as it does."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def append(folder: Path, make: Callable[[Head], RunRecord]) -> RunRecord:
    """Appends the record that `make` gives for the head it is to follow. Waits for another writer.

    The lines are replaced whole, then HEAD is: whatever happens between, the next append puts HEAD right, for it is
    only ever one line behind. Raises LedgerError; then nothing was changed.
    """
    with _locked(folder):
        ledger = _read_for_append(folder)
        record = make(ledger.head)
        line, head = record.to_line(), ledger.head
        if named_previous(line) != head.sha256 or record.sequence != head.lines + 1:
            raise LedgerError(
                f"{folder}: a record of sequence {record.sequence} does not follow {head.lines} lines"
            )
        _replace(folder / RUNS, ledger.runs, line + b"\n")
        _replace(folder / HEAD, None, Head(record.sequence, digest(line)).to_text().encode())
        return record


def _read_for_append(folder: Path) -> Ledger:
    """The ledger; also when a writer ended between the two files, so that HEAD is one line behind."""
    try:
        return read(folder)
    except LedgerError:
        ledger = _follow(folder)
        if _before_last(ledger) != (_head(folder) if (folder / HEAD).exists() else EMPTY):
            raise
        return ledger


def _before_last(ledger: Ledger) -> Head:
    """The head that there was before the last line."""
    newest = next(ledger.newest_first(), None)
    return Head(newest.sequence - 1, newest.previous) if newest else EMPTY


def _replace(path: Path, old: Path | None, added: bytes) -> None:
    """Replaces a file at once by the content of `old` and what is added to it."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        if old is not None:
            with old.open("rb") as source:
                shutil.copyfileobj(source, file)
        file.write(added)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
