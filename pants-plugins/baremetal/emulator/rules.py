"""Finds QEMU and OVMF on the host. The version of the one and the bytes of the other are part of every boot's key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Sequence

from pants.core.util_rules.system_binaries import (
    BinaryPath,
    BinaryPathRequest,
    BinaryPaths,
    BinaryPathTest,
)
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.rules import Get, MultiGet, Rule, _uncacheable_rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal.emulator.subsystem import QemuSubsystem

_OVMF_CODE = "ovmf/code.fd"
_OVMF_VARS = "ovmf/vars.fd"


class MissingEmulatorError(Exception):
    """QEMU or its UEFI firmware is not installed."""

    def __init__(self, what: str, searched: Sequence[str]) -> None:
        super().__init__(
            f"{what} is not in any of: {', '.join(searched)}. Booting needs it; on Debian: "
            "`apt install qemu-system-x86 ovmf` (or set the options of [baremetal-qemu])."
        )


@dataclass(frozen=True)
class OvmfFirmware:
    """The firmware's code and empty variable store, copied from the host."""

    digest: Digest


@dataclass(frozen=True)
class Emulator:
    """What `tools.boot` needs to start a machine."""

    qemu: BinaryPath
    firmware: Digest

    @property
    def env(self) -> dict[str, str]:
        """The fingerprint makes an upgraded emulator a new key."""
        return {"QEMU_FINGERPRINT": self.qemu.fingerprint}

    def arguments(self, root: str = "") -> tuple[str, ...]:
        """The options of `tools.boot` that name the emulator; `root` goes before sandbox paths."""
        return (
            *("--qemu", self.qemu.path),
            *("--ovmf-code", root + _OVMF_CODE),
            *("--ovmf-vars", root + _OVMF_VARS),
        )


# Not memoized between runs: the files are outside the build root, where no change is noticed.
@_uncacheable_rule(desc="Read the UEFI firmware", level=LogLevel.DEBUG)
async def read_ovmf(subsystem: QemuSubsystem) -> OvmfFirmware:
    digest = await Get(
        Digest,
        CreateDigest(
            [
                FileContent(_OVMF_CODE, _read_first(subsystem.ovmf_code)),
                FileContent(_OVMF_VARS, _read_first(subsystem.ovmf_vars)),
            ]
        ),
    )
    return OvmfFirmware(digest)


def _read_first(candidates: Sequence[str]) -> bytes:
    for candidate in map(Path, candidates):
        if candidate.is_file():
            return candidate.read_bytes()
    raise MissingEmulatorError("The UEFI firmware (OVMF)", candidates)


@rule(desc="Find the emulator", level=LogLevel.DEBUG)
async def find_emulator(subsystem: QemuSubsystem) -> Emulator:
    request = BinaryPathRequest(
        binary_name=subsystem.binary,
        search_path=subsystem.search_path,
        test=BinaryPathTest(args=["--version"]),
    )
    paths, firmware = await MultiGet(
        Get(BinaryPaths, BinaryPathRequest, request), Get(OvmfFirmware)
    )
    if paths.first_path is None:
        raise MissingEmulatorError(subsystem.binary, subsystem.search_path)
    return Emulator(paths.first_path, firmware.digest)


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
