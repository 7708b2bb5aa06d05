"""What the tests that boot share: the probe's image, and scenarios for the probe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.boot import installed
from tools.boot.bench import Inputs
from tools.boot.capture import capture
from tools.boot.qemu import Firmware

# As a runtime package dependency in a sandbox, or where `package` leaves it.
PLACES = ("firmware.platform.probe/probe_img.img", "dist/firmware.platform.probe/probe_img.img")


@pytest.fixture(scope="session")
def image() -> Path:
    return next(path for path in map(Path, PLACES) if path.is_file())


def said(serial: str) -> list[str]:
    """The probe's lines on the serial line, after its first."""
    return serial.partition("probe build_id=")[2].split("\n")[1:-1]


class Boot:
    """A scenario for the probe, run once."""

    def __init__(self, image: Path, folder: Path, script: str, scenario: str = "") -> None:
        toml = folder / "scenario.toml"
        # Keys of the scenario come first: a TOML table does not end before the next.
        probe = f"[[files]]\npath = 'probe.txt'\ntext = '''\n{script}'''\n"
        toml.write_text(f"description = 'probe'\n{scenario}\n{probe}", encoding="utf-8")
        self.folder = folder / "capture"
        self.final = capture(inputs(image, toml), self.folder)
        self.run: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        self.serial = (self.folder / "boot-1/serial.log").read_bytes().decode()
        self.lines = said(self.serial)

    def outcome(self, number: int = 1) -> tuple[str, int | None]:
        boot = self.run["boots"][number - 1]
        return boot["outcome"], boot["exit_code"]


def inputs(image: Path, scenario: Path) -> Inputs:
    """A scenario for an image, on the machine that is installed here."""
    code = installed.find(installed.OVMF_CODE, None)
    variables = installed.find(installed.OVMF_VARIABLES, None)
    qemu = installed.find(installed.QEMU, None)
    return Inputs(image, scenario, qemu, Firmware(code, variables))
