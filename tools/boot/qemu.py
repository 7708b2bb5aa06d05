"""The emulated machine: QEMU's arguments as data, a comment a flag."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.boot.scenario import Disk

DEBUG_EXIT_PORT = 0xF4
"""Where the firmware expects isa-debug-exit (firmware/platform/uefi/power.c)."""
DEBUG_EXIT_BASE = 16
"""What the firmware adds to its codes: success must not look like a failure of QEMU's own (status 1)."""

SERIAL_ID = "serial"

DISK_DEVICES: dict[Disk, tuple[str, ...]] = {
    "virtio": ("-device", "virtio-blk-pci,drive=disk"),
    "nvme": ("-device", "nvme,drive=disk,serial=llmb"),
    "ahci": ("-device", "ide-hd,drive=disk,bus=ide.0"),
}


@dataclass(frozen=True)
class Firmware:
    """The UEFI firmware of the machine: code (never written) and variables (a file the guest may write)."""

    code: Path
    variables: Path


@dataclass(frozen=True)
class Machine:
    """One unattended boot. The socket's path is short (a Unix socket's name has at most 107 bytes)."""

    qemu: Path
    firmware: Firmware
    image: Path
    monitor_socket: Path
    cpu: str = "max"
    memory_mib: int = 1024
    disk: Disk = "virtio"
    read_only: bool = False
    screen: bool = False
    icount_shift: int = 5
    disk_socket: Path | None = None
    """Where the volume is served by NBD, instead of being `image` itself."""


def _escape(path: Path) -> str:
    """A path inside a comma-separated option."""
    return str(path).replace(",", ",,")


def _board(qemu: Path, firmware: Firmware, cpu: str, memory_mib: int) -> tuple[str, ...]:
    return (
        str(qemu),
        # No default devices: what the guest sees is what is listed here.
        "-nodefaults",
        *("-machine", "q35"),
        *("-cpu", cpu),
        *("-m", f"{memory_mib}M"),
        # The UEFI firmware, as flash memory.
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={_escape(firmware.code)}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={_escape(firmware.variables)}"),
        # No network card.
        *("-nic", "none"),
    )


def _counted_clock(shift: int) -> tuple[str, ...]:
    return (
        # Translated code on one host thread: the only accelerator that can count instructions.
        *("-accel", "tcg,thread=single"),
        # 2^shift ns of guest time an instruction; a sleeping guest skips ahead instead of waiting.
        *("-icount", f"shift={shift},sleep=off"),
        # The guest's calendar starts here and follows the counted clock.
        *("-rtc", "base=2026-01-01,clock=vm"),
    )


def _file(image: Path) -> str:
    return f"file={_escape(image)}"


def _served(socket: Path) -> str:
    """A volume served by NBD. Write-back: the guest is told of a cache, and its flushes reach the server."""
    server = f"file.server.type=unix,file.server.path={_escape(socket)}"
    return f"file.driver=nbd,{server},cache=writeback"


def _drive(source: str, option: str) -> str:
    return f"if=none,id=disk,format=raw,{source},{option}"


def unattended(machine: Machine) -> tuple[str, ...]:
    """The command of a boot nobody watches: counted clock, console and monitor on sockets."""
    read_only = "on" if machine.read_only else "off"
    source = _served(machine.disk_socket) if machine.disk_socket else _file(machine.image)
    return (
        *_board(machine.qemu, machine.firmware, machine.cpu, machine.memory_mib),
        *_counted_clock(machine.icount_shift),
        # The volume; a working copy that is written to.
        *("-drive", _drive(source, f"readonly={read_only}")),
        *DISK_DEVICES[machine.disk],
        # No window; a graphics card only when the screen is wanted.
        *("-display", "none"),
        *("-vga", "std" if machine.screen else "none"),
        # The serial line, which the monitor connects to files before the start.
        *("-chardev", f"null,id={SERIAL_ID}"),
        *("-serial", f"chardev:{SERIAL_ID}"),
        # The monitor: events of the machine, and its registers when it hangs.
        *("-qmp", f"unix:{_escape(machine.monitor_socket)},server=on,wait=off"),
        # Wait for the monitor's word to start, so that every boot starts alike.
        "-S",
        # An `out` to this port ends QEMU with the value, twice plus one, as exit status.
        *("-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4"),
        # A reset ends the boot: nothing that goes wrong may start over unseen.
        "-no-reboot",
    )


def interactive(
    qemu: Path, firmware: Firmware, image: Path, memory_mib: int, processors: int, kvm: bool
) -> tuple[str, ...]:
    """The command of a boot on this terminal: free-running clock, every processor, nothing written to the image."""
    return (
        *_board(qemu, firmware, "max", memory_mib),
        # The hardware's own virtualisation when it may be used, else translation on all processors.
        *(("-accel", "kvm") if kvm else ()),
        *("-accel", "tcg,thread=multi"),
        *("-smp", str(processors)),
        # Writes, to the volume and to the firmware's variables, go to temporary files that end with QEMU.
        "-snapshot",
        *("-drive", _drive(_file(image), "readonly=off")),
        *DISK_DEVICES["virtio"],
        # The serial line is this terminal (and QEMU's monitor, behind Ctrl-A C).
        *("-display", "none", "-vga", "none"),
        *("-serial", "mon:stdio"),
    )


def trial(qemu: Path, firmware: Firmware, monitor_socket: Path) -> tuple[str, ...]:
    """A machine with nothing to boot, to see whether virtualisation works here."""
    return (
        *_board(qemu, firmware, "max", 256),
        *("-accel", "kvm"),
        # The variables are a shared file here: writes go nowhere.
        "-snapshot",
        *("-display", "none", "-vga", "none"),
        *("-qmp", f"unix:{_escape(monitor_socket)},server=on,wait=off"),
    )
