"""The logs of a volume: two files of lines, used in turn (format: firmware/store/record_log.h)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.markers.table import LogFiles
from tools.oo.crc32c import crc32c
from tools.oo.errors import BadLine, Contradiction, MissingLog

TEXT_MAX = 1059
NUMBER_MAX = 2**64 - 1

_SEALED = re.compile(rb"(event=([1-9][0-9]{0,19}) ([^\n]*)) crc=([0-9a-f]{8})", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One record. Bytes that are no UTF-8 are kept in `text` as surrogates."""

    number: int
    text: str

    def to_bytes(self) -> bytes:
        """The line as it is in a file, with its LF. Raises BadLine for what no log can hold."""
        text = self.text.encode(errors="surrogateescape")
        if not 1 <= self.number <= NUMBER_MAX:
            raise BadLine(f"expected a number from 1 to {NUMBER_MAX}, got {self.number}")
        if len(text) > TEXT_MAX or b"\n" in text:
            raise BadLine(f"expected one line of at most {TEXT_MAX} bytes, got {text!r:.80}")
        sealed = b"event=%d %s" % (self.number, text)
        return b"%s crc=%08x\n" % (sealed, crc32c(sealed))


@dataclass(frozen=True)
class Torn:
    """Bytes of a file that are no whole line."""

    file: int
    """0 for the first file, 1 for the second."""
    offset: int
    data: bytes
    reason: str


@dataclass(frozen=True)
class RecordLog:
    """A log: its whole lines in order of number, and what could not be read, apart."""

    lines: tuple[Line, ...]
    torn: tuple[Torn, ...]

    @property
    def newest(self) -> int:
        """Number of the newest line; 0 when there is none."""
        return self.lines[-1].number if self.lines else 0


def parse_line(data: bytes) -> Line:
    """One line without its LF. Raises BadLine when it is not whole."""
    match = _SEALED.fullmatch(data)
    if match is None:
        raise BadLine("expected 'event=N TEXT crc=XXXXXXXX'")
    sealed, number, text, crc = match.groups()
    if int(number) > NUMBER_MAX:
        raise BadLine(f"expected a number up to {NUMBER_MAX}, found {number.decode()}")
    if int(crc, 16) != crc32c(sealed):
        raise BadLine(f"the checksum is {crc32c(sealed):08x}, the line says {crc.decode()}")
    return Line(int(number), text.decode(errors="surrogateescape"))


def read_log(first: bytes | None, second: bytes | None) -> RecordLog:
    """A log from the content of its two files; None stands for one that is not there.

    Raises:
        MissingLog: neither is there.
        Contradiction: a number has two different texts.
    """
    if first is None and second is None:
        raise MissingLog("expected at least one of the log's two files")
    lines: dict[int, Line] = {}
    torn: list[Torn] = []
    for file, data in enumerate((first, second)):
        for offset, piece in _pieces(data or b""):
            try:
                _add(lines, parse_line(piece))
            except BadLine as error:
                torn.append(Torn(file, offset, piece, str(error)))
    return RecordLog(tuple(lines[number] for number in sorted(lines)), tuple(torn))


def read_folder(folder: Path, files: LogFiles) -> RecordLog:
    """A log from the folder its two files were copied to. Raises as read_log."""
    first, second = (folder / name for name in files.files)
    try:
        return read_log(_content(first), _content(second))
    except MissingLog as error:
        raise MissingLog(f"{folder}: expected {first.name} or {second.name}") from error


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """What stands between LFs, with its offset."""
    offset = 0
    for piece in data.split(b"\n"):
        if piece:
            yield offset, piece
        offset += len(piece) + 1


def _add(lines: dict[int, Line], line: Line) -> None:
    other = lines.setdefault(line.number, line)
    if other != line:
        raise Contradiction(f"event {line.number} is {other.text!r} and {line.text!r}")
