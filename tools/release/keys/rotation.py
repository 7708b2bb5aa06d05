"""From an old key to a new one: "new succeeds old from version V", signed by the old key, and chains of that.

Each key signs the versions from its own first to before its successor's first. The chain leads from whichever of its
keys a person trusts to the one that signs a version; no clock is read.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from tools.release.bundle import version as versions
from tools.release.bundle.version import Version
from tools.release.errors import ReleaseError
from tools.release.keys import revocation, statements
from tools.release.keys.errors import KeyReason, KeyRefused
from tools.release.keys.public_key import PublicKey, Signer, name_of
from tools.release.keys.revocation import Revocations
from tools.release.keys.statements import KeyLine, Statement

PAYLOAD_TYPE = "application/vnd.llm-baremetal.key-succession+json"


def _version(text: object) -> Version:
    if isinstance(text, Version):
        return text
    try:
        return versions.parse(str(text))
    except ReleaseError as error:
        raise ValueError(str(error)) from None


class Succession(Statement):
    """A key takes another's place."""

    old: KeyLine
    new: KeyLine
    from_version: Annotated[Version, PlainValidator(_version), PlainSerializer(str)]
    """The first version that the new key signs, and the old one no longer does."""
    not_after: datetime.date | None = None
    """The last day on which what the new key signed is accepted, by those who look at a calendar."""


@dataclass(frozen=True)
class Chain:
    """Successions, the oldest first: each key but the first is the successor of the one before."""

    links: tuple[Succession, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Chain:
        """A file of successions. Raises SignatureRefused; KeyRefused (broken_chain)."""
        links = statements.open_all(content, Succession, PAYLOAD_TYPE, lambda each: (each.old,))
        for before, after in pairwise(links):
            _check_order(before, after)
        keys = [link.old.key_id for link in links[:1]] + [link.new.key_id for link in links]
        if len(set(keys)) != len(keys):
            raise _broken("a key comes twice")
        return cls(links)

    def signer(
        self,
        trusted: PublicKey,
        key_id: bytes,
        version: Version,
        *,
        revocations: Revocations = revocation.NONE,
        today: datetime.date | None = None,
    ) -> PublicKey:
        """The key of that id, if a person who trusts `trusted` may take its signature of a version.

        `key_id` is what a signature names (`minisign.signer_id`). Days are looked at only when `today` is given.
        Raises KeyRefused.
        """
        revocations.check(trusted.key_id)
        if key_id == trusted.key_id:
            self._check_until(trusted, version)
            return trusted
        for link in self._links_after(trusted):
            revocations.check(link.new.key_id)
            if link.new.key_id == key_id:
                self._check_span(link, version, today)
                return link.new
        raise KeyRefused(
            KeyReason.UNKNOWN,
            f"no statement leads from the trusted key {trusted.name} to {name_of(key_id)}",
        )

    def _links_after(self, trusted: PublicKey) -> Sequence[Succession]:
        for position, link in enumerate(self.links):
            if link.old == trusted:
                return self.links[position:]
        return ()

    def _check_span(self, link: Succession, version: Version, today: datetime.date | None) -> None:
        if version < link.from_version:
            raise KeyRefused(
                KeyReason.EARLY,
                f"the key {link.new.name} signs from version {link.from_version} on, not {version}",
            )
        if today is not None and link.not_after is not None and today > link.not_after:
            raise KeyRefused(
                KeyReason.EXPIRED, f"the key {link.new.name} is accepted until {link.not_after}"
            )
        self._check_until(link.new, version)

    def _check_until(self, key: PublicKey, version: Version) -> None:
        for link in self.links:
            if link.old == key and version >= link.from_version:
                raise KeyRefused(
                    KeyReason.EXPIRED,
                    f"the key {key.name} signs versions before {link.from_version}, not {version}: "
                    f"expected a signature of {link.new.name}",
                )


def rotate(path: Path, signer: Signer, succession: Succession) -> None:
    """Adds a succession, signed by its old key, to a chain, which is made when it is not there. Raises ReleaseError."""
    line = statements.seal(signer, succession, PAYLOAD_TYPE)

    def checked(before: bytes) -> bytes:
        Chain.parse(before + line)
        return line

    statements.append(path, checked)


def _check_order(before: Succession, after: Succession) -> None:
    if after.old != before.new:
        raise _broken(
            f"the key {after.old.name} names a successor, but it was the turn of {before.new.name}"
        )
    if after.from_version <= before.from_version:
        raise _broken(
            f"the key {after.new.name} follows from version {after.from_version}, "
            f"which is not after {before.from_version}"
        )


def _broken(text: str) -> KeyRefused:
    return KeyRefused(KeyReason.BROKEN_CHAIN, f"the chain of keys is broken: {text}")
