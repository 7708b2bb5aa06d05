"""A ledger on disk: `runs.jsonl` with the newest lines, archives of older ones, and `HEAD`, which vouches for both."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import archives, disk
from tools.guardrails.ledger.chain import (
    EMPTY,
    REMEDY,
    Break,
    Head,
    digest,
    follow,
    named_previous,
)
from tools.guardrails.ledger.heading import Heading, parse_heading
from tools.guardrails.ledger.record import RunRecord

RUNS, HEAD = "runs.jsonl", "HEAD"


@dataclass(frozen=True)
class Live:
    """The lines of runs.jsonl that are in no archive. They stay on disk; each is read when it is asked for."""

    path: Path
    after: Head
    """The line before the first of them."""
    offsets: Sequence[int]
    """Where each begins, and where the last one ends."""
    passed: int = 0
    """Lines of the file that are before them, because they are in an archive, too."""

    @property
    def first(self) -> int:
        return self.after.lines + 1

    def lines(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """Some of them, without their LFs."""
        with self.path.open("rb") as file:
            for number in numbers:
                start, end = self.offsets[number - self.first : number - self.first + 2]
                file.seek(start)
                yield file.read(end - start - 1)

    def place(self, number: int) -> str:
        return f"{self.path}:{number - self.after.lines + self.passed}"


@dataclass(frozen=True)
class Ledger:
    """A ledger whose chain holds."""

    live: Live | None
    heading: Heading

    @property
    def head(self) -> Head:
        return self.heading.end

    def newest_first(self) -> Iterator[RunRecord]:
        """The records from the newest on, those of archives too, up to what was dropped. Each is parsed when it is
        asked for. Raises LedgerError at one that this version cannot read."""
        for place, number, line in self.lines_newest_first():
            yield parse(place, number, line)

    def lines_newest_first(self) -> Iterator[tuple[str, int, bytes]]:
        """The lines with where they are and the number of their run."""
        if self.live is None:
            return
        numbers = range(self.head.lines, self.live.after.lines, -1)
        for number, line in zip(numbers, self.live.lines(numbers)):
            yield self.live.place(number), number, line
        for archive in reversed(self.heading.kept):
            path = self.live.path.with_name(archive.name)
            lines = list(archives.lines_of(path))
            for at in range(len(lines), 0, -1):
                yield f"{path}:{at}", archive.first + at - 1, lines[at - 1]


NONE = Ledger(None, Heading(EMPTY))


def parse(place: str, number: int, line: bytes) -> RunRecord:
    """The record that a line of the chain is. Raises LedgerError."""
    try:
        record = RunRecord.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise LedgerError(
            f"{place}: {where or 'content'}: {first['msg']}. The line is as it was written, so another version "
            "wrote it: judge with a checkout of that one or a newer"
        ) from error
    if record.sequence != number:
        raise LedgerError(f"{place}: expected sequence {number}, found {record.sequence}")
    return record


def read(folder: Path) -> Ledger:
    """A ledger; NONE where there is none yet. Raises LedgerError at the first thing that is not as it was written."""
    if not any((folder / name).exists() for name in (RUNS, HEAD)) and not archives.found_in(folder):
        return NONE
    says = read_heading(folder)
    ledger = _follow(folder, says)
    _compare(folder, ledger.head, says.end)
    return ledger


def _compare(folder: Path, found: Head, expected: Head) -> None:
    if found.lines == expected.lines and found != expected:
        raise LedgerError(
            f"{folder / RUNS}: run {found.lines}, its last line, is {found.sha256[:12]}…, and {HEAD} expects "
            f"{expected.sha256[:12]}…: one of them was edited. {REMEDY}"
        )
    if found != expected:
        raise LedgerError(
            f"{folder / HEAD}: expected {found.lines} lines up to {found.sha256[:12]}…, "
            f"found {expected.lines} up to {expected.sha256[:12]}…: lines were added or removed at the end. {REMEDY}"
        )


def _follow(folder: Path, archived: Heading) -> Ledger:
    """The ledger that the lines are, whatever HEAD says of their end.

    Raises LedgerError where their chain breaks, or an archive is not the one that was made.
    """
    for archive in archived.kept:
        archives.check(folder, archive)
    runs = folder / RUNS
    offsets = array("Q", [0])
    try:
        with runs.open("rb") as file:
            begins = _begin(file.readline(), archived)
            file.seek(0)
            lines = _whole_lines(runs, file, offsets)
            passed = archived.boundaries[-1].lines - begins.lines
            after = _reach(runs, islice(lines, passed), begins)
            end = _reach(runs, lines, after, passed)
    except OSError as error:
        raise LedgerError(f"{runs}: {error.strerror}. {REMEDY}") from error
    del offsets[:passed]
    return Ledger(Live(runs, after, offsets, passed), Heading(end, archived.archives))


def _begin(line: bytes, archived: Heading) -> Head:
    """The head that the file follows. A compaction that was interrupted has left lines there that are archived, too."""
    names = named_previous(line)
    matching = [each for each in archived.boundaries if each.sha256 == names]
    return matching[0] if matching else archived.boundaries[-1]


def _reach(runs: Path, lines: Iterable[bytes], after: Head, passed: int = 0) -> Head:
    found = follow(lines, after)
    if isinstance(found, Break):
        raise LedgerError(
            f"{runs}:{passed + found.line}: {found.says}: a line was edited, removed or moved. {REMEDY}"
        )
    return found


def _whole_lines(runs: Path, file: BinaryIO, offsets: array[int]) -> Iterator[bytes]:
    """The lines without their LFs; notes where each ends."""
    for line in file:
        if not line.endswith(b"\n"):
            raise LedgerError(f"{runs}: the last line has no end: it was cut off. {REMEDY}")
        offsets.append(offsets[-1] + len(line))
        yield line[:-1]


def read_heading(folder: Path) -> Heading:
    """What HEAD says. Raises LedgerError."""
    path = folder / HEAD
    try:
        return parse_heading(path.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}. {REMEDY}") from error
    except LedgerError as error:
        raise LedgerError(f"{path}: {error}. {REMEDY}") from error


def append(folder: Path, make: Callable[[Head], RunRecord]) -> RunRecord:
    """Appends the record that `make` gives for the head it is to follow. Waits for another writer.

    The lines are replaced whole, then HEAD is: whatever happens between, the next writer puts HEAD right, for it is
    only ever one line behind. Raises LedgerError; then nothing was changed.
    """
    with disk.locked(folder):
        ledger = read_for_writing(folder)
        record = make(ledger.head)
        line, head = record.to_line(), ledger.head
        if named_previous(line) != head.sha256 or record.sequence != head.lines + 1:
            raise LedgerError(
                f"{folder}: a record of sequence {record.sequence} does not follow {head.lines} lines"
            )
        disk.replace(folder / RUNS, chain(_content(folder / RUNS), [line + b"\n"]))
        end = Head(record.sequence, digest(line))
        write_heading(folder, Heading(end, ledger.heading.archives))
        return record


def _content(runs: Path) -> Iterator[bytes]:
    if runs.exists():
        with runs.open("rb") as file:
            yield from file


def write_heading(folder: Path, heading: Heading) -> None:
    disk.replace(folder / HEAD, [heading.to_text().encode("ascii")])


def read_for_writing(folder: Path) -> Ledger:
    """The ledger; also when a writer ended between the two files, so that HEAD is one line behind."""
    try:
        return read(folder)
    except LedgerError:
        says = read_heading(folder) if (folder / HEAD).exists() else Heading(EMPTY)
        ledger = _follow(folder, says)
        if _before_last(ledger) != says.end:
            raise
        return ledger


def _before_last(ledger: Ledger) -> Head | None:
    """The head that there was before the last line."""
    newest = next(ledger.newest_first(), None)
    return Head(newest.sequence - 1, newest.previous) if newest else None
