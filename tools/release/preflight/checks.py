"""The table of checks: what which task needs, how that is looked at, and what to do when it is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.boot.installed import OVMF_CODE, OVMF_VARIABLES, QEMU
from tools.release.preflight import machine, programs
from tools.release.preflight.outcome import Outcome, Task
from tools.release.preflight.packages import Package, read_packages
from tools.release.preflight.signing_key import look_at_key

_PACKAGE, _TEST, _BOOT = Task.PACKAGE, Task.TEST, Task.BOOT
_SIGN, _PUBLISH, _FLASH = Task.SIGN, Task.PUBLISH, Task.FLASH


@dataclass(frozen=True)
class Asked:
    """What whoever asks says of the machine."""

    key: str | None = None
    checkout: Path = Path(".")


@dataclass(frozen=True)
class Check:
    """A row. What is not `needed` is told, and no task waits for it."""

    id: str
    tasks: frozenset[Task]
    asks: str
    remedy: str
    look: Callable[[Asked], Outcome]
    needed: bool = True


def _check(
    id: str,
    tasks: tuple[Task, ...],
    asks: str,
    remedy: str,
    look: Callable[[], Outcome],
    *,
    needed: bool = True,
) -> Check:
    return Check(id, frozenset(tasks), asks, remedy, lambda asked: look(), needed)


_APT = "apt-get install {}"
_INSTALL = "install one, for example: uv python install {0}, or pyenv install {0}"
_ROOM = "free some room there, or set {}"
_STOP = "end other programs, or use a larger machine"
_NEW_KEY = "give --key KEY/key.pem; make one with: release keys keygen KEY; chmod 600 KEY/key.pem"

_CHECKS = (
    _check(
        "machine",
        (_PACKAGE, _TEST),
        "the kind of machine",
        "use Linux on x86-64",
        machine.look_at_kind,
    ),
    _check(
        "python3.9",
        (_PACKAGE, _TEST),
        "CPython 3.9, for Pants itself",
        _INSTALL.format("3.9"),
        partial(programs.look_for_python, "3.9"),
    ),
    _check(
        "python3.11",
        (_PACKAGE, _TEST),
        "CPython 3.11, for our tools",
        _INSTALL.format("3.11"),
        partial(programs.look_for_python, "3.11"),
    ),
    _check(
        "cache",
        (_PACKAGE, _TEST),
        "room for ./pants and its results",
        _ROOM.format("LLM_BAREMETAL_CACHE"),
        partial(machine.look_at_cache, 3000),
    ),
    _check(
        "temporary",
        (_TEST, _BOOT, _SIGN, _PUBLISH),
        "room for boots and unpacked images",
        _ROOM.format("TMPDIR"),
        partial(machine.look_at_temporary, 1024),
    ),
    _check(
        "memory-build",
        (_PACKAGE,),
        "memory to build with",
        _STOP,
        partial(machine.look_at_memory, 1024),
    ),
    _check(
        "memory-boot",
        (_BOOT,),
        "memory for a guest of 1024 MiB",
        _STOP,
        partial(machine.look_at_memory, 1536),
    ),
    _check(
        "memory-test",
        (_TEST,),
        "memory for the largest guest, of 2048 MiB",
        _STOP,
        partial(machine.look_at_memory, 3072),
    ),
    _check(
        "qemu",
        (_TEST, _BOOT),
        "the emulator, 7.2 or later",
        _APT.format(QEMU.debian_package),
        programs.look_for_qemu,
    ),
    _check(
        "ovmf-code",
        (_TEST, _BOOT),
        "the UEFI firmware",
        _APT.format(OVMF_CODE.debian_package),
        partial(programs.look_for_ovmf, OVMF_CODE),
    ),
    _check(
        "ovmf-variables",
        (_TEST, _BOOT),
        "the variables of the UEFI firmware",
        _APT.format(OVMF_CODE.debian_package),
        partial(programs.look_for_ovmf, OVMF_VARIABLES),
    ),
    _check(
        "kvm",
        (_BOOT,),
        "virtualisation, which makes an interactive boot fast",
        "turn it on in the firmware's settings; join the group kvm",
        programs.look_for_kvm,
        needed=False,
    ),
    Check(
        "clock",
        frozenset({_PACKAGE, _SIGN, _PUBLISH}),
        "the clock",
        "set it: timedatectl set-ntp true; git must be there, with a commit to compare",
        lambda asked: machine.look_at_clock(asked.checkout),
    ),
    Check(
        "changes",
        frozenset({_PUBLISH}),
        "changes that are in no commit",
        "commit or stash them, in a checkout of the release",
        lambda asked: machine.look_at_changes(asked.checkout),
    ),
    Check(
        "key",
        frozenset({_SIGN, _PUBLISH}),
        "the key that signs",
        _NEW_KEY,
        lambda asked: look_at_key(asked.key),
    ),
    _check(
        "stick", (_FLASH,), "a removable disk", "plug one in; become root", machine.look_for_stick
    ),
)


def checks() -> tuple[Check, ...]:
    """All of them: the table above, and a row a Debian package that it does not ask for. Raises ReleaseError."""
    asked_for = {QEMU.debian_package, OVMF_CODE.debian_package}
    packages = (each for each in read_packages() if each.name not in asked_for)
    return _CHECKS + tuple(map(_of_package, packages))


def _of_package(package: Package) -> Check:
    return _check(
        f"debian:{package.name}",
        tuple(package.tasks),
        package.why,
        _APT.format(package.name),
        partial(programs.look_for_sign, package.sign),
    )


def checks_md() -> str:
    """The table of docs/preflight.md."""
    rows = [
        f"| `{check.id}` | {', '.join(task for task in Task if task in check.tasks)} "
        f"| {check.asks}{'' if check.needed else ' (only told)'} | {check.remedy} |"
        for check in checks()
    ]
    return "\n".join(
        ["| check | for | what is looked at | what to do |", "| --- | --- | --- | --- |", *rows, ""]
    )


if __name__ == "__main__":
    print(checks_md(), end="")
