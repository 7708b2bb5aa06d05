"""Reading files in blocks, without the zeros.

A block is 256 KiB: large enough that Python's cost per block vanishes, small enough to stay in the
processor's cache between being read and being written. Holes of sparse files are never read, so a
4 GiB file of zeros costs nothing.
"""

import errno
import os
from collections.abc import Iterator

from tools.image.errors import CorruptImage, ImageError

BLOCK = 256 * 1024
_ZEROS = bytes(BLOCK)


def all_blocks(fd: int, start: int, size: int) -> Iterator[tuple[int, memoryview]]:
    """Every block of `size` bytes from `start`: (offset from `start`, content).

    The content is valid until the next step. Raises ImageError when the file ends early.
    """
    buffer = bytearray(BLOCK)
    for offset in range(0, size, BLOCK):
        yield offset, _read(fd, buffer, start + offset, min(BLOCK, size - offset))


def data_blocks(fd: int, start: int, size: int) -> Iterator[tuple[int, memoryview]]:
    """Like `all_blocks`, without blocks that are all zero, however sparse the file is."""
    buffer = bytearray(BLOCK)
    offset = 0
    while (offset := _next_data(fd, start, offset, size)) < size:
        content = _read(fd, buffer, start + offset, min(BLOCK, size - offset))
        if not _is_zero(buffer, len(content)):
            yield offset, content
        offset += BLOCK


def write_all(fd: int, content: bytes | memoryview, offset: int) -> None:
    """Write all of `content` at `offset`."""
    view = memoryview(content)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


def read_exact(fd: int, offset: int, size: int) -> bytes:
    """`size` bytes at `offset`; raises CorruptImage when the image has fewer."""
    end = file_size(fd)
    if offset < 0 or offset + size > end:
        raise CorruptImage(
            f"bytes {offset} to {offset + size} were expected, but the image has {end}; "
            "is it cut short, or no disk image?"
        )
    return os.pread(fd, size, offset)


def file_size(fd: int) -> int:
    """Bytes of a file or of a block device."""
    return os.lseek(fd, 0, os.SEEK_END)


def _next_data(fd: int, start: int, offset: int, size: int) -> int:
    """Offset of the first block at or after `offset` that may hold data, or `size`."""
    try:
        found = os.lseek(fd, start + offset, os.SEEK_DATA) - start
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        # Only a hole remains, or the file is shorter than promised.
        return size if file_size(fd) >= start + size else offset
    return found - found % BLOCK


def _read(fd: int, buffer: bytearray, offset: int, size: int) -> memoryview:
    view = memoryview(buffer)[:size]
    filled = 0
    while filled < size:
        count = os.preadv(fd, [view[filled:]], offset + filled)
        if count == 0:
            raise ImageError(
                f"the file ends at byte {offset + filled}, {size - filled} bytes too early; "
                "was it changed while being read?"
            )
        filled += count
    return view


def _is_zero(buffer: bytearray, size: int) -> bool:
    return buffer == _ZEROS if size == BLOCK else buffer[:size] == _ZEROS[:size]
