"""QEMU's machine protocol (QMP): newline-separated JSON over a Unix socket, replies and events mixed."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any


class MonitorError(OSError):
    """The monitor could not be reached, or refused a command."""


def connect(path: Path, qemu: subprocess.Popen[bytes], deadline: float) -> socket.socket:
    """A stream to a socket QEMU is about to open; retries until `deadline` (time.monotonic seconds)."""
    while True:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(str(path))
            return stream
        except (FileNotFoundError, ConnectionRefusedError) as error:
            stream.close()
            if qemu.poll() is not None or time.monotonic() > deadline:
                raise MonitorError(f"QEMU did not open {path}") from error
            time.sleep(0.01)


class Monitor:
    """A conversation with one QEMU. Events arrive whenever they like; `events` keeps them in order."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.events: list[dict[str, Any]] = []
        self._unread = b""
        self._next_message()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: object) -> Any:
        """One command's return value."""
        request = {"execute": command, "arguments": arguments}
        self.stream.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self._next_message()
            if "error" in message:
                raise MonitorError(f"{command}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def receive(self) -> bool:
        """Takes in what has arrived (blocks when nothing has); False once QEMU has gone."""
        data = self._read()
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._keep_event(json.loads(line))
        return data != b""

    def _read(self) -> bytes:
        try:
            return self.stream.recv(65536)
        except (ConnectionError, TimeoutError):
            return b""

    def _keep_event(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self.events.append(message)

    def _next_message(self) -> dict[str, Any]:
        while b"\n" not in self._unread:
            data = self._read()
            if not data:
                raise MonitorError("QEMU closed its monitor, or does not answer")
            self._unread += data
        line, self._unread = self._unread.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        self._keep_event(message)
        return message
