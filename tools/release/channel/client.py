"""Following a channel: its newest release in a folder, checked by signed metadata from the root that was trusted first.

A client's folder has `trusted-root.json` (what its first call was given), `metadata/` (what was believed since, so that
nothing older is) and `releases/BUNDLE/`, each of which appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import Updater

from tools.release.bundle.names import Names
from tools.release.bundle.output import new_folder, replacing
from tools.release.bundle.version import Version
from tools.release.channel.errors import ChannelRefused, Reason
from tools.release.channel.fetcher import ChannelFetcher, address
from tools.release.channel.locking import locked
from tools.release.channel.metadata import METADATA, TARGETS
from tools.release.channel.releases import Files, file_name, find_releases
from tools.release.errors import Refused, ReleaseError

TRUSTED_ROOT = "trusted-root.json"
RELEASES = "releases"
_LARGEST_ROOT = 512_000  # bytes; the limit that the library has for later ones
_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (tuf.UnsignedMetadataError, Reason.UNSIGNED),
    (tuf.ExpiredMetadataError, Reason.EXPIRED),
    (tuf.BadVersionNumberError, Reason.ROLLBACK),
    (tuf.LengthOrHashMismatchError, Reason.MISMATCH),
    (tuf.DownloadLengthMismatchError, Reason.TOO_LONG),
    (tuf.RepositoryError, Reason.MALFORMED),
)


@dataclass(frozen=True)
class Fetched:
    """A release in a client's folder."""

    version: Version
    path: Path
    is_new: bool
    """Whether it was not there before."""


def fetch(
    place: str,
    client: Path,
    now: datetime,
    *,
    root: Path | None = None,
    version: Version | None = None,
) -> Fetched:
    """The newest release of the channel at an address or in a folder, or the one of a version.

    `root` is the root metadata to trust, which the first call needs. Raises ChannelRefused when what is there is not to
    be believed, ReleaseError when it cannot be had; the folder then holds what it held.
    """
    channel = address(place)
    try:
        client.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReleaseError(f"cannot make the folder {client}: {error.strerror}") from error
    with locked(client), _told(place):
        updater = _updater(channel, client, _trusted(client, root))
        # The library takes the time of the machine when it is made; this is the same, or a test's.
        updater._trusted_set.reference_time = now
        updater.refresh()
        chosen, files = _choose(client, version)
        path = client / RELEASES / Names(chosen).bundle
        if os.path.lexists(path):
            _check(path, files)
            return Fetched(chosen, path, False)
        with new_folder(path) as folder:
            for target in files:
                _download(updater, target, folder)
    return Fetched(chosen, path, True)


def _updater(channel: str, client: Path, root: bytes) -> Updater:
    """Believes the root, or what followed from it since; keeps it for the next time."""
    updater = Updater(
        str(client / METADATA),
        f"{channel}/{METADATA}",
        target_base_url=f"{channel}/{TARGETS}",
        fetcher=ChannelFetcher(),
        bootstrap=root,
    )
    if not (client / TRUSTED_ROOT).exists():
        with replacing(client / TRUSTED_ROOT) as file:
            file.write(root)
    return updater


def _trusted(client: Path, root: Path | None) -> bytes:
    kept = client / TRUSTED_ROOT
    given = _read(root) if root else None
    if kept.exists():
        content = _read(kept)
        if given not in (None, content):
            raise Refused(f"{client} trusts another root than {root}: use another folder for it")
        return content
    if given is None:
        raise ReleaseError(
            f"{client} trusts no root yet: give --root FILE, the channel's root.json as its publisher gave it to you"
        )
    return given


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_ROOT)
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error


def _choose(client: Path, version: Version | None) -> tuple[Version, Files]:
    """A release of the targets that have just been believed."""
    content = (client / METADATA / f"{Targets.type}.json").read_bytes()
    targets: Metadata[Targets] = Metadata.from_bytes(content)
    releases = find_releases(targets.signed)
    if not releases:
        raise ReleaseError("the channel has no release yet")
    chosen = max(releases) if version is None else version
    if chosen not in releases:
        there = ", ".join(map(str, sorted(releases)))
        raise ReleaseError(f"the channel has no version {chosen}; there are {there}")
    return chosen, releases[chosen]


def _download(updater: Updater, target: str, folder: Path) -> None:
    info = updater.get_targetinfo(target)
    if info is None:
        raise ReleaseError(f"{target} is no target any more: try again")
    path = folder / file_name(target)
    updater.download_target(info, str(path))
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _check(path: Path, files: Files) -> None:
    """That a release which is there is the one that was published."""
    there = {each.name for each in path.iterdir()} if path.is_dir() else set()
    odd = there ^ set(map(file_name, files))
    for target, info in files.items():
        if file_name(target) in there:
            try:
                with (path / file_name(target)).open("rb") as file:
                    info.verify_length_and_hashes(file)
            except (OSError, tuf.LengthOrHashMismatchError):
                odd.add(file_name(target))
    if odd:
        raise ChannelRefused(
            Reason.MISMATCH,
            f"{path} is not what was published ({', '.join(sorted(odd))}): move it away, and fetch again",
        )


@contextmanager
def _told(place: str) -> Iterator[None]:
    """What the library says, as our errors."""
    try:
        yield
    except (tuf.RepositoryError, tuf.DownloadLengthMismatchError) as error:
        reason = next(each for kind, each in _REASONS if isinstance(error, kind))
        raise ChannelRefused(reason, f"{place}: {error}") from error
    except tuf.DownloadError as error:
        raise ReleaseError(f"cannot fetch from {place}: {error}") from error
    except OSError as error:
        raise ReleaseError(f"cannot fetch from {place}: {error}") from error
