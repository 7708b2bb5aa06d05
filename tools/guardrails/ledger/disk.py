"""What changes the files of a ledger: one at a time, at once and whole, by one writer.

An interruption is therefore always before or after one of these steps, and each writer's order of them says what it
leaves.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Waits for another writer. The lock is of the folder itself: no file of it lives as long as it does."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def replace(path: Path, content: Iterable[bytes]) -> None:
    """Replaces a file, which may be what the content is read from."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    _keep_names(path.parent)


def remove(path: Path) -> None:
    """Removes a file."""
    path.unlink()
    _keep_names(path.parent)


def _keep_names(folder: Path) -> None:
    """So that the steps reach the disk in their order."""
    names = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(names)
    finally:
        os.close(names)
