"""The pinned packages of a lock file: name, version and sha256 of one file a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools.release.errors import ReleaseError

_LINE = re.compile(r"([A-Za-z0-9._-]+)==([^ ;]+) --hash=sha256:([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, order=True)
class Package:
    """A package of the Python index, and the sha256 of its wheel."""

    name: str
    version: str
    sha256: str

    @property
    def purl(self) -> str:
        """Package URL, as the specification normalises names of type pypi."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}"


def read(path: Path) -> tuple[Package, ...]:
    """Raises ReleaseError when a line pins nothing, or when there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ReleaseError(f"cannot read the lock {path}: {error.strerror}") from error
    packages = []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ReleaseError(
                f"{path}:{number}: expected NAME==VERSION --hash=sha256:…, found {line[:100]!r}"
            )
        packages.append(Package(*match.groups()))
    if not packages:
        raise ReleaseError(f"{path} pins no package")
    return tuple(packages)
