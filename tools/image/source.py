"""The files of the host that go into an image: measured and read, never changed."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.image.directory import MAX_FILE_BYTES
from tools.image.errors import LayoutError, TooLarge


def measure(source: Path) -> int:
    """A source's size in bytes. Raises LayoutError when it is no file, TooLarge beyond FAT32."""
    try:
        status = source.stat()
    except OSError as error:
        raise LayoutError(f"cannot read the source {source}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise LayoutError(f"the source {source} is not a regular file; name each file by itself")
    if status.st_size > MAX_FILE_BYTES:
        raise TooLarge(
            f"{source} has {status.st_size} bytes; a file on FAT32 has at most {MAX_FILE_BYTES} "
            "(4 GiB - 1): use a smaller quantisation or split it"
        )
    return status.st_size


@contextmanager
def opened(source: Path) -> Iterator[int]:
    """A descriptor to read a source."""
    try:
        fd = os.open(source, os.O_RDONLY)
    except OSError as error:
        raise LayoutError(f"cannot read the source {source}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)
