"""Writing a disk so that an interrupted write is never taken for a whole one, and reading all of it back.

The first MiB, with the partition table, is blanked first and written last, when all behind it has been read back. Where
a larger disk kept its backup table is blanked as well: firmware and tools would take an older disk's for ours.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tools.release.errors import Refused, ReleaseError
from tools.release.flash.device import Target
from tools.release.flash.source import PIECE, Progress, Source, unpacked

HEAD = 1024 * 1024
BACKUP_TABLE = 33 * 512  # 32 sectors of entries and the header (UEFI Specification 2.10, 5.3)


class State(StrEnum):
    """What a disk holds when writing has ended, one way or another."""

    UNTOUCHED = "nothing was written to it"
    BLANK = "it holds a part of the image and no partition table: nothing starts from it; write it again"
    UNKNOWN = "what it holds is not known: write it again"


class Stage(StrEnum):
    """What is being done."""

    WRITING = "writing"
    COMPARING = "reading back"


class WriteFailed(ReleaseError):
    """Writing ended early; the text ends in what the disk holds now."""

    def __init__(self, target: Target, state: State, text: str) -> None:
        super().__init__(f"{text}. {target.path}: {state}")
        self.state = state


class ReadBackDiffers(WriteFailed, Refused):
    """The disk does not keep what is written to it."""


def write(source: Source, target: Target, progress: Callable[[Stage], Progress]) -> None:
    """Write an image to a disk or file that has been checked. Raises WriteFailed, ReadBackDiffers."""
    state = State.UNTOUCHED
    try:
        with _Disk(target, source.size) as disk:
            state = State.UNKNOWN
            disk.blank()
            state = State.BLANK
            progress_of_writing = progress(Stage.WRITING)
            head, blocks = _write_body(disk, source, progress_of_writing)
            compared = progress(Stage.COMPARING)
            for offset, size, digest in blocks:
                disk.compare(offset, size, digest)
                compared(size)
            state = State.UNKNOWN
            disk.write(0, head)
            disk.flush()
            disk.compare(0, len(head), _digest(head))
            progress_of_writing(len(head))
            compared(len(head))
    except _Differs as error:
        raise ReadBackDiffers(target, state, str(error)) from error
    except ReleaseError as error:
        raise WriteFailed(target, state, str(error)) from error
    except OSError as error:
        raise WriteFailed(target, state, f"{error.strerror}") from error
    except KeyboardInterrupt:
        raise WriteFailed(target, state, "interrupted") from None


Block = tuple[int, int, bytes]
"""Offset, size and digest of what was written."""


def _write_body(disk: _Disk, source: Source, progress: Progress) -> tuple[bytes, list[Block]]:
    """Everything behind the head; the head, and what was written."""
    sha, head, blocks = hashlib.sha256(), b"", []
    for offset, piece in _aligned(unpacked(source.path, source.file)):
        if offset + len(piece) > source.size:
            raise _changed(source)
        sha.update(piece)
        if offset == 0:
            head, offset, piece = piece[:HEAD], HEAD, piece[HEAD:]
        if piece:
            disk.write(offset, piece)
            blocks.append((offset, len(piece), _digest(piece)))
            progress(len(piece))
    if sha.hexdigest() != source.sha256:
        raise _changed(source)
    disk.flush()
    return head, blocks


def _changed(source: Source) -> Refused:
    return Refused(f"{source.path} was changed while it was written")


def _aligned(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """The same bytes in pieces of 4 MiB, of which only the last may be shorter, each with its offset."""
    offset, waiting = 0, bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= PIECE:
            yield offset, bytes(waiting[:PIECE])
            del waiting[:PIECE]
            offset += PIECE
    if waiting:
        yield offset, bytes(waiting)


class _Differs(Exception):
    """What was read back is not what was written."""


@dataclass
class _Disk:
    """An opened target. A device is opened for us alone, and past the kernel's cache, which would answer for it."""

    target: Target
    image_size: int
    _buffer: mmap.mmap = field(init=False)
    _fd: int = field(init=False)

    def __enter__(self) -> _Disk:
        self._buffer = mmap.mmap(-1, PIECE)  # aligned to a page, as O_DIRECT asks
        is_device = self.target.device is not None
        flags = os.O_EXCL | os.O_DIRECT if is_device else 0
        self._fd = os.open(self.target.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags)
        try:
            self._check_same(os.fstat(self._fd).st_rdev if is_device else None)
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
        self._buffer.close()

    def _check_same(self, device: int | None) -> None:
        size = os.lseek(self._fd, 0, os.SEEK_END)
        if (device, size) != (self.target.device, self.target.size):
            raise Refused(f"{self.target.path} is another one than a moment ago: start again")

    def blank(self) -> None:
        """No partition table at the front, and no backup of one behind the image."""
        self.write(0, bytes(min(HEAD, self.image_size)))
        start = max(self.image_size, self.target.size - BACKUP_TABLE)
        if start < self.target.size:
            self.write(start, bytes(self.target.size - start))
        self.flush()

    def write(self, offset: int, content: bytes) -> None:
        self._buffer[: len(content)] = content
        with memoryview(self._buffer)[: len(content)] as view:
            done = 0
            while done < len(content):
                done += os.pwrite(self._fd, view[done:], offset + done)

    def flush(self) -> None:
        os.fsync(self._fd)
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def compare(self, offset: int, size: int, digest: bytes) -> None:
        """Raises _Differs unless the bytes there have this digest."""
        with memoryview(self._buffer)[:size] as view:
            done = 0
            while done < size and (count := os.preadv(self._fd, [view[done:]], offset + done)):
                done += count
            if done != size or _digest(view) != digest:
                raise _Differs(
                    f"what was written from byte {offset} to {offset + size} reads back differently: "
                    "the disk is worn out, or smaller than it says; use another"
                )


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.sha256(content).digest()
