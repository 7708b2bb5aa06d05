"""A virtual machine with Secure Boot: keys made on the spot, enrolled in its variables, and boots that end early."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.boot import installed
from tools.boot.qemu import SERIAL_ID, Firmware, Machine, unattended
from tools.boot.qmp import Monitor, connect
from tools.release.secureboot.enrol import Keys, enrol

OVMF_SECURE_CODE = installed.Component(
    what="the UEFI firmware OVMF_CODE_4M.secboot.fd",
    option="--ovmf-code",
    debian_package="ovmf",
    places=(
        "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
        "/usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd",
        "/usr/share/edk2/ovmf/OVMF_CODE_4M.secboot.fd",
    ),
)
# Variables that only the firmware may write, from system management mode.
_SECURE_BOARD = (
    *("-machine", "smm=on"),
    *("-global", "driver=cfi.pflash01,property=secure,value=on"),
)

READY = "REPL ready"
REFUSED = "Access Denied"
_NOTHING_TO_BOOT = "No bootable option or device was found"
_LIMIT_S = 600.0
_LOOK_S = 0.05


class BootHangs(RuntimeError):
    """A boot came to none of its expected ends in time."""


@dataclass(frozen=True)
class SecureBoot:
    """A firmware with Secure Boot, and the keys that its variables have."""

    code: Path
    variables: bytes


def enrolled(keys: Keys) -> SecureBoot:
    """The installed OVMF with these keys, which turns Secure Boot on."""
    empty = installed.find(installed.OVMF_VARIABLES, None).read_bytes()
    return SecureBoot(installed.find(OVMF_SECURE_CODE, None), enrol(empty, keys))


def boot(image: Path, firmware: SecureBoot) -> str:
    """What the serial line says, up to the prompt or to where the firmware gives up. Raises BootHangs."""
    with tempfile.TemporaryDirectory(prefix="llmb-") as name:
        folder = Path(name)
        variables, disk, serial = folder / "variables.fd", folder / "disk.img", folder / "serial"
        variables.write_bytes(firmware.variables)
        shutil.copyfile(image, disk)
        serial.touch()
        machine = Machine(
            qemu=installed.find(installed.QEMU, None),
            firmware=Firmware(firmware.code, variables),
            image=disk,
            monitor_socket=folder / "monitor",
        )
        return _run(machine, serial)


def _run(machine: Machine, serial: Path) -> str:
    process = subprocess.Popen(
        [*unattended(machine), *_SECURE_BOARD], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + _LIMIT_S
        with connect(machine.monitor_socket, process, deadline) as stream:
            monitor = Monitor(stream)
            output = {"type": "file", "data": {"out": str(serial)}}
            monitor.execute("chardev-change", id=SERIAL_ID, backend=output)
            monitor.execute("cont")
            return _wait(process, serial, deadline)
    finally:
        process.kill()
        process.communicate()


def _wait(process: subprocess.Popen[bytes], serial: Path, deadline: float) -> str:
    while time.monotonic() < deadline and process.poll() is None:
        said = serial.read_text(encoding="utf-8", errors="replace")
        if READY in said or _NOTHING_TO_BOOT in said:
            return said
        time.sleep(_LOOK_S)
    said = serial.read_text(encoding="utf-8", errors="replace")
    raise BootHangs(f"the machine neither came to the prompt nor gave up; it said:\n{said}")
