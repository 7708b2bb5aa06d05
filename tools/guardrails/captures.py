"""Captures as evidence: a scenario's folder (tools/boot/capture.py), validated, each boot's log read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tools.guardrails.errors import CaptureError
from tools.markers.parse import Log, Record, parse_log
from tools.markers.table import Table
from tools.oo.errors import MissingLog, NoReport, OoError
from tools.oo.records import RecordLog, read_log
from tools.oo.reports import read_report

SCHEMA = 2


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BootRow(_Row):
    """What run.json says of one boot."""

    outcome: str
    exit_code: int | None
    expected_exit: int
    virtual_us: int | None = Field(ge=0)
    wall_seconds: float = Field(ge=0)
    given: Mapping[str, object]
    files: tuple[str, ...]
    volume_problem: str | None

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in map(PurePosixPath, paths):
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"expected paths on the volume, found {path}")
        return paths


class ScenarioRow(_Row):
    """What run.json says of the scenario."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    given: Mapping[str, object]


class Run(_Row):
    """run.json."""

    schema_version: int = Field(alias="schema")
    scenario: ScenarioRow
    image_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    qemu_version: str
    ovmf_code_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    ovmf_vars_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    boots: tuple[BootRow, ...] = Field(min_length=1)

    @field_validator("schema_version")
    @classmethod
    def _known(cls, value: int) -> int:
        if value != SCHEMA:
            raise ValueError(
                f"expected schema {SCHEMA}, found {value}: made by another version of tools/boot"
            )
        return value


@dataclass(frozen=True)
class Boot:
    """One boot: how it ended, what it said, what it left."""

    scenario: str
    number: int
    row: BootRow
    folder: Path
    table: Table

    @property
    def place(self) -> str:
        return f"{self.scenario}/boot-{self.number}"

    @property
    def ended_as_expected(self) -> bool:
        return self.row.outcome == "debug_exit" and self.row.exit_code == self.row.expected_exit

    @cached_property
    def serial(self) -> str:
        """All of the serial line; bytes that are no UTF-8 stand as U+FFFD."""
        return (self.folder / "serial.log").read_bytes().decode("utf-8", errors="replace")

    @cached_property
    def log(self) -> Log:
        return parse_log(self.serial, self.table)

    def of(self, *markers: str) -> tuple[Record, ...]:
        """The records of some markers, in the order of the log."""
        return tuple(record for record in self.log.records if record.id in markers)

    def at(self, record: Record) -> str:
        """Where a record stands."""
        return f"{self.place}:{record.line}"

    def file(self, path: str) -> bytes | None:
        """A file of the volume as the boot left it; None when there was none."""
        return (self.folder / "files" / path).read_bytes() if path in self.row.files else None

    def kept(self, log: str) -> RecordLog | None:
        """A log of the volume; None when neither of its files is there. Raises CaptureError for contradictions."""
        first, second = self.table.logs[log].files
        try:
            return read_log(self.file(first), self.file(second))
        except MissingLog:
            return None
        except OoError as error:
            raise CaptureError(f"{self.place}: {first}, {second}: {error}") from error

    def report(self) -> str | None:
        """The metrics that the boot wrote; None when it wrote none: those of a boot before it may still be there."""
        if not self.of("metrics_written"):
            return None
        try:
            return read_report(self.file("LLMK_METRICS.LOG"), self.file("LLMK_METRICS2.LOG"))
        except NoReport:
            return None


@dataclass(frozen=True)
class Capture:
    """All boots of a scenario."""

    run: Run
    boots: tuple[Boot, ...]

    @property
    def name(self) -> str:
        return self.run.scenario.name


def read_capture(folder: Path, table: Table) -> Capture:
    """A capture. Raises CaptureError: a folder that is none, of another schema, or with a log missing."""
    try:
        run = Run.model_validate_json((folder / "run.json").read_bytes())
    except OSError as error:
        raise CaptureError(
            f"{folder}: expected a capture, which has a run.json: {error.strerror}"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise CaptureError(f"{folder}/run.json: {place or 'content'}: {first['msg']}") from error
    boots = tuple(
        Boot(run.scenario.name, number, row, folder / f"boot-{number}", table)
        for number, row in enumerate(run.boots, start=1)
    )
    for boot in boots:
        _check_files(boot)
    return Capture(run, boots)


def find_captures(folder: Path, table: Table) -> Mapping[str, Capture]:
    """The captures in the folders of a folder, by scenario. Raises CaptureError."""
    found = (read_capture(each.parent, table) for each in sorted(folder.glob("*/run.json")))
    return by_scenario(found)


def by_scenario(captures: Iterable[Capture]) -> Mapping[str, Capture]:
    """Captures by the name of their scenario. Raises CaptureError when there are two of one."""
    named: dict[str, Capture] = {}
    for capture in captures:
        if capture.name in named:
            raise CaptureError(f"there are two captures of {capture.name}; expected one a scenario")
        named[capture.name] = capture
    return MappingProxyType(named)


def _check_files(boot: Boot) -> None:
    named = ("serial.log", *(f"files/{path}" for path in boot.row.files))
    missing = [name for name in named if not (boot.folder / name).is_file()]
    if missing:
        raise CaptureError(
            f"{boot.folder}: run.json speaks of {missing[0]}, which is not there: make the capture again"
        )
