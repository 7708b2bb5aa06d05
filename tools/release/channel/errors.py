"""Why what a server gives is not believed."""

from __future__ import annotations

from enum import StrEnum

from tools.release.errors import Refused


class Reason(StrEnum):
    """What is wrong with metadata or a file; each stands for an attack that it would be a part of."""

    UNSIGNED = "unsigned"
    """Too few of the keys that may sign it have signed it (forgery, tampering, a key that was lost)."""
    EXPIRED = "expired"
    """It was to be used until a day that is over (freeze: the server holds newer releases back)."""
    ROLLBACK = "rollback"
    """It is older than what was there before, or not the next one."""
    MISMATCH = "mismatch"
    """It is not the file that signed metadata names (mix and match, altered files)."""
    TOO_LONG = "too_long"
    """There is more of it than signed metadata, or a fixed limit, allows (endless data)."""
    MALFORMED = "malformed"
    """It is not what it should be at all."""


class ChannelRefused(Refused):
    """Something of a channel is not believed."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason
