"""The options of the `[baremetal-qemu]` section."""

from __future__ import annotations

from pants.option.option_types import StrListOption, StrOption
from pants.option.subsystem import Subsystem


class QemuSubsystem(Subsystem):
    options_scope = "baremetal-qemu"
    name = "QEMU"
    help = "The host's emulator and UEFI firmware, which boot the images."

    binary = StrOption(default="qemu-system-x86_64", help="Name of the emulator's program.")
    search_path = StrListOption(
        default=["/usr/bin", "/usr/local/bin"], help="Folders to look for the emulator in."
    )
    ovmf_code = StrListOption(
        default=["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/edk2/x64/OVMF_CODE.4m.fd"],
        help="Where the firmware's code may be; the first file that exists is used.",
    )
    ovmf_vars = StrListOption(
        default=["/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"],
        help="Where the firmware's empty variable store may be; the first file that exists is used.",
    )
