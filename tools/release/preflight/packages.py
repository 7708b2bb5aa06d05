"""The table of Debian packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.release.errors import ReleaseError
from tools.release.preflight.outcome import Task

TABLE = Path(__file__).with_name("packages.txt")
_COLUMNS = 4


@dataclass(frozen=True)
class Package:
    """A package, and what it brings: a program on PATH, or an absolute pattern of files."""

    name: str
    tasks: frozenset[Task]
    sign: str
    why: str


def read_packages(path: Path = TABLE) -> tuple[Package, ...]:
    """The rows of the table. Raises ReleaseError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error
    return tuple(
        _parse(f"{path}:{number}", line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    )


def _parse(place: str, line: str) -> Package:
    fields = line.split(maxsplit=_COLUMNS - 1)
    try:
        name, tasks, sign, why = fields
        return Package(name, frozenset(map(Task, tasks.split(","))), sign, why)
    except ValueError as error:
        raise ReleaseError(f"{place}: expected name, tasks, sign, why; found {line!r}") from error
