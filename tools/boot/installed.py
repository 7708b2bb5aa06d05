"""Where QEMU and its UEFI firmware usually are, for callers that do not say."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


class NotInstalled(Exception):
    """Something this machine lacks; the message says how to get it."""


@dataclass(frozen=True)
class Component:
    """A file of the host. `places` are tried in order; a bare name is looked up on PATH."""

    what: str
    option: str
    debian_package: str
    places: tuple[str, ...]


QEMU = Component(
    what="the emulator qemu-system-x86_64",
    option="--qemu",
    debian_package="qemu-system-x86",
    places=("qemu-system-x86_64", "/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"),
)
OVMF_CODE = Component(
    what="the UEFI firmware OVMF_CODE_4M.fd",
    option="--ovmf-code",
    debian_package="ovmf",
    places=(
        "/usr/share/OVMF/OVMF_CODE_4M.fd",
        "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
        "/usr/share/edk2/ovmf/OVMF_CODE_4M.fd",
    ),
)
OVMF_VARIABLES = Component(
    what="the UEFI variables OVMF_VARS_4M.fd",
    option="--ovmf-vars",
    debian_package="ovmf",
    places=(
        "/usr/share/OVMF/OVMF_VARS_4M.fd",
        "/usr/share/edk2/x64/OVMF_VARS.4m.fd",
        "/usr/share/edk2/ovmf/OVMF_VARS_4M.fd",
    ),
)


def _resolve(place: str) -> Path | None:
    found = place if place.startswith("/") else shutil.which(place)
    return Path(found) if found is not None and Path(found).is_file() else None


def find(component: Component, given: Path | None) -> Path:
    """The path `given` by the caller, or the first of the usual places; raises NotInstalled."""
    if given is not None:
        if not given.is_file():
            raise NotInstalled(f"{component.option} {given}: no such file")
        return given
    found = next(filter(None, map(_resolve, component.places)), None)
    if found is None:
        raise NotInstalled(
            f"{component.what} was not found in {', '.join(component.places)}: "
            f"apt-get install {component.debian_package}, or give {component.option} FILE"
        )
    return found
