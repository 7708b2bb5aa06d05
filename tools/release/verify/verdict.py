"""What verification says: accepted, which takes everything to be right, or every reason why not."""

from __future__ import annotations

from dataclasses import dataclass

from tools.release.bundle.version import Version
from tools.release.verify.reasons import EXPLANATIONS, Reason


@dataclass(frozen=True, order=True)
class Finding:
    """One reason to refuse."""

    reason: Reason
    place: str
    """The file that it is about."""
    says: str
    """What was expected and what was found."""

    def as_json(self) -> dict[str, str]:
        explanation = EXPLANATIONS[self.reason]
        return {
            "reason": str(self.reason),
            "place": self.place,
            "says": self.says,
            "remedy": explanation.remedy,
        }


@dataclass(frozen=True)
class Verdict:
    """Of a whole bundle."""

    version: Version | None
    """What the bundle says that it is; to be believed only when it is accepted."""
    files: tuple[str, ...]
    """The files that were read and found right, to the last byte."""
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Only complete success: there was something to look at, and nothing is wrong with any of it."""
        return self.version is not None and bool(self.files) and not self.findings

    @property
    def reasons(self) -> frozenset[Reason]:
        return frozenset(finding.reason for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        return {
            "accepted": self.accepted,
            "version": None if self.version is None else str(self.version),
            "files": list(self.files),
            "findings": [finding.as_json() for finding in self.findings],
        }
