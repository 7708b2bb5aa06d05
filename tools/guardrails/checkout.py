"""What was built: asks git, for a run that is recorded and for benchmark results."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.guardrails.errors import LedgerError


@dataclass(frozen=True)
class Checkout:
    """What was built: a commit, and whether files differ from it."""

    commit: str
    dirty: bool


def checkout(folder: Path = Path(".")) -> Checkout:
    """Of a folder. Raises LedgerError when it is no git checkout."""
    return Checkout(_git(folder, "rev-parse", "HEAD"), bool(_git(folder, "status", "--porcelain")))


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LedgerError(
            f"a run is recorded with its commit, and git does not say: {error}"
        ) from error
    return done.stdout.strip()
