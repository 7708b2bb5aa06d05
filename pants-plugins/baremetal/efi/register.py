"""Backend `baremetal.efi`: UEFI programs from C sources."""

from baremetal.efi import rules as efi_rules
from baremetal.efi.target_types import EfiApplicationTarget


def rules():
    return efi_rules.rules()


def target_types():
    return [EfiApplicationTarget]
