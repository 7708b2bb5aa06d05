"""The simulation program (firmware/simulation) at the other end of a pipe."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import TracebackType
from typing import IO, Any

from tests.captures import MARKERS
from tests.organism.history import Command
from tests.programs import simulation_program
from tools.markers.parse import LineParser, Record

Pair = tuple[int, int]


class SimulationError(Exception):
    """The program ended, or printed what is no answer."""


@dataclass(frozen=True)
class Status:
    """How the machine stands: the line of the program, field by field."""

    boot: int
    mode: str
    healthy_boots: int
    stage: int
    in_force: Pair
    is_trial: bool
    confirmed: Pair
    trial: Pair
    trial_boot: int
    applied: int
    hard_stop: bool
    can_save: bool
    pending: int
    recoveries: int


def _pair(text: str) -> Pair:
    ctx, seq = text.split(",")
    return int(ctx), int(seq)


def _bool(text: str) -> bool:
    return {"0": False, "1": True}[text]


_READERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "str": str,
    "bool": _bool,
    "Pair": _pair,
}
_FIELDS = tuple((field.name, _READERS[str(field.type)]) for field in fields(Status))
_STATUS = re.compile("= " + " ".join(rf"{name}=(\S+)" for name, _ in _FIELDS))


def parse_status(line: str) -> Status:
    match = _STATUS.fullmatch(line)
    if match is None:
        raise SimulationError(f"expected a status, found {line!r}")
    return Status(*(read(text) for (_, read), text in zip(_FIELDS, match.groups())))


@dataclass(frozen=True)
class Reply:
    """What one command brought."""

    records: tuple[Record, ...]
    status: Status


def _parser() -> LineParser:
    """Of the organism's own lines: with fewer rows it is faster, and no other line may come."""
    rows = tuple(row for row in MARKERS.marker if row.id.startswith("oo_"))
    return LineParser.of(MARKERS.model_copy(update={"marker": rows}))


class Simulation:
    """One process for many histories."""

    def __init__(self) -> None:
        self._parser = _parser()
        self._process = subprocess.Popen(
            [simulation_program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1
        )

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, *commands: Command) -> list[Reply]:
        """Runs commands and reads what each of them brought."""
        stdin, stdout = _pipes(self._process)
        stdin.write("".join(f"{command.line}\n" for command in commands).encode())
        stdin.flush()
        return [self._read(stdout) for _ in commands]

    def _read(self, stdout: IO[bytes]) -> Reply:
        records = []
        while not (line := _read_line(stdout)).startswith("= "):
            if line:  # a boot begins with an empty one
                records.append(self._parse(line))
        return Reply(tuple(records), parse_status(line))

    def _parse(self, line: str) -> Record:
        found = self._parser.parse(0, line)
        if not isinstance(found, Record):
            raise SimulationError(f"expected a marker, found {line!r}")
        return found


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise SimulationError("the program has no pipes")
    return process.stdin, process.stdout


def _read_line(stdout: IO[bytes]) -> str:
    line = stdout.readline()
    if not line.endswith(b"\n"):
        raise SimulationError(f"the program ended behind {line!r}")
    return line[:-1].decode()
