"""What a release command tells a person: one hierarchy, and an exit status a kind (docs/release.md)."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses of `release`."""

    DONE = 0
    REFUSED = 1
    """Something was looked at and is not as it should be: a bundle, a host, a device."""
    USAGE = 2
    """The call makes no sense."""
    COULD_NOT_RUN = 4
    """Nothing could be said or done: a file is missing, a target is read-only, a token is absent."""


class ReleaseError(Exception):
    """One line for a person: what was expected, what was found, where, and what to do next."""

    exit = Exit.COULD_NOT_RUN


class Refused(ReleaseError):
    """Evidence was read and says no."""

    exit = Exit.REFUSED
