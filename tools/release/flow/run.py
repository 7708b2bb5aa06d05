"""Steps one after the other, until one fails."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    """One before it failed; never taken for good."""


@dataclass(frozen=True)
class Told:
    """What a step says: whether it passed, and in a line what was found."""

    passed: bool
    says: str


@dataclass(frozen=True)
class Step:
    """Something to be done, and what for."""

    name: str
    purpose: str
    act: Callable[[], Told]


@dataclass(frozen=True)
class Result:
    """Of a step; `seconds` of real time."""

    name: str
    state: State
    says: str
    seconds: float


def run(steps: Iterable[Step]) -> Iterator[Result]:
    """The result of each step, as it ends."""
    failed = ""
    for step in steps:
        if failed:
            yield Result(step.name, State.NOT_RUN, f"{failed} failed", 0.0)
            continue
        start = time.monotonic()
        told = step.act()
        state = State.PASSED if told.passed else State.FAILED
        failed = "" if told.passed else step.name
        yield Result(step.name, state, told.says, round(time.monotonic() - start, 1))


def command(arguments: tuple[str, ...], log: Path, *, cwd: Path) -> Told:
    """A program whose output goes to a file; the last line of it is what it says."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        try:
            status = subprocess.run(arguments, cwd=cwd, stdout=file, stderr=file).returncode
        except OSError as error:
            return Told(False, f"{arguments[0]}: {error.strerror}")
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return Told(status == 0, last if status == 0 else f"status {status}: {last} (see {log})")
