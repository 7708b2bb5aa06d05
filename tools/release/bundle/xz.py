"""Images compressed: one .xz stream a block of 4 MiB, one after another, which `xz -d` takes for one file.

Blocks are compressed and unpacked independently, so on all cores, and the bytes depend on no number of cores. Their
size bounds memory, whatever a file claims. Format: The .xz File Format 1.2.0 (each stream ends in an index of its
blocks, so that streams are found from the end of the file backwards).
"""

from __future__ import annotations

import lzma
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from tools.release.bundle.measure import Measure, Measured, measure_file, pieces
from tools.release.bundle.xz_index import CorruptXz, OtherSize, Stream, find_streams

BLOCK = 4 * 1024 * 1024
_PRESET = 1  # quantised weights: preset 6 takes twice the time and saves 0.3 %
_MEMORY_LIMIT = 32 * 1024 * 1024  # to unpack one stream; a hostile file may ask for 4 GiB
_WORKERS = min(os.cpu_count() or 1, 4)  # each has two blocks and their results waiting


@dataclass(frozen=True)
class Compressed:
    """A content, and the .xz file of it."""

    content: Measured
    file: Measured


@dataclass(frozen=True)
class Unpacked:
    """What reading an .xz file gave: `content` is None when it could not be unpacked, and `fault` says why."""

    file: Measured
    content: Measured | None
    fault: CorruptXz | None = None


def compress(source: int, target: BinaryIO) -> Compressed:
    """Compress an opened file into `target`. An empty one gives no stream at all: `xz` calls that no .xz file."""
    content, file = Measure(), Measure()
    for block, stream in _side_by_side(_compress_block, pieces(source, BLOCK)):
        content.add(block)
        file.add(stream.result())
        target.write(stream.result())
    return Compressed(content.result, file.result)


def unpack(source: int, size: int, write: Callable[[bytes], None]) -> Unpacked:
    """Read an opened .xz file once: measure it, unpack it, and give its content to `write`, block by block.

    It must unpack to `size` bytes: nothing is written of one that says otherwise. A file with a fault is measured to
    its end all the same.
    """
    content, file = Measure(), Measure()
    try:
        streams = find_streams(source, os.fstat(source).st_size, BLOCK)
        claimed = sum(stream.unpacked for stream in streams)
        if claimed != size:
            raise OtherSize(f"expected {size} bytes, found {claimed}")
    except CorruptXz as fault:
        return Unpacked(measure_file(source), None, fault)
    first_fault = None
    for stream, block in _side_by_side(_unpack_stream, _read(source, streams)):
        file.add(stream)
        if first_fault is None:
            try:
                piece = block.result()
            except CorruptXz as fault:
                first_fault = fault
                continue
            content.add(piece)
            write(piece)
    return Unpacked(file.result, content.result if first_fault is None else None, first_fault)


def _compress_block(block: bytes) -> bytes:
    return lzma.compress(block, preset=_PRESET)


def _unpack_stream(stream: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_LIMIT)
    try:
        block = unpacker.decompress(stream, max_length=BLOCK)
        # The check at a stream's end is read only when something asks for more than the content.
        block += b"" if unpacker.eof else unpacker.decompress(b"", max_length=1)
    except lzma.LZMAError as error:
        raise CorruptXz(str(error)) from error
    if not unpacker.eof or unpacker.unused_data or len(block) > BLOCK:
        raise CorruptXz("a stream is not what the index at its end says")
    return block


def _read(source: int, streams: Iterable[Stream]) -> Iterator[bytes]:
    offset = 0
    for stream in streams:
        yield os.pread(source, stream.size, offset)
        offset += stream.size


def _side_by_side(
    work: Callable[[bytes], bytes], given: Iterable[bytes]
) -> Iterator[tuple[bytes, Future[bytes]]]:
    """Each piece with its result, in order, worked on ahead by all cores (lzma lets go of Python's lock).

    A piece that equals the one before shares its result: a disk image is long runs of zeros.
    """
    waiting: deque[tuple[bytes, Future[bytes]]] = deque()
    last: tuple[bytes, Future[bytes]] | None = None
    with ThreadPoolExecutor(_WORKERS) as pool:
        for piece in given:
            last = last if last and last[0] == piece else (piece, pool.submit(work, piece))
            waiting.append(last)
            if len(waiting) > 2 * _WORKERS:
                yield waiting.popleft()
        yield from waiting
