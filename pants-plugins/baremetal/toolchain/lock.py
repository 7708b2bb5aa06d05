"""Reads the one-line lock files that pin a wheel by name, version and sha256."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)\s+--hash=sha256:(?P<sha256>[0-9a-f]{64})"
)


class InvalidWheelLockError(Exception):
    """The lock file of a `pinned_wheel` is not one pinned requirement with one hash."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} must hold exactly one line `name==version --hash=sha256:<64 hex digits>` "
            "(a requirements file that pip accepts; comments and `\\` continuations are fine)."
        )


@dataclass(frozen=True)
class WheelPin:
    """One wheel, named so that nothing but its exact bytes will do."""

    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the wheel in the store that the launcher fills."""
        return f"{self.sha256}.whl"


def parse_wheel_lock(path: str, text: str) -> WheelPin:
    """The only pin in `text`. Raises InvalidWheelLockError when there is none, or more than one."""
    without_comments = re.sub(r"(^|\s)#.*", "", text, flags=re.MULTILINE)
    joined = without_comments.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    pin = _PIN.fullmatch(lines[0]) if len(lines) == 1 else None
    if pin is None:
        raise InvalidWheelLockError(path)
    return WheelPin(pin["name"], pin["version"], pin["sha256"])
