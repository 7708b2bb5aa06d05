"""Small boot disks, and machines with the disks that a test wants."""

from __future__ import annotations

import random
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.image import gpt
from tools.image.geometry import SECTOR

_EDGE = 34


def boot_disk(sectors: int, seed: int = 1) -> bytes:
    """A disk with a partition table of its size, and noise in its EFI system partition."""
    guid = uuid.UUID(int=seed)
    partition = gpt.Partition(gpt.ESP_TYPE, guid, _EDGE, sectors - _EDGE - 1)
    front = gpt.encode_front(sectors, guid, partition)
    back = gpt.encode_back(sectors, guid, partition)
    noise = random.Random(seed).randbytes(sectors * SECTOR - len(front) - len(back))
    return front + noise + back


@dataclass(frozen=True)
class Machine:
    """A folder with the part of /sys and /proc that is read about disks, laid out as Linux does."""

    root: Path

    @classmethod
    def new(cls, root: Path) -> Machine:
        for folder in ("sys/dev/block", "sys/block", "proc/self"):
            (root / folder).mkdir(parents=True)
        (root / "proc/swaps").write_text("Filename Type Size Used Priority\n")
        (root / "proc/self/mountinfo").write_text("24 1 0:22 / /sys rw - sysfs sysfs rw\n")
        return cls(root)

    def add_disk(
        self, name: str, number: str, size: int, attributes: Mapping[str, str] | None = None
    ) -> Path:
        """A disk; `attributes` go beside or over what a removable one has."""
        folder = self.root / "sys/devices/usb1/1-2/1-2:1.0/block" / name
        usual = {
            "dev": number,
            "size": str(size // SECTOR),
            "ro": "0",
            "removable": "1",
            "queue/logical_block_size": "512",
        }
        _fill(folder, {**usual, **(attributes or {})})
        (folder / "holders").mkdir()
        self._link(number, folder)
        (self.root / "sys/block" / name).symlink_to(folder)
        return folder

    def add_partition(self, disk: Path, number: str, index: int) -> Path:
        folder = disk / f"{disk.name}{index}"
        _fill(folder, {"dev": number, "size": "2048", "ro": "0", "partition": str(index)})
        (folder / "holders").mkdir()
        self._link(number, folder)
        return folder

    def _link(self, number: str, folder: Path) -> None:
        (self.root / "sys/dev/block" / number).symlink_to(folder)

    def mount(self, number: str, place: str, source: str) -> None:
        with (self.root / "proc/self/mountinfo").open("a") as file:
            file.write(f"36 27 {number} / {place} rw,relatime shared:1 - vfat {source} rw\n")

    def swap(self, path: Path) -> None:
        with (self.root / "proc/swaps").open("a") as file:
            file.write(f"{path} partition 1000 0 -2\n")


def _fill(folder: Path, attributes: Mapping[str, str]) -> None:
    for name, text in attributes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


@contextmanager
def loop_device(backing: Path) -> Iterator[Path | None]:
    """A real block device over a file, or None where this process may not make one."""
    made = subprocess.run(
        ("losetup", "--find", "--show", "--partscan", str(backing)),
        capture_output=True,
        text=True,
    )
    if made.returncode:
        yield None
        return
    device = Path(made.stdout.strip())
    try:
        yield device
    finally:
        subprocess.run(("losetup", "--detach", str(device)), check=True)
