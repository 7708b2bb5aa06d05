"""A channel's roles, for tests of its commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EXPIRES = [
    f"--{role}-expires=2999-01-0{day}"
    for day, role in enumerate(("targets", "snapshot", "timestamp"), start=1)
]


def write_roles(
    folder: Path, root: Sequence[str], online: str, threshold: int = 1, expires: str = "2999-01-01"
) -> Path:
    """`threshold` of the keys `root` sign root; `online` signs everything else."""
    lines = [
        f"[root]\nkeys = {list(root)}\nthreshold = {threshold}\nexpires = {expires}T00:00:00Z\n"
    ]
    lines += [
        f"[{role}]\nkeys = ['{online}']\nthreshold = 1\n"
        for role in ("targets", "snapshot", "timestamp")
    ]
    path = folder / "roles.toml"
    path.write_text("".join(lines))
    return path
