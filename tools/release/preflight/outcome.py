"""What a check can say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """What people come to do."""

    PACKAGE = "package"
    TEST = "test"
    BOOT = "boot"
    SIGN = "sign"
    PUBLISH = "publish"
    FLASH = "flash"


class State(StrEnum):
    """Of what was looked at."""

    OK = "ok"
    MISSING = "missing"
    """It was looked at, and is not as the task needs it."""
    UNKNOWN = "unknown"
    """It could not be looked at; never taken for good."""


@dataclass(frozen=True)
class Outcome:
    """What was found."""

    state: State
    found: str


def ok(found: str) -> Outcome:
    return Outcome(State.OK, found)


def missing(found: str) -> Outcome:
    return Outcome(State.MISSING, found)


def unknown(why: str) -> Outcome:
    return Outcome(State.UNKNOWN, why)
