"""Unpacks the wanted members of a wheel: `python extract_wheel.py WHEEL OUTPUT_DIR GLOB...`.

Runs inside a sandbox with the interpreter Pants found, so it may use the standard library only. Ends with status 1 and
one line when a glob matches nothing.
"""

from __future__ import annotations

import shutil
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Sequence
from zipfile import ZipFile, ZipInfo

_EXECUTABLE_BITS = 0o111


def extract(wheel: str, output: str, globs: Sequence[str]) -> None:
    """Writes each member of `wheel` that matches a glob below `output`, with its execute bit."""
    with ZipFile(wheel) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        for glob in globs:
            if not any(fnmatchcase(info.filename, glob) for info in files):
                sys.exit(f"No member of the wheel matches `{glob}`.")
        for info in files:
            if any(fnmatchcase(info.filename, glob) for glob in globs):
                _write(archive, info, Path(output, info.filename))


def _write(archive: ZipFile, info: ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, length=1 << 20)
    is_executable = (info.external_attr >> 16) & _EXECUTABLE_BITS
    path.chmod(0o755 if is_executable else 0o644)


if __name__ == "__main__":
    extract(sys.argv[1], sys.argv[2], sys.argv[3:])
