"""Images to write: raw, or compressed with xz, told apart by their first bytes."""

from __future__ import annotations

import hashlib
import lzma
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tools.image import gpt
from tools.image.errors import CorruptImage
from tools.image.geometry import SECTOR
from tools.release.errors import Refused, ReleaseError

PIECE = 4 * 1024 * 1024
_MAGIC = b"\xfd7zXZ\0"
_MEMORY_LIMIT = 128 * 1024 * 1024  # `xz -9` needs 65 MiB; a hostile file may ask for 4 GiB
_FRONT = 34 * SECTOR  # protective MBR, header and table of the 128 usual entries

Progress = Callable[[int], None]
"""Told the bytes that were dealt with since the last time."""


@dataclass(frozen=True)
class Source:
    """An image that was read to its end once, and is a whole boot disk. `size` and `sha256` are of the raw disk."""

    path: Path
    file: BinaryIO
    size: int
    sha256: str


def read_source(path: Path, file: BinaryIO, progress: Progress) -> Source:
    """The image in an opened file. Raises Refused when it is damaged, or no disk that a machine starts from."""
    sha, size, front = hashlib.sha256(), 0, b""
    for piece in unpacked(path, file):
        sha.update(piece)
        size += len(piece)
        front += piece[: _FRONT - len(front)]
        progress(len(piece))
    _check_disk(path, front, size)
    return Source(path, file, size, sha.hexdigest())


def unpacked(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """The raw disk from its beginning, in pieces of at most 4 MiB. Raises Refused, ReleaseError."""
    try:
        file.seek(0)
        compressed = file.read(len(_MAGIC)) == _MAGIC
        file.seek(0)
        yield from _unpack(file) if compressed else iter(lambda: file.read(PIECE), b"")
    except (lzma.LZMAError, EOFError) as error:
        raise Refused(f"{path} is damaged ({error}): fetch it again") from error
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error


def _unpack(file: BinaryIO) -> Iterator[bytes]:
    """The content of one stream after another, with zeros between (The .xz File Format 1.2.0, section 2)."""
    given = file.read(PIECE)
    while given:
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_LIMIT)
        while not unpacker.eof:
            if unpacker.needs_input and not given and not (given := file.read(PIECE)):
                raise EOFError("it is cut short")
            yield unpacker.decompress(given, max_length=PIECE)
            given = b""
        given = unpacker.unused_data.lstrip(b"\0")
        while not given and (more := file.read(PIECE)):
            given = more.lstrip(b"\0")


def _check_disk(path: Path, front: bytes, size: int) -> None:
    """A partition table that spans exactly the image, with an EFI system partition in it."""
    fd = os.memfd_create("front")
    try:
        os.write(fd, front)
        header = gpt.read_header(fd, 1)
        partitions = gpt.read_partitions(fd, header)
    except CorruptImage as error:
        raise Refused(f"{path} is no disk image: {error}") from error
    finally:
        os.close(fd)
    if size != (header.other + 1) * SECTOR:
        expected = (header.other + 1) * SECTOR
        raise Refused(
            f"{path}: its partition table is of a disk of {expected} bytes, found {size}: fetch it again"
        )
    if gpt.ESP_TYPE not in {each.type for each in partitions}:
        raise Refused(f"{path} has no EFI system partition: no machine would start from it")
