"""A workbench: copies of an image and of the machine's variables, and boots of them one after the other."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tools.boot import volume
from tools.boot.disk import DiskReport, DiskServer, VolatileDisk, countdown
from tools.boot.plan import Plan
from tools.boot.qemu import Firmware, Machine
from tools.boot.scenario import PowerCut, Scenario
from tools.boot.session import Ending, Watch, boot
from tools.boot.volume import VolumeError


@dataclass(frozen=True)
class Inputs:
    """The files a capture is made from; none of them is opened for writing."""

    image: Path
    scenario: Path
    qemu: Path
    firmware: Firmware


@dataclass(frozen=True)
class Workbench:
    """Working copies the guest may write. The folder is a short temporary one, for sockets."""

    folder: Path
    image: Path
    qemu: Path
    firmware: Firmware


@dataclass(frozen=True)
class Booted:
    """One boot and what it left; the rest is in its folder."""

    plan: Plan
    ending: Ending
    virtual_us: int | None
    files: tuple[str, ...]
    """What was read back, of what the scenario wants."""
    volume_problem: str | None
    """Why it could not be read back, when the boot left a volume that makes no sense."""
    disk: DiskReport | None
    """Of a boot with a power cut."""

    def row(self) -> dict[str, object]:
        """The boot's row of run.json."""
        return {
            "given": self.plan.given.model_dump(mode="json", exclude_unset=True),
            "expected_exit": self.plan.settings.expected_exit,
            "outcome": self.ending.outcome,
            "exit_code": self.ending.exit_code,
            "virtual_us": self.virtual_us,
            "wall_seconds": self.ending.wall_seconds,
            "disk": asdict(self.disk) if self.disk is not None else None,
            "files": list(self.files),
            "volume_problem": self.volume_problem,
        }


def set_up(folder: Path, inputs: Inputs, image: Path) -> Workbench:
    """Makes the copies: of the variables in `folder`, of the image at `image`."""
    variables = folder / "variables.fd"
    shutil.copyfile(inputs.image, image)
    shutil.copyfile(inputs.firmware.variables, variables)
    return Workbench(folder, image, inputs.qemu, Firmware(inputs.firmware.code, variables))


def boot_once(bench: Workbench, scenario: Scenario, plan: Plan, folder: Path) -> Booted:
    """Boots once, into the new `folder`. Raises VolumeError when what the plan asks of the volume cannot be done."""
    volume.prepare(bench.image, plan)
    folder.mkdir(parents=True)
    serial_log, errors = folder / "serial.log", folder / "qemu.log"
    serial_log.touch()
    with _disk(bench, plan.given.power_cut, serial_log) as disk:
        watch = Watch(
            time_limit_s=plan.settings.time_limit_s,
            typed=plan.settings.typed,
            serial_log=serial_log,
            pipe=bench.folder / f"keyboard-{plan.number}",
            errors=errors,
            screen=folder / "screen.ppm" if scenario.screen else None,
            disk=disk,
        )
        ending = boot(_machine(bench, scenario, plan), watch)
    ending = _settle(ending, disk)
    _keep_detail(ending, errors)
    files, problem = _keep_files(bench.image, scenario.read_back, folder / "files")
    report = _report(disk, plan.given.power_cut)
    return Booted(plan, ending, _virtual_us(serial_log), files, problem, report)


def _disk_socket(bench: Workbench) -> Path:
    return bench.folder / "disk.sock"


@contextlib.contextmanager
def _disk(bench: Workbench, cut: PowerCut | None, serial_log: Path) -> Iterator[DiskServer | None]:
    """The image as a disk whose power fails, for a boot that has a power cut; else QEMU opens the image itself."""
    if cut is None:
        yield None
        return
    image = os.open(bench.image, os.O_RDWR)
    try:
        disk = VolatileDisk(image, cut.seed, countdown(cut, serial_log))
        with DiskServer(disk, _disk_socket(bench)) as server:
            yield server
    finally:
        os.close(image)


def _machine(bench: Workbench, scenario: Scenario, plan: Plan) -> Machine:
    return Machine(
        qemu=bench.qemu,
        firmware=bench.firmware,
        image=bench.image,
        monitor_socket=bench.folder / "monitor.sock",
        cpu=plan.settings.cpu,
        memory_mib=plan.settings.memory_mib,
        disk=scenario.disk,
        read_only="read_only_volume" in plan.settings.faults,
        screen=scenario.screen,
        icount_shift=plan.settings.icount_shift,
        disk_socket=_disk_socket(bench) if plan.given.power_cut is not None else None,
    )


def _settle(ending: Ending, server: DiskServer | None) -> Ending:
    """The ending, with the disk's last word: what QEMU sent before it ended has all been served by now."""
    if server is not None and server.problem is not None:
        return replace(ending, outcome="emulator_failed", exit_code=None, detail=server.problem)
    if server is not None and server.power_failed:
        return replace(ending, outcome="power_cut", exit_code=None)
    return ending


def _report(server: DiskServer | None, cut: PowerCut | None) -> DiskReport | None:
    if server is None or cut is None:
        return None
    disk = server.disk
    return DiskReport(
        writes=disk.writes,
        flushes=disk.flushes,
        cut_at_write=cut.at_write,
        cut_came=server.power_failed,
        sectors_at_stake=disk.sectors_at_stake,
        sectors_lost=disk.sectors_lost,
    )


def _keep_detail(ending: Ending, errors: Path) -> None:
    """Registers in a file of their own; the emulator's messages only when there are any."""
    if ending.outcome == "time_limit":
        errors.with_name("registers.txt").write_text(ending.detail, encoding="utf-8")
    elif ending.detail:
        with errors.open("a", encoding="utf-8") as log:
            log.write(ending.detail + "\n")
    if errors.stat().st_size == 0:
        errors.unlink()


def _keep_files(
    image: Path, paths: tuple[str, ...], folder: Path
) -> tuple[tuple[str, ...], str | None]:
    """Copies files into `folder`: the paths there were, and why it went no further on a volume that makes no sense."""
    kept: list[str] = []
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            if volume.read(image, path, folder / path):
                kept.append(path)
        except VolumeError as error:
            return tuple(kept), str(error)
    return tuple(kept), None


def _virtual_us(serial_log: Path) -> int | None:
    """The last time the firmware stated about itself (t_us ends every marker line)."""
    stamps = re.findall(rb" t_us=(\d+)\r?$", serial_log.read_bytes(), re.MULTILINE)
    return int(stamps[-1]) if stamps else None
