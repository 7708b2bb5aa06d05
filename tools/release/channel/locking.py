"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.release.errors import ReleaseError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One at a time changes a folder. Raises ReleaseError."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ReleaseError(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ReleaseError(f"{folder} is being changed by another process: try again") from error
    finally:
        os.close(fd)
