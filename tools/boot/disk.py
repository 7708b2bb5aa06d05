"""A disk with a volatile write cache whose power can fail, served to QEMU over a Unix socket.

Writes are visible to reads at once and safe after a flush. When power fails, a seeded random choice of the sectors
written since the last flush is on the medium and the others are as they were: torn writes, and writes in another order.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.boot import nbd
from tools.boot.scenario import PowerCut

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


class PowerFailed(Exception):
    """This write was under way when power failed: it gets no answer, and nothing after it is served."""


@dataclass(frozen=True)
class DiskReport:
    """What a disk saw in one boot. The figures of sectors are 0 when the cut did not come."""

    writes: int
    """Write requests that left something that was not flushed. One that changed nothing is none, after a flush."""
    flushes: int
    cut_at_write: int
    cut_came: bool
    sectors_at_stake: int
    """Changed since the last flush when power failed."""
    sectors_lost: int
    """Of these, the ones that do not hold what was last written to them."""


def countdown(cut: PowerCut, serial_log: Path) -> Callable[[], bool]:
    """To be asked at each write that power can take something of: whether power fails during it.

    QEMU appends to the log before the guest goes on, so a write that the guest begins after a line of text also gets
    here after it.
    """
    left = cut.at_write
    marker = cut.after.encode() if cut.after is not None else b""
    counting = not marker

    def fails() -> bool:
        nonlocal left, counting
        counting = counting or marker in serial_log.read_bytes()
        left -= counting
        return left == 0

    return fails


class VolatileDisk:
    """The disk. The image always holds the latest content; what it replaced is kept until a flush makes it the past."""

    def __init__(self, image: int, seed: int, fails: Callable[[], bool]) -> None:
        self.size = os.fstat(image).st_size
        self.writes = self.flushes = self.sectors_at_stake = self.sectors_lost = 0
        self._image = image
        self._random = random.Random(seed)
        self._fails = fails
        self._past: dict[int, list[bytes]] = {}
        """For each sector changed since the last flush, what it held before each of the changes."""

    def read(self, offset: int, length: int) -> bytes:
        """The latest content."""
        return os.pread(self._image, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        """Replaces content. Raises PowerFailed, with the image as power left it."""
        sectors = range(offset // SECTOR, -(-(offset + len(data)) // SECTOR))
        before = self._contents(sectors)
        _write_all(self._image, data, offset)
        for sector, old, new in zip(sectors, before, self._contents(sectors)):
            if old != new:
                self._past.setdefault(sector, []).append(old)
        if not self._past:
            return
        self.writes += 1
        if self._fails():
            self._lose_power()
            raise PowerFailed

    def flush(self) -> None:
        """Makes everything written so far safe."""
        self.flushes += 1
        self._past.clear()

    def _contents(self, sectors: range) -> list[bytes]:
        content = self.read(sectors.start * SECTOR, len(sectors) * SECTOR)
        return [content[start : start + SECTOR] for start in range(0, len(content), SECTOR)]

    def _lose_power(self) -> None:
        """Settles each sector at stake. The share that is safe is drawn first: from nearly none to nearly all."""
        self.sectors_at_stake = len(self._past)
        share = self._random.random()
        for sector, past in sorted(self._past.items()):
            if self._random.random() >= share:
                self._put_back(sector, self._random.choice(past))
        self._past.clear()

    def _put_back(self, sector: int, content: bytes) -> None:
        self.sectors_lost += content != self.read(sector * SECTOR, SECTOR)
        _write_all(self._image, content, sector * SECTOR)


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(file, view, offset)
        view, offset = view[done:], offset + done


class DiskServer:
    """Serves a disk to the one QEMU that connects to `path`, in a thread, as a context manager.

    QEMU must have ended before the block is left. `power_failed` and `problem` are final after that.
    """

    def __init__(self, disk: VolatileDisk, path: Path) -> None:
        self.disk = disk
        self.power_failed = False
        self.problem: str | None = None
        """Why the disk stopped working, when it did: no doing of the guest's."""
        self._path = path
        self._resources = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            self._listener.bind(str(self._path))
            stack.callback(self._path.unlink)
            self._listener.listen(1)
            self._alarm, self._bell = stack.enter_context(_pipe())
            self._resources = stack.pop_all()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._resources:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes a thread to which no QEMU came
            self._thread.join()

    def fileno(self) -> int:
        """A descriptor that can be read from once power has failed."""
        return self._alarm

    def _run(self) -> None:
        try:
            stream, _ = self._listener.accept()
        except OSError:
            return
        with stream:
            self._serve(stream)

    def _serve(self, stream: socket.socket) -> None:
        try:
            nbd.serve(stream, self.disk)
        except PowerFailed:
            self.power_failed = True
            os.write(self._bell, b"!")
            _wait_for_end(stream)
        except (nbd.ProtocolError, OSError) as error:
            self.problem = f"the disk server: {error}"


def _wait_for_end(stream: socket.socket) -> None:
    """Holds the line to QEMU until it is gone: a closed one would be an error that the guest can still report."""
    with contextlib.suppress(ConnectionError):
        while stream.recv(65536):
            pass


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)
