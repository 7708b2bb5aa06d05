"""Keys that must no longer be trusted: statements signed by the root key, or by the revoked key itself.

A signature does not show when it was made, so that a revoked key is refused for everything, whatever the date.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from tools.release.keys import statements
from tools.release.keys.errors import KeyReason, KeyRefused
from tools.release.keys.public_key import PublicKey, Signer, name_of
from tools.release.keys.statements import KeyLine, Statement

PAYLOAD_TYPE = "application/vnd.llm-baremetal.key-revocation+json"


class Revocation(Statement):
    """A key is no longer to be trusted. Date and reason are for people."""

    key: KeyLine
    date: datetime.date
    reason: str = Field(min_length=1, max_length=200)


@dataclass(frozen=True)
class Revocations:
    """All revocations of a file, by key id."""

    by_key: Mapping[bytes, Revocation]

    @classmethod
    def parse(cls, content: bytes, root: PublicKey) -> Revocations:
        """A file of revocations; the first of a key counts.

        Raises SignatureRefused, also for one bad line among good ones.
        """

        def signers(statement: Revocation) -> tuple[PublicKey, ...]:
            key = statement.key
            # An id that is not of the point may be another key's, which this one has no say in.
            return (root, key) if key == PublicKey.of(key.point) else (root,)

        found = statements.open_all(content, Revocation, PAYLOAD_TYPE, signers)
        return cls(MappingProxyType({each.key.key_id: each for each in reversed(found)}))

    def check(self, key_id: bytes) -> None:
        """Raises KeyRefused (revoked)."""
        revocation = self.by_key.get(key_id)
        if revocation is not None:
            raise KeyRefused(
                KeyReason.REVOKED,
                f"the key {name_of(key_id)} was revoked on {revocation.date}: {revocation.reason!r}",
            )


NONE = Revocations(MappingProxyType({}))
"""No key is revoked."""


def revoke(path: Path, signer: Signer, revocation: Revocation, root: PublicKey) -> None:
    """Adds a revocation to a file, which is made when it is not there.

    The signer must be the root key, or the revoked one if its id comes from its point; and the file good.
    Raises ReleaseError.
    """
    line = statements.seal(signer, revocation, PAYLOAD_TYPE)

    def checked(before: bytes) -> bytes:
        Revocations.parse(before + line, root)
        return line

    statements.append(path, checked)
