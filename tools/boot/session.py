"""One unattended boot: starts QEMU, talks to the serial line, and says how the machine ended."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.boot.disk import DiskServer
from tools.boot.qemu import DEBUG_EXIT_BASE, SERIAL_ID, Machine, unattended
from tools.boot.qmp import Monitor, MonitorError, connect
from tools.boot.scenario import Typed

Outcome = Literal["debug_exit", "shutdown", "reset", "power_cut", "time_limit", "emulator_failed"]

_SHUTDOWN_OUTCOMES: dict[str, Outcome] = {"guest-shutdown": "shutdown", "guest-reset": "reset"}
_Event = Literal["gone", "power_cut", "time_limit"]

_START_LIMIT_S = 30.0
_ANSWER_LIMIT_S = 30.0
_LOOK_S = 0.05


@dataclass(frozen=True)
class Ending:
    """How a boot ended. `exit_code` is the guest's own (debug exit only), `detail` QEMU's words or the registers."""

    outcome: Outcome
    exit_code: int | None
    detail: str
    wall_seconds: float


@dataclass(frozen=True)
class Watch:
    """What is done to a boot from outside, and where the evidence goes."""

    time_limit_s: float
    typed: tuple[Typed, ...]
    serial_log: Path
    pipe: Path
    """A path in a short folder, for the named pipe that text is typed into."""
    errors: Path
    """QEMU's own messages."""
    screen: Path | None
    """Where the screen of a machine that hangs is drawn."""
    disk: DiskServer | None = None
    """The disk whose power may fail, which ends the boot."""


class _SerialLine:
    """The guest's serial line: QEMU writes its log itself, and reads what is typed from a named pipe.

    A socket would do for both, but a guest that writes faster than its reader reads then loses characters.
    """

    def __init__(self, log: Path, pipe: Path, rows: tuple[Typed, ...]) -> None:
        self._log = log
        self._pipe = pipe
        self._rows = list(rows)
        self._seen = 0

    def attach(self, monitor: Monitor) -> int:
        """Connects the machine's serial device; returns the open end of the pipe, for the caller to close."""
        os.mkfifo(self._pipe)
        # also a reader, so that neither side waits for the other
        keyboard = os.open(self._pipe, os.O_RDWR)
        files = {"out": str(self._log.resolve()), "in": str(self._pipe)}
        monitor.execute("chardev-change", id=SERIAL_ID, backend={"type": "file", "data": files})
        return keyboard

    def type_next(self, keyboard: int) -> bool:
        """Types each row whose turn has come; False once all are typed."""
        while self._rows:
            row = self._rows[0]
            after = row.after.encode()
            found = self._log.read_bytes().find(after, self._seen)
            if found < 0:
                return True
            self._seen = found + len(after)
            os.write(keyboard, row.text.encode())
            self._rows.pop(0)
        return False


def _wait(
    deadline: float, monitor: Monitor, serial: _SerialLine, keyboard: int, disk: DiskServer | None
) -> _Event:
    """Waits, typing meanwhile, for what comes first: QEMU goes, power fails, or the deadline."""
    sources: list[object] = [monitor.stream] if disk is None else [monitor.stream, disk]
    while (left := deadline - time.monotonic()) > 0:
        typing = serial.type_next(keyboard)
        wait = min(left, _LOOK_S) if typing else left
        ready, _, _ = select.select(sources, [], [], wait)
        if disk in ready:
            return "power_cut"
        if ready and not monitor.receive():
            return "gone"
    return "time_limit"


def _registers(monitor: Monitor, screen: Path | None) -> str:
    """The state of a machine that hangs, for a person to read. Raises MonitorError when QEMU hangs too."""
    status = monitor.execute("query-status")["status"]
    monitor.execute("stop")
    if screen is not None:
        monitor.execute("screendump", filename=str(screen.resolve()))
    registers: str = monitor.execute("human-monitor-command", **{"command-line": "info registers"})
    return f"status: {status}\n" + registers.replace("\r\n", "\n")


def _shutdown_outcome(monitor: Monitor) -> Outcome:
    reasons = [e["data"]["reason"] for e in monitor.events if e["event"] == "SHUTDOWN"]
    return _SHUTDOWN_OUTCOMES.get(reasons[-1], "emulator_failed") if reasons else "emulator_failed"


def guest_code(status: int) -> int | None:
    """The firmware's code in QEMU's exit status, which isa-debug-exit makes of the number written, twice plus one.

    None when the status is not the firmware's doing: 0, QEMU's own failure (1), or a signal (negative).
    """
    written, odd = divmod(status, 2)
    return written - DEBUG_EXIT_BASE if odd and written >= DEBUG_EXIT_BASE else None


def _ended(monitor: Monitor, status: int) -> tuple[Outcome, int | None]:
    code = guest_code(status)
    return (_shutdown_outcome(monitor), None) if code is None else ("debug_exit", code)


@contextlib.contextmanager
def _process(machine: Machine, errors: Path) -> Iterator[subprocess.Popen[bytes]]:
    """QEMU as a child that never outlives this block."""
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            unattended(machine), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def boot(machine: Machine, watch: Watch) -> Ending:
    """Boots `machine` until it ends or its time is over."""
    start = time.monotonic()
    with _process(machine, watch.errors) as process:
        try:
            outcome, code, detail = _watch(machine, process, watch)
        except MonitorError as error:
            outcome, code, detail = "emulator_failed", None, str(error)
    return Ending(outcome, code, detail, round(time.monotonic() - start, 2))


def _watch(
    machine: Machine, process: subprocess.Popen[bytes], watch: Watch
) -> tuple[Outcome, int | None, str]:
    start_deadline = time.monotonic() + _START_LIMIT_S
    with connect(machine.monitor_socket, process, start_deadline) as stream:
        stream.settimeout(_ANSWER_LIMIT_S)
        monitor = Monitor(stream)
        serial = _SerialLine(watch.serial_log, watch.pipe, watch.typed)
        keyboard = serial.attach(monitor)
        try:
            monitor.execute("cont")
            deadline = time.monotonic() + watch.time_limit_s
            event = _wait(deadline, monitor, serial, keyboard, watch.disk)
            if event == "time_limit":
                return event, None, _registers(monitor, watch.screen)
        finally:
            os.close(keyboard)
        if event == "power_cut":
            return event, None, ""  # the caller kills QEMU
        outcome, code = _ended(monitor, process.wait())
        return outcome, code, ""
