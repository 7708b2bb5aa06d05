"""A bundle as one file: a POSIX tar whose bytes depend on nothing but the bundle's files."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tools.release.bundle.output import replacing

_TIME = 315532800  # 1980-01-01, that of the files in boot images


def archive(bundle: Path, output: Path) -> None:
    """Pack a folder of files. Raises ReleaseError; `output` appears whole or not at all."""
    with replacing(output) as file, tarfile.open(
        fileobj=file, mode="w", format=tarfile.PAX_FORMAT
    ) as tar:
        for path in sorted(bundle.iterdir()):
            member = tarfile.TarInfo(f"{bundle.name}/{path.name}")
            member.size = path.stat().st_size
            member.mtime = _TIME
            member.mode = 0o644
            with path.open("rb") as content:
                tar.addfile(member, content)
