"""The host program on a pseudo-terminal: keys go in, the screen's bytes come out."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.programs import host_program

_SECONDS = 60.0


def local_modes(fd: int) -> int:
    """The c_lflag of a terminal: echo, line editing, signals."""
    return int(termios.tcgetattr(fd)[3])


class Terminal:
    """A running session; `shown` is everything it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int, modes_before: int) -> None:
        self._process = process
        self._fd = fd
        self.modes_before = modes_before
        self.shown = ""
        self._waited_for = 0  # where in `shown` the last text waited for ends

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str) -> None:
        """Reads until `text` has been shown behind what was waited for before."""
        deadline = time.monotonic() + _SECONDS
        while (at := self.shown.find(text, self._waited_for)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} did not come:\n{self.shown}"
            if select.select([self._fd], [], [], left)[0]:
                self.shown += os.read(self._fd, 65536).decode(errors="replace")
        self._waited_for = at + len(text)

    def answer(self, keys: str, text: str) -> None:
        """Presses keys and waits for what they bring."""
        self.press(keys)
        self.wait_for(text)

    def modes(self) -> int:
        return local_modes(self._fd)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        return self._process.wait(_SECONDS)


@contextmanager
def session(volume: Path, arguments: Sequence[str] = ()) -> Iterator[Terminal]:
    """A session with its volume in a folder, killed at the end if it is still there."""
    controller, terminal = pty.openpty()
    modes_before = local_modes(controller)
    process = subprocess.Popen(
        [host_program(), "--volume", str(volume), *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    try:
        yield Terminal(process, controller, modes_before)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(controller)
