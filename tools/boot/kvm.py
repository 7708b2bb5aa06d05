"""Whether this machine's virtualisation hardware can start a UEFI firmware."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tools.boot.qemu import Firmware, trial
from tools.boot.qmp import Monitor, connect

_DEVICE = "/dev/kvm"
_TRIAL_S = 0.5


def is_usable(qemu: Path, firmware: Firmware) -> bool:
    """Tries the first half second of a boot: inside some virtual machines the device is there and fails at once."""
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return False
    with tempfile.TemporaryDirectory(prefix="llmb-") as folder:
        socket = Path(folder) / "monitor.sock"
        process = subprocess.Popen(
            trial(qemu, firmware, socket), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return _keeps_running(socket, process)
        finally:
            process.kill()
            process.wait()


def _keeps_running(socket: Path, process: subprocess.Popen[bytes]) -> bool:
    try:
        with connect(socket, process, time.monotonic() + 5) as stream:
            monitor = Monitor(stream)
            time.sleep(_TRIAL_S)
            status: str = monitor.execute("query-status")["status"]
            return status == "running"
    except OSError:
        return False
