"""Where the streams of an .xz file begin: The .xz File Format 1.2.0, sections 2.1.2 (stream footer) and 4 (index)."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass

from tools.release.errors import ReleaseError

_HEADER = 12
_FOOTER = 12
_MAGIC = b"YZ"
_MAX_INDEX = 64  # of one block: indicator, count, two numbers of at most 9 bytes, padding, CRC
_SEARCHED = 1024 * 1024


class CorruptXz(ReleaseError):
    """The file is no sequence of streams of one block each, or a stream does not unpack."""


class TrailingData(CorruptXz):
    """There is something behind the last stream."""


class OtherSize(CorruptXz):
    """The file says that it unpacks to another size than was expected."""


@dataclass(frozen=True)
class Stream:
    """Bytes of a stream, and those it says that it unpacks to."""

    size: int
    unpacked: int


def find_streams(fd: int, size: int, largest: int) -> list[Stream]:
    """A file's streams, in order. Each says that it unpacks to at most `largest` bytes.

    Raises CorruptXz, TrailingData.
    """
    try:
        return _walk(fd, size, largest)
    except CorruptXz:
        end = _find_end(fd, size, largest)
        if end is not None:
            raise TrailingData(f"{size - end} bytes follow the last stream") from None
        raise


def _walk(fd: int, end: int, largest: int) -> list[Stream]:
    streams: list[Stream] = []
    if end == 0:
        raise CorruptXz("the file is empty")
    while end:
        streams.append(_last_stream(fd, end, largest))
        end -= streams[-1].size
    return streams[::-1]


def _find_end(fd: int, size: int, largest: int) -> int | None:
    """Where a sound sequence of streams ends before the end of the file (looked for in its last MiB), or None."""
    start = max(0, size - _SEARCHED)
    tail = os.pread(fd, size - start, start)
    position = len(tail)
    while (position := tail.rfind(_MAGIC, 0, position)) >= 0:
        end = start + position + len(_MAGIC)
        try:
            _walk(fd, end, largest)
        except CorruptXz:
            continue
        return end
    return None


def _last_stream(fd: int, end: int, largest: int) -> Stream:
    """The stream that ends there."""

    def expect(holds: bool, what: str) -> None:
        if not holds:
            raise CorruptXz(f"the stream that ends at byte {end} {what}")

    expect(end >= _HEADER + _FOOTER, "is too short")
    crc, backward, flags, magic = struct.unpack("<IIH2s", os.pread(fd, _FOOTER, end - _FOOTER))
    expect(magic == _MAGIC, "has no footer")
    expect(crc == zlib.crc32(struct.pack("<IH", backward, flags)), "has a damaged footer")
    index_size = 4 * (int(backward) + 1)
    expect(8 <= index_size <= min(_MAX_INDEX, end - _HEADER - _FOOTER), "has an impossible index")
    index = os.pread(fd, index_size, end - _FOOTER - index_size)
    body, index_crc = index[:-4], index[-4:]
    expect(zlib.crc32(body) == int.from_bytes(index_crc, "little"), "has a damaged index")
    expect(body[:2] == b"\0\1", "does not hold one block")
    packed, position = _number(body, 2)
    unpacked, position = _number(body, position)
    expect(not any(body[position:]) and len(body) - position < 4, "has a damaged index")
    expect(unpacked <= largest, f"unpacks to more than {largest} bytes")
    size = _HEADER + (packed + 3) // 4 * 4 + index_size + _FOOTER
    expect(
        0 < packed and size <= end and packed <= 2 * largest, "is longer than its file or a block"
    )
    return Stream(size, unpacked)


def _number(content: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    value = 0
    for shift, byte in enumerate(content[position : position + 9]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, position + shift + 1
    raise CorruptXz("an index has a number without an end")
