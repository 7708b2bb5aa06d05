"""Captures among a test's inputs: what each boot said, and the files it left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tools.markers.parse import Log, Record, parse_log
from tools.markers.table import load
from tools.oo.records import RecordLog, read_folder

MARKERS = load(Path("firmware/events/markers.toml"))


@dataclass(frozen=True)
class Boot:
    """One boot of a capture."""

    folder: Path
    row: Mapping[str, Any]
    """Its row of run.json."""

    @cached_property
    def serial(self) -> str:
        return (self.folder / "serial.log").read_text(encoding="utf-8")

    @cached_property
    def markers(self) -> Log:
        return parse_log(self.serial, MARKERS)

    def only(self, marker: str) -> Record:
        """The only line of a marker."""
        (record,) = self.markers.of(marker)
        return record

    def text(self, marker: str, field: str) -> str:
        """A field of the only line of a marker."""
        return str(self.only(marker)[field])

    def file(self, path: str) -> bytes:
        """A file of the volume, as it was after the boot."""
        return (self.folder / "files" / path).read_bytes()

    def log(self, name: str) -> RecordLog:
        """A log of the volume, as it was after the boot."""
        return read_folder(self.folder / "files", MARKERS.logs[name])


def boots(name: str) -> tuple[Boot, ...]:
    """The boots of a scenario's capture, in order."""
    folder = Path("firmware.scenarios") / name
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return tuple(Boot(folder / f"boot-{n}", row) for n, row in enumerate(run["boots"], start=1))
