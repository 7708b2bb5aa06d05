"""A channel's metadata: read, checked against itself, extended, and written so that clients never see a half of it.

Source: The Update Framework Specification 1.0.34, sections 4 and 6 (consistent snapshots).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import Key, SecretsHandler, Signature, Signer
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from tools.release.bundle.output import replacing
from tools.release.channel.roles import tuf_key
from tools.release.errors import Refused, ReleaseError
from tools.release.keys.public_key import Signer as KeySigner

METADATA = "metadata"
TARGETS = "targets"
T = TypeVar("T", Root, Targets, Snapshot, Timestamp)
_BelowRoot = Metadata[Targets] | Metadata[Snapshot] | Metadata[Timestamp]
Expiries = Mapping[str, datetime]
"""By role, until when what is signed now is to be used."""


@dataclass(frozen=True)
class State:
    """All of a channel's present metadata."""

    root: Metadata[Root]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The roles that the keys of the present root did not sign: root was changed, and they have not been."""
        below: tuple[_BelowRoot, ...] = (self.targets, self.snapshot, self.timestamp)
        return tuple(each.signed.type for each in below if not _is_signed(self.root.signed, each))


class ReleaseSigner(Signer):
    """A release key, as TUF's library signs with one."""

    def __init__(self, signer: KeySigner) -> None:
        self._signer = signer
        self._key = tuf_key(signer.public_key)

    @property
    def public_key(self) -> Key:
        return self._key

    def sign(self, payload: bytes) -> Signature:
        return Signature(self._key.keyid, self._signer.sign(payload).hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> Signer:
        raise NotImplementedError("keys are opened by tools.release.keys")


def load(channel: Path) -> State:
    """A channel as it is. Raises Refused when its parts do not fit together, ReleaseError when there is none."""
    folder = channel / METADATA
    try:
        root = _load_newest_root(folder)
        timestamp: Metadata[Timestamp] = Metadata.from_bytes(
            (folder / "timestamp.json").read_bytes()
        )
        snapshot: Metadata[Snapshot] = _load_named(folder, Snapshot, timestamp.signed.snapshot_meta)
        meta = snapshot.signed.meta[f"{Targets.type}.json"]
        return State(root, _load_named(folder, Targets, meta), snapshot, timestamp)
    except OSError as error:
        raise ReleaseError(
            f"{channel} is no channel ({error.filename}: {error.strerror}): make one with channel init"
        ) from error
    except (RepositoryError, KeyError) as error:
        raise Refused(f"{channel} was changed by something else: {error}") from error


def _load_newest_root(folder: Path) -> Metadata[Root]:
    versions = [name for path in folder.glob("*.root.json") if (name := path.name.split(".")[0])]
    newest = max((int(each) for each in versions if each.isdecimal()), default=1)
    root: Metadata[Root] = Metadata.from_bytes((folder / f"{newest}.root.json").read_bytes())
    root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    return root


def _load_named(folder: Path, role: type[T], meta: MetaFile) -> Metadata[T]:
    content = (folder / f"{meta.version}.{role.type}.json").read_bytes()
    meta.verify_length_and_hashes(content)
    return Metadata.from_bytes(content)


def first(root: Metadata[Root], signers: Sequence[Signer], expiries: Expiries) -> State:
    """A new channel without releases. Raises ReleaseError when keys or expiries are missing."""
    targets = Metadata(Targets(expires=_expiry(expiries, Targets.type)))
    _sign(targets, root.signed, signers)
    snapshot = Metadata(Snapshot(expires=_expiry(expiries, Snapshot.type)))
    snapshot.signed.meta = {f"{Targets.type}.json": _described(targets)}
    _sign(snapshot, root.signed, signers)
    timestamp = Metadata(Timestamp(expires=_expiry(expiries, Timestamp.type)))
    timestamp.signed.snapshot_meta = _described(snapshot)
    _sign(timestamp, root.signed, signers)
    return State(root, targets, snapshot, timestamp)


def extend(
    state: State,
    signers: Sequence[Signer],
    expiries: Expiries,
    targets: Mapping[str, TargetFile] | None = None,
) -> State:
    """The metadata that comes after: of each role that has an expiry or must follow another; `targets` are added.

    Raises ReleaseError when keys or expiries are missing.
    """
    root = state.root.signed
    new_targets, new_snapshot = state.targets, state.snapshot
    if targets or Targets.type in expiries or Targets.type in state.unsigned:
        new_targets = _next(state.targets, expiries)
        new_targets.signed.targets.update(targets or {})
        _sign(new_targets, root, signers)
    changed = new_targets is not state.targets
    if changed or Snapshot.type in expiries or Snapshot.type in state.unsigned:
        new_snapshot = _next(state.snapshot, expiries)
        new_snapshot.signed.meta[f"{Targets.type}.json"] = _described(new_targets)
        _sign(new_snapshot, root, signers)
    timestamp = _next(state.timestamp, expiries)
    timestamp.signed.snapshot_meta = _described(new_snapshot)
    _sign(timestamp, root, signers)
    return State(state.root, new_targets, new_snapshot, timestamp)


def signed_root(
    root: Root, signers: Sequence[Signer], before: Root | None = None
) -> Metadata[Root]:
    """Root metadata, signed by those who it says and those who the root before says. Raises ReleaseError."""
    made = Metadata(root)
    for delegator in filter(None, (before, root)):
        keys = delegator.get_delegated_role(Root.type).keyids
        for signer in signers:
            if signer.public_key.keyid in keys:
                made.sign(signer, append=True)
    for delegator in filter(None, (before, root)):
        _check(made, delegator)
    return made


def write(channel: Path, state: State) -> None:
    """All of it, the timestamp last: until that is there, clients see what was there before. Raises ReleaseError."""
    folder = channel / METADATA
    numbered: tuple[Metadata[Root] | Metadata[Targets] | Metadata[Snapshot], ...]
    numbered = (state.root, state.targets, state.snapshot)
    for each in numbered:
        _write(folder / f"{each.signed.version}.{each.signed.type}.json", each.to_bytes())
    _write(folder / "timestamp.json", state.timestamp.to_bytes())


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)


def _next(metadata: Metadata[T], expiries: Expiries) -> Metadata[T]:
    """A copy to change and sign."""
    made = Metadata(copy.deepcopy(metadata.signed))
    made.signed.version += 1
    made.signed.expires = _expiry(expiries, made.signed.type)
    return made


def _expiry(expiries: Expiries, role: str) -> datetime:
    if role not in expiries:
        raise ReleaseError(f"expected until when {role} is to be used: give --{role}-expires DATE")
    return expiries[role]


def _described(metadata: Metadata[T]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])


def _sign(metadata: Metadata[T], root: Root, signers: Sequence[Signer]) -> None:
    keys = root.get_delegated_role(metadata.signed.type).keyids
    for signer in signers:
        if signer.public_key.keyid in keys:
            metadata.sign(signer, append=True)
    _check(metadata, root)


def _check(metadata: Metadata[T], root: Root) -> None:
    role = metadata.signed.type
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except UnsignedMetadataError as error:
        wanted = root.get_delegated_role(role)
        raise ReleaseError(
            f"{role} must be signed by {wanted.threshold} of the keys {', '.join(wanted.keyids)} of version "
            f"{root.version} of root, found {len(metadata.signatures)} that sign: give more with --key"
        ) from error


def _is_signed(root: Root, metadata: _BelowRoot) -> bool:
    try:
        root.verify_delegate(metadata.signed.type, metadata.signed_bytes, metadata.signatures)
    except UnsignedMetadataError:
        return False
    return True
