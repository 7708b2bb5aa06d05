"""What can be wrong with the evidence, the policy or the ledger, said for the person who looks into it."""

from __future__ import annotations


class GuardrailError(Exception):
    """Base of every error of this package: nothing could be judged. Its text says where, what and what to do next."""


class CaptureError(GuardrailError):
    """A folder that is no capture, or one whose parts do not fit together."""


class PolicyError(GuardrailError):
    """A policy file or a `--set` that is not what the milestone's table allows."""


class LedgerError(GuardrailError):
    """A ledger that cannot be read or extended as it is."""
