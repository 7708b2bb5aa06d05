"""Why a signature or a key is not accepted, or a key cannot be used. No text holds any of a key or its passphrase."""

from __future__ import annotations

from enum import StrEnum

from tools.release.errors import Refused, ReleaseError


class Reason(StrEnum):
    """What is wrong with a signature."""

    MALFORMED = "malformed"
    """It is not of the format at all."""
    OTHER_KEY = "other_key"
    """It says that another key made it."""
    BAD_SIGNATURE = "bad_signature"
    """The key did not sign these bytes."""
    BAD_COMMENT = "bad_comment"
    """The key signed these bytes, but not with this trusted comment."""


class SignatureRefused(Refused):
    """A signature, or what was signed, is not as it should be."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class KeyReason(StrEnum):
    """What is wrong with a key, though its signatures are good."""

    UNKNOWN = "unknown"
    """No statement leads from the trusted key to it."""
    EARLY = "early"
    """It signs later versions only."""
    EXPIRED = "expired"
    """Another key signs this version, or its last day is over."""
    REVOKED = "revoked"
    """It, or a key that vouches for it, was revoked."""
    BROKEN_CHAIN = "broken_chain"
    """The statements about successors contradict each other."""


class KeyRefused(Refused):
    """A key may not sign this."""

    def __init__(self, reason: KeyReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class KeyUnusable(ReleaseError):
    """A key that cannot be read, opened or made."""
