"""Files measured: size and sha256 in one pass, in bounded memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

PIECE = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """Size in bytes, and digest, of the same pass over a content."""

    size: int
    sha256: str


class Measure:
    """A content that goes by piece by piece."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._sha.update(piece)
        self._size += len(piece)

    @property
    def result(self) -> Measured:
        return Measured(self._size, self._sha.hexdigest())


def measured(content: bytes) -> Measured:
    """Of bytes in memory."""
    return Measured(len(content), hashlib.sha256(content).hexdigest())


def pieces(fd: int, size: int = PIECE) -> Iterator[bytes]:
    """A file from its beginning to its end, in pieces of `size` bytes of which only the last may be shorter."""
    offset = 0
    while piece := _read(fd, offset, size):
        yield piece
        offset += len(piece)


def measure_file(fd: int) -> Measured:
    """All of an opened file."""
    measure = Measure()
    for piece in pieces(fd):
        measure.add(piece)
    return measure.result


def _read(fd: int, offset: int, size: int) -> bytes:
    """`size` bytes, or what there is until the end of the file."""
    content = os.pread(fd, size, offset)
    while len(content) < size and (
        more := os.pread(fd, size - len(content), offset + len(content))
    ):
        content += more
    return content
