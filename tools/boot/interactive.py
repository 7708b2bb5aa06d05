"""A boot for a person: QEMU in the foreground, the guest's console on this terminal."""

from __future__ import annotations

import os
from pathlib import Path

from tools.boot import kvm
from tools.boot.qemu import Firmware, interactive

_HOW_TO_LEAVE = (
    "To leave: /poweroff at the prompt, or Ctrl-A X to pull the plug. The image is not changed."
)


def run(qemu: Path, firmware: Firmware, image: Path, memory_mib: int) -> None:
    """Becomes QEMU: does not return. Nothing the guest writes reaches `image` or the firmware's variables."""
    usable = kvm.is_usable(qemu, firmware)
    command = interactive(qemu, firmware, image, memory_mib, os.cpu_count() or 1, usable)
    print(_HOW_TO_LEAVE, flush=True)
    os.execv(command[0], command)
