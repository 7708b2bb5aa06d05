"""Who signs what in a channel: roles.toml.

A role is a table with `keys` (second lines of .pub files) and `threshold` (how many of them must sign); `root` also has
`expires`, a date and time with an offset.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Role, Root, Snapshot, Targets, Timestamp

from tools.release.errors import ReleaseError
from tools.release.keys.public_key import PublicKey

ROLES = (Root.type, Targets.type, Snapshot.type, Timestamp.type)


class _Role(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    keys: tuple[str, ...] = Field(strict=False, min_length=1)
    threshold: int = Field(ge=1)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if len(set(self.keys)) != len(self.keys):
            raise ValueError("a key is named twice")
        if self.threshold > len(self.keys):
            raise ValueError(f"{self.threshold} of {len(self.keys)} keys can never sign")
        return self


class _RootRole(_Role):
    expires: AwareDatetime


class Roles(BaseModel):
    """Every role."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    root: _RootRole
    targets: _Role
    snapshot: _Role
    timestamp: _Role


def read_roles(path: Path) -> Roles:
    """Raises ReleaseError."""
    try:
        return Roles.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise ReleaseError(f"{path}: {place}: {fault['msg']}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ReleaseError(f"{path}: cannot read the roles: {error}") from error


def root_of(roles: Roles, version: int) -> Root:
    """The root metadata that says so. Raises ReleaseError for a key that is none."""
    keys: dict[str, SSlibKey] = {}
    by_role: dict[str, Role] = {}
    for name, role in _by_name(roles).items():
        these = [tuf_key(_public_key(name, line)) for line in role.keys]
        keys.update((key.keyid, key) for key in these)
        by_role[name] = Role([key.keyid for key in these], role.threshold)
    expires = roles.root.expires.astimezone(UTC).replace(microsecond=0)
    return Root(version, expires=expires, keys=dict(keys), roles=by_role)


def tuf_key(key: PublicKey) -> SSlibKey:
    """A release key as TUF has it; its id is the name by which people know the key."""
    return SSlibKey(key.name, "ed25519", "ed25519", {"public": key.point.hex()})


def _by_name(roles: Roles) -> Mapping[str, _Role]:
    return {Root.type: roles.root, **{name: getattr(roles, name) for name in ROLES[1:]}}


def _public_key(role: str, line: str) -> PublicKey:
    """A key whose id comes from its point: under two ids, one key would count for two."""
    try:
        key = PublicKey.from_line(line)
    except ReleaseError as error:
        raise ReleaseError(f"roles: {role}: {error}") from error
    if key != PublicKey.of(key.point):
        raise ReleaseError(
            f"roles: {role}: expected a key made by release keys keygen, found {key.name}, whose id is not of its point"
        )
    return key
