"""One unattended boot: starts QEMU, talks to the serial line, and says how the machine ended."""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.boot.qemu import Machine, unattended
from tools.boot.qmp import Monitor, MonitorError, connect
from tools.boot.scenario import Typed

Outcome = Literal["debug_exit", "shutdown", "reset", "time_limit", "emulator_failed"]

_SHUTDOWN_OUTCOMES: dict[str, Outcome] = {"guest-shutdown": "shutdown", "guest-reset": "reset"}
_START_LIMIT_S = 30.0
_SEND_BYTES = 4096


@dataclass(frozen=True)
class Ending:
    """How a boot ended. `exit_code` is the guest's own (debug exit only), `detail` QEMU's words or the registers."""

    outcome: Outcome
    exit_code: int | None
    detail: str
    wall_seconds: float


class _Typist:
    """Sends each row's text once the text it waits for has appeared after the row before."""

    def __init__(self, rows: tuple[Typed, ...]) -> None:
        self._rows = list(rows)
        self._seen = b""
        self.outbox = b""

    def saw(self, data: bytes) -> None:
        self._seen += data
        while self._rows and self._rows[0].after.encode() in self._seen:
            row = self._rows.pop(0)
            self._seen = self._seen.split(row.after.encode(), 1)[1]
            self.outbox += row.text.encode()


def _talk(monitor: Monitor, serial: socket.socket, typist: _Typist, deadline: float) -> bool:
    """Serves both sockets until QEMU closes them; False when the deadline comes first."""
    with selectors.DefaultSelector() as selector:
        selector.register(monitor.stream, selectors.EVENT_READ)
        selector.register(serial, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if typist.outbox else 0)
            selector.modify(serial, wanted)
            for key, ready in selector.select(left):
                if key.fileobj is monitor.stream:
                    alive = monitor.receive()
                else:
                    alive = _serve_serial(serial, ready, typist)
                if not alive:
                    return True
    return False


def _serve_serial(serial: socket.socket, ready: int, typist: _Typist) -> bool:
    try:
        if ready & selectors.EVENT_WRITE:
            sent = serial.send(typist.outbox[:_SEND_BYTES])
            typist.outbox = typist.outbox[sent:]
        if ready & selectors.EVENT_READ:
            data = serial.recv(65536)
            typist.saw(data)
            return data != b""
    except ConnectionError:
        return False
    return True


def _drain(monitor: Monitor) -> None:
    """Takes the last events, which may arrive after the serial line has closed."""
    while monitor.receive():
        pass


def _registers(monitor: Monitor, screen: Path | None) -> str:
    """The state of a machine that hangs, for a person to read."""
    status = monitor.execute("query-status")["status"]
    monitor.execute("stop")
    if screen is not None:
        monitor.execute("screendump", filename=str(screen.resolve()))
    registers: str = monitor.execute("human-monitor-command", **{"command-line": "info registers"})
    return f"status: {status}\n" + registers.replace("\r\n", "\n")


def _shutdown_outcome(monitor: Monitor) -> Outcome:
    reasons = [e["data"]["reason"] for e in monitor.events if e["event"] == "SHUTDOWN"]
    return _SHUTDOWN_OUTCOMES.get(reasons[-1], "emulator_failed") if reasons else "emulator_failed"


def _ended(monitor: Monitor, status: int) -> tuple[Outcome, int | None]:
    """isa-debug-exit: QEMU's status is the guest's code, twice plus one."""
    if status > 0 and status % 2 == 1:
        return "debug_exit", status // 2
    return _shutdown_outcome(monitor), None


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


def boot(
    machine: Machine,
    typed: tuple[Typed, ...],
    time_limit_s: float,
    errors: Path,
    screen: Path | None,
) -> Ending:
    """Boots `machine` until it ends or the limit is over. QEMU's own messages go to `errors`."""
    start = time.monotonic()
    with _process(machine, errors) as process:
        try:
            outcome, code, detail = _watch(machine, process, typed, start + time_limit_s, screen)
        except MonitorError as error:
            outcome, code, detail = "emulator_failed", None, str(error)
    return Ending(outcome, code, detail, round(time.monotonic() - start, 2))


def _watch(
    machine: Machine,
    process: subprocess.Popen[bytes],
    typed: tuple[Typed, ...],
    deadline: float,
    screen: Path | None,
) -> tuple[Outcome, int | None, str]:
    start_deadline = time.monotonic() + _START_LIMIT_S
    with (
        connect(machine.monitor_socket, start_deadline) as control,
        connect(machine.serial_socket, start_deadline) as serial,
    ):
        monitor = Monitor(control)
        monitor.execute("cont")
        if not _talk(monitor, serial, _Typist(typed), deadline):
            return "time_limit", None, _registers(monitor, screen)
        _drain(monitor)
        outcome, code = _ended(monitor, process.wait())
        return outcome, code, ""
