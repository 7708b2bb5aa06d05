"""Captures: what running a scenario leaves, as a folder.

run.json             digests of everything that went in, and for each boot what it was given and how it ended
boot-N/serial.log    every byte of the serial line
boot-N/files/PATH    files of the volume asked for, as they were after the boot
boot-N/registers.txt the processor's state, when the boot reached its time limit
boot-N/screen.ppm    the screen then, when the machine had one
boot-N/qemu.log      the emulator's own messages, when it had any
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from itertools import islice
from pathlib import Path

import structlog

from tools.boot.bench import Booted, Inputs, Workbench, boot_once, set_up
from tools.boot.plan import Plan, plans
from tools.boot.scenario import Scenario, load

__all__ = ["Inputs", "capture"]

SCHEMA = 2
_log = structlog.get_logger()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _qemu_version(qemu: Path) -> str:
    output = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout
    return output.splitlines()[0]


def _boot(bench: Workbench, scenario: Scenario, plan: Plan, folder: Path) -> Booted:
    booted = boot_once(bench, scenario, plan, folder)
    ending = booted.ending
    _log.info("booted", folder=folder.name, outcome=ending.outcome, seconds=ending.wall_seconds)
    return booted


def _identities(inputs: Inputs, scenario: Scenario) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "scenario": {
            "name": inputs.scenario.stem,
            "description": scenario.description,
            "sha256": _sha256(inputs.scenario),
            "expected_exit": scenario.expected_exit,
            "given": scenario.model_dump(
                mode="json", exclude_unset=True, exclude={"description", "boot"}
            ),
        },
        "image_sha256": _sha256(inputs.image),
        "qemu_version": _qemu_version(inputs.qemu),
        "ovmf_code_sha256": _sha256(inputs.firmware.code),
        "ovmf_vars_sha256": _sha256(inputs.firmware.variables),
    }


def capture(inputs: Inputs, output: Path) -> bool:
    """Runs the scenario and fills the folder `output`, which must not hold a capture yet.

    Raises ScenarioError, VolumeError, or OSError when a boot could not even be set up. However a guest behaves, that
    is no error: it is what the capture says.

    Returns False when a boot reached its time limit: the limit is wall-clock time, so a machine with more to spare
    might have shown something else.
    """
    scenario = load(inputs.scenario)
    run = _identities(inputs, scenario)
    with tempfile.TemporaryDirectory(prefix="llmb-") as folder:
        bench = set_up(Path(folder), inputs, Path(folder) / "disk.img")
        boots = [
            _boot(bench, scenario, plan, output / f"boot-{plan.number}")
            for plan in islice(plans(scenario), len(scenario.rows))
        ]
    run["boots"] = [booted.row() for booted in boots]
    text = json.dumps(run, indent=2) + "\n"
    (output / "run.json").write_text(text, encoding="utf-8")
    return all(booted.ending.outcome != "time_limit" for booted in boots)
