"""A boot for a person: QEMU in the foreground, the guest's console on this terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools.boot.qemu import Firmware, interactive

_KVM = "/dev/kvm"
_HOW_TO_LEAVE = "To leave: /poweroff at the prompt, or Ctrl-A X to pull the plug. The image is not changed."


def run(qemu: Path, firmware: Firmware, image: Path, memory_mib: int) -> None:
    """Becomes QEMU: does not return. Nothing the guest writes reaches `image` or the firmware's variables."""
    kvm = os.access(_KVM, os.R_OK | os.W_OK)
    command = interactive(qemu, firmware, image, memory_mib, os.cpu_count() or 1, kvm)
    print(_HOW_TO_LEAVE, flush=True)
    sys.stdout.flush()
    os.execv(command[0], command)
