"""The harness as people run it, in a process of its own: it imports the modules that it mutates, for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def python(*arguments: str, folder: Path = Path()) -> subprocess.CompletedProcess[str]:
    """Run this Python with the modules that this process can import, in a folder.

    Nothing of the environment goes with it: options for the pytest that runs this are none for the one within.
    """
    python_path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": python_path},
        capture_output=True,
        text=True,
    )


def tried(group: str) -> subprocess.CompletedProcess[str]:
    """A group's mutants against its tests."""
    return python("-m", "tests.mutations", "try", group)
