"""Changing a channel: making one, adding a release, renewing what expires, other keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuf.api.metadata import Metadata, Root, TargetFile

from tools.release.bundle import manifest as manifests
from tools.release.bundle import names, sums
from tools.release.bundle import version as versions
from tools.release.bundle.measure import Measure, Measured, measure_file, pieces
from tools.release.bundle.output import new_folder, replacing
from tools.release.bundle.version import Version
from tools.release.channel import metadata
from tools.release.channel.locking import locked
from tools.release.channel.metadata import METADATA, TARGETS, Expiries, ReleaseSigner, State
from tools.release.channel.releases import find_releases
from tools.release.channel.roles import Roles, root_of
from tools.release.errors import Refused, ReleaseError
from tools.release.keys.public_key import Signer


def init(channel: Path, roles: Roles, signers: Sequence[Signer], expiries: Expiries) -> None:
    """Make a channel without releases, whole or not at all. Raises ReleaseError."""
    keys = list(map(ReleaseSigner, signers))
    root = metadata.signed_root(root_of(roles, 1), keys)
    with new_folder(channel) as folder:
        (folder / METADATA).mkdir()
        (folder / TARGETS).mkdir()
        metadata.write(folder, metadata.first(root, keys, expiries))


def publish(
    channel: Path, bundle: Path, signers: Sequence[Signer], expiries: Expiries
) -> Version | None:
    """Add a bundle that has been verified. Its version; None when just this bundle is there already.

    Raises Refused when the bundle is not whole, is older than what is there, or another one of the same version.
    """
    version, files = read_bundle(bundle)
    targets = {
        f"{version}/{name}": TargetFile(file.size, {"sha256": file.sha256}, f"{version}/{name}")
        for name, file in files.items()
    }
    with locked(channel):
        state = _load_signed(channel)
        releases = find_releases(state.targets.signed)
        if version in releases:
            if releases[version] == targets:
                return None
            raise Refused(
                f"another bundle of version {version} is published: give it a new version"
            )
        if releases and version < max(releases):
            raise Refused(f"expected a version after {max(releases)}, found {version}")
        after = metadata.extend(state, list(map(ReleaseSigner, signers)), expiries, targets)
        _copy(bundle, files, channel / TARGETS / str(version))
        metadata.write(channel, after)
    return version


def refresh(channel: Path, signers: Sequence[Signer], expiries: Expiries) -> None:
    """Renew the roles that have an expiry, before clients take the channel for frozen. Raises ReleaseError."""
    with locked(channel):
        state = _load_signed(channel)
        keys = list(map(ReleaseSigner, signers))
        metadata.write(channel, metadata.extend(state, keys, expiries))


def rotate(channel: Path, roles: Roles, signers: Sequence[Signer], expiries: Expiries) -> int:
    """Let other keys sign, or root expire later. The version of root; can be repeated after an interruption.

    The keys of the root before and of the new one sign it; whatever their roles' keys did not sign is signed anew.
    Raises ReleaseError.
    """
    keys = list(map(ReleaseSigner, signers))
    with locked(channel):
        state = metadata.load(channel)
        root = _next_root(state.root, roles, keys)
        state = State(root, state.targets, state.snapshot, state.timestamp)
        metadata.write(channel, metadata.extend(state, keys, expiries))
    return root.signed.version


def _next_root(now: Metadata[Root], roles: Roles, keys: Sequence[ReleaseSigner]) -> Metadata[Root]:
    if root_of(roles, now.signed.version) == now.signed:
        return now
    return metadata.signed_root(root_of(roles, now.signed.version + 1), keys, now.signed)


def read_bundle(bundle: Path) -> tuple[Version, Mapping[str, Measured]]:
    """A signed bundle's version and files: just those that SHA256SUMS lists, and signatures. Raises Refused."""
    try:
        files = {each.name: _measure(each) for each in sorted(bundle.iterdir())}
        listed = sums.decode((bundle / names.SUMS).read_bytes())
        manifest = manifests.decode((bundle / names.MANIFEST).read_bytes())
    except OSError as error:
        raise ReleaseError(f"cannot read the bundle {bundle}: {error}") from error
    expected = {*listed.digests, names.SUMS, *names.SIGNATURES}
    odd = sorted(expected ^ files.keys()) + [
        name for name, sha in listed.digests.items() if name in files and files[name].sha256 != sha
    ]
    if odd or listed.faults:
        what = ", ".join(odd) or names.SUMS
        raise Refused(f"{bundle} is no whole, signed bundle ({what}): release verify says more")
    return versions.parse(manifest.version), files


def _measure(path: Path) -> Measured:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        return measure_file(fd)
    finally:
        os.close(fd)


def _load_signed(channel: Path) -> State:
    state = metadata.load(channel)
    if state.unsigned:
        raise Refused(
            f"{channel}: the keys of version {state.root.signed.version} of root did not sign "
            f"{', '.join(state.unsigned)}: run channel rotate (again)"
        )
    return state


def _copy(bundle: Path, files: Mapping[str, Measured], folder: Path) -> None:
    """Each file under the name that has its digest, so that no client ever gets another one under it."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ReleaseError(f"cannot write {folder}: {error.strerror}") from error
    for name, measured in files.items():
        with replacing(folder / f"{measured.sha256}.{name}") as file:
            measure = Measure()
            fd = os.open(bundle / name, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                for piece in pieces(fd):
                    measure.add(piece)
                    file.write(piece)
            finally:
                os.close(fd)
            if measure.result != measured:
                raise Refused(f"{bundle / name} was changed while it was published")
