"""A ledger on disk: `runs.jsonl`, and `HEAD`, which says how many lines there are and the hash of the last."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger.chain import EMPTY, Break, Head, follow
from tools.guardrails.ledger.record import RunRecord

RUNS, HEAD, LOCK = "runs.jsonl", "HEAD", ".lock"


@dataclass(frozen=True)
class Ledger:
    """A ledger whose chain holds: its lines as bytes, oldest first, parsed only where they are asked for."""

    lines: tuple[bytes, ...]
    head: Head

    def newest_first(self) -> Iterator[RunRecord]:
        """The records from the newest on. Raises LedgerError at one that this version cannot read."""
        for number in range(len(self.lines), 0, -1):
            yield _parse(number, self.lines[number - 1])


NONE = Ledger((), EMPTY)


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
    lines, head = _lines(folder), _head(folder)
    found = follow(lines)
    if isinstance(found, Break):
        raise LedgerError(
            f"{folder / RUNS}:{found.line}: {found.says}: a line was edited, removed or moved. {_REMEDY}"
        )
    if found != head:
        raise LedgerError(
            f"{folder / HEAD}: expected {found.lines} lines up to {found.sha256[:12]}…, "
            f"found {head.lines} up to {head.sha256[:12]}…: lines were added or removed at the end. {_REMEDY}"
        )
    return Ledger(lines, found)


_REMEDY = "Take it back from version control."


def _lines(folder: Path) -> tuple[bytes, ...]:
    try:
        content = (folder / RUNS).read_bytes()
    except OSError as error:
        raise LedgerError(f"{folder / RUNS}: {error.strerror}. {_REMEDY}") from error
    if content and not content.endswith(b"\n"):
        raise LedgerError(f"{folder / RUNS}: the last line has no end: it was cut off. {_REMEDY}")
    return tuple(content.split(b"\n")[:-1])


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
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def append(folder: Path, make: Callable[[Head], RunRecord]) -> RunRecord:
    """Appends the record that `make` gives for the head it is to follow. Waits for another writer.

    Both files are replaced whole, the lines first: whatever happens between, the next append puts HEAD right, for it
    is only ever one line behind. Raises LedgerError; then nothing was changed.
    """
    with _locked(folder):
        ledger = _read_for_append(folder)
        record = make(ledger.head)
        line = record.to_line()
        head = follow((*ledger.lines, line))
        if isinstance(head, Break) or record.sequence != head.lines:
            raise LedgerError(
                f"{folder}: a record of sequence {record.sequence} does not follow {ledger.head.lines} lines"
            )
        _replace(folder / RUNS, b"".join(each + b"\n" for each in (*ledger.lines, line)))
        _replace(folder / HEAD, head.to_text().encode())
        return record


def _read_for_append(folder: Path) -> Ledger:
    """The ledger; with HEAD put right when a writer ended between the two files."""
    try:
        return read(folder)
    except LedgerError:
        lines = _lines(folder)
        before = follow(lines[:-1])
        if not isinstance(follow(lines), Head) or before != _head_or_empty(folder):
            raise
        head = follow(lines)
        assert isinstance(head, Head)
        _replace(folder / HEAD, head.to_text().encode())
        return Ledger(lines, head)


def _head_or_empty(folder: Path) -> Head:
    return _head(folder) if (folder / HEAD).exists() else EMPTY


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
