"""What would be written to: a disk as the kernel describes it in /sys and /proc, or a regular file.

Source: Linux, Documentation/ABI/stable/sysfs-block, proc_pid_mountinfo(5), proc_swaps(5).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.image.geometry import SECTOR
from tools.release.errors import ReleaseError

ROOT = Path("/")
_OCTAL = re.compile(r"\\([0-7]{3})", re.ASCII)


@dataclass(frozen=True)
class Target:
    """A block device or a regular file, as it is now. `size` in bytes."""

    path: Path
    """Where it is, links followed."""
    size: int
    device: int | None
    """Its device number; None of a regular file."""
    sector: int = SECTOR
    """Bytes of its smallest unit."""
    model: str = ""
    serial: str = ""
    partition: bool = False
    removable: bool = True
    read_only: bool = False
    uses: tuple[str, ...] = ()
    """What it is in use for, a sentence each."""

    @property
    def name(self) -> str:
        return self.path.name


def look(path: Path, root: Path = ROOT) -> Target:
    """What is at a path. Raises ReleaseError when that is neither, or when the kernel does not say enough.

    `root` has the `sys` and `proc` that are read.
    """
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReleaseError(f"{path}: {reason}; `lsblk` lists the disks of this machine") from error
    if stat.S_ISREG(status.st_mode):
        return Target(real, status.st_size, None, read_only=not os.access(real, os.W_OK))
    if stat.S_ISBLK(status.st_mode):
        return read_device(real, status.st_rdev, root)
    raise ReleaseError(
        f"{path}: expected a disk as /dev/sdX, or a regular file, found neither; `lsblk` lists disks"
    )


def read_device(path: Path, device: int, root: Path = ROOT) -> Target:
    """The block device of a number. Raises ReleaseError."""
    folder = root / "sys/dev/block" / _number(device)
    try:
        folder = folder.resolve(strict=True)
        return Target(
            path,
            int(_read(folder / "size")) * SECTOR,  # in these, whatever the disk's own are
            device,
            sector=int(_read(_disk(folder) / "queue/logical_block_size")),
            model=" ".join(filter(None, (_text(folder / f"device/{n}") for n in _MODEL))),
            serial=_serial(folder),
            partition=(folder / "partition").exists(),
            removable=_is_removable(folder),
            read_only=_read(folder / "ro") != "0",
            uses=tuple(_uses(folder, root)),
        )
    except (OSError, ValueError) as error:
        raise ReleaseError(
            f"cannot tell what {path} is ({error}): nothing is written to it"
        ) from error


def removable_disks(root: Path = ROOT) -> list[str]:
    """Names of the disks that can be taken out and hold a medium. Raises ReleaseError when none can be listed."""
    try:
        folders = sorted((root / "sys/block").iterdir())
        return [
            each.name for each in folders if _is_removable(each) and int(_read(each / "size")) > 0
        ]
    except (OSError, ValueError) as error:
        raise ReleaseError(f"cannot list the disks of this machine: {error}") from error


_MODEL = ("vendor", "model")


def _disk(folder: Path) -> Path:
    """The folder of the disk that a partition is of, or of the disk itself."""
    return folder.parent if (folder / "partition").exists() else folder


def _is_removable(folder: Path) -> bool:
    """The kernel's own word; it calls the memory cards of built-in readers fixed, so for those their type counts."""
    disk = _disk(folder)
    return _read(disk / "removable") != "0" or _text(disk / "device/type") == "SD"


def _serial(folder: Path) -> str:
    """The disk's, or that of the USB device which it is a part of."""
    own = _text(folder / "serial") or _text(folder / "device/serial")
    usb = (each / "serial" for each in folder.parents if (each / "idVendor").exists())
    return own or next(filter(None, map(_text, usb)), "")


def _uses(folder: Path, root: Path) -> Iterator[str]:
    """What the disk or a partition of it is in use for."""
    parts = [each for each in sorted(folder.iterdir()) if (each / "partition").exists()]
    names = {_device(_read(each / "dev")): each.name for each in (folder, *parts)}
    for each in (folder, *parts):
        for holder in sorted((each / "holders").iterdir()):
            yield f"{each.name} is a part of {holder.name}: close or stop that"
    for device, place in _mounts(_read(root / "proc/self/mountinfo"), names):
        yield f"{names[device]} is mounted on {place}: umount {place}"
    for line in _read(root / "proc/swaps").splitlines()[1:]:
        path = _unescaped(line.split()[0])
        if (device := _device_at(path)) in names:
            yield f"{names[device]} holds swap space: swapoff {path}"


def _mounts(mountinfo: str, devices: Collection[int]) -> Iterator[tuple[int, str]]:
    """Mounts of these devices: (device, where). Some file systems have numbers of their own, so sources count too."""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split()
        found = (_device(fields[2]), _device_at(_unescaped(source.split()[1])))
        for device in sorted({each for each in found if each in devices}):
            yield device, _unescaped(fields[4])


def _device_at(path: str) -> int:
    """The number of the block device at an absolute path, or 0, which none has."""
    try:
        status = os.stat(path) if path.startswith("/") else None
    except OSError:
        return 0
    return status.st_rdev if status and stat.S_ISBLK(status.st_mode) else 0


def _device(text: str) -> int:
    major, _, minor = text.partition(":")
    return os.makedev(int(major), int(minor))


def _number(device: int) -> str:
    return f"{os.major(device)}:{os.minor(device)}"


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _text(path: Path) -> str:
    """What a device says of itself, as text that cannot move a terminal's cursor; "" when it says nothing."""
    try:
        text = _read(path)
    except OSError:
        return ""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:80]
