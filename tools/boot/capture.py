"""Captures: what running a scenario leaves, as a folder.

run.json             digests of everything that went in, and how each boot ended
boot-N/serial.log    every byte of the serial line
boot-N/files/PATH    files of the volume asked for, as they were after the boot
boot-N/registers.txt the processor's state, when the boot reached its time limit
boot-N/screen.ppm    the screen then, when the machine had one
boot-N/qemu.log      the emulator's own messages, when it had any
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog

from tools.boot import volume
from tools.boot.qemu import Firmware, Machine
from tools.boot.scenario import Scenario, load
from tools.boot.session import Ending, Watch, boot

SCHEMA = 1
_log = structlog.get_logger()


@dataclass(frozen=True)
class Inputs:
    """The files a capture is made from; none of them is opened for writing."""

    image: Path
    scenario: Path
    qemu: Path
    firmware: Firmware


@dataclass(frozen=True)
class _Workbench:
    """Working copies the guest may write, in a short temporary folder."""

    folder: Path
    image: Path
    firmware: Firmware


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _qemu_version(qemu: Path) -> str:
    output = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout
    return output.splitlines()[0]


def _work_on_copies(folder: Path, inputs: Inputs, scenario: Scenario) -> _Workbench:
    image, variables = folder / "disk.img", folder / "variables.fd"
    shutil.copyfile(inputs.image, image)
    shutil.copyfile(inputs.firmware.variables, variables)
    volume.prepare(image, scenario)
    return _Workbench(folder, image, Firmware(inputs.firmware.code, variables))


def _machine(bench: _Workbench, qemu: Path, scenario: Scenario) -> Machine:
    return Machine(
        qemu=qemu,
        firmware=bench.firmware,
        image=bench.image,
        monitor_socket=bench.folder / "monitor.sock",
        cpu=scenario.cpu,
        memory_mib=scenario.memory_mib,
        disk=scenario.disk,
        read_only="read_only_volume" in scenario.faults,
        screen=scenario.screen,
    )


def _watch(scenario: Scenario, pipe: Path, folder: Path) -> Watch:
    return Watch(
        time_limit_s=scenario.time_limit_s,
        typed=scenario.typed,
        serial_log=folder / "serial.log",
        pipe=pipe,
        errors=folder / "qemu.log",
        screen=folder / "screen.ppm" if scenario.screen else None,
    )


def _keep_files(bench: _Workbench, scenario: Scenario, folder: Path) -> list[str]:
    """Copies what the scenario wants back into `folder`; returns the paths that existed."""
    for path in scenario.read_back:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    return [path for path in scenario.read_back if volume.read(bench.image, path, folder / path)]


def _virtual_us(serial_log: Path) -> int | None:
    """The last time the firmware stated about itself (t_us ends every marker line)."""
    stamps = re.findall(rb" t_us=(\d+)\r?$", serial_log.read_bytes(), re.MULTILINE)
    return int(stamps[-1]) if stamps else None


def _boot_once(
    bench: _Workbench, qemu: Path, scenario: Scenario, folder: Path
) -> dict[str, object]:
    """Boots once into `folder`; returns the boot's row of run.json."""
    folder.mkdir(parents=True)
    watch = _watch(scenario, bench.folder / folder.name, folder)
    watch.serial_log.touch()
    ending = boot(_machine(bench, qemu, scenario), watch)
    _keep_detail(ending, watch.errors)
    _log.info("booted", folder=folder.name, outcome=ending.outcome, seconds=ending.wall_seconds)
    return {
        "outcome": ending.outcome,
        "exit_code": ending.exit_code,
        "virtual_us": _virtual_us(watch.serial_log),
        "wall_seconds": ending.wall_seconds,
        "files": _keep_files(bench, scenario, folder / "files"),
    }


def _keep_detail(ending: Ending, errors: Path) -> None:
    """Registers in a file of their own; the emulator's messages only when there are any."""
    if ending.outcome == "time_limit":
        errors.with_name("registers.txt").write_text(ending.detail, encoding="utf-8")
    elif ending.detail:
        with errors.open("a", encoding="utf-8") as log:
            log.write(ending.detail + "\n")
    if errors.stat().st_size == 0:
        errors.unlink()


def _identities(inputs: Inputs, scenario: Scenario) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "scenario": {
            "name": inputs.scenario.stem,
            "description": scenario.description,
            "sha256": _sha256(inputs.scenario),
            "expected_exit": scenario.expected_exit,
        },
        "image_sha256": _sha256(inputs.image),
        "qemu_version": _qemu_version(inputs.qemu),
        "ovmf_code_sha256": _sha256(inputs.firmware.code),
        "ovmf_vars_sha256": _sha256(inputs.firmware.variables),
    }


def capture(inputs: Inputs, output: Path) -> bool:
    """Runs the scenario and fills the folder `output`, which must not hold a capture yet.

    Raises ScenarioError, VolumeError, or OSError when the capture could not even be set up. However a guest behaves,
    that is no error: it is what the capture says.

    Returns False when a boot reached its time limit: the limit is wall-clock time, so a machine with more to spare
    might have shown something else.
    """
    scenario = load(inputs.scenario)
    run = _identities(inputs, scenario)
    with tempfile.TemporaryDirectory(prefix="llmb-") as folder:
        bench = _work_on_copies(Path(folder), inputs, scenario)
        boots = [
            _boot_once(bench, inputs.qemu, scenario, output / f"boot-{number}")
            for number in range(1, scenario.boots + 1)
        ]
    run["boots"] = boots
    text = json.dumps(run, indent=2) + "\n"
    (output / "run.json").write_text(text, encoding="utf-8")
    return all(row["outcome"] != "time_limit" for row in boots)
