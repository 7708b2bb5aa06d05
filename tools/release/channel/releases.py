"""Which releases a channel has: its targets are named VERSION/FILE."""

from __future__ import annotations

from collections.abc import Mapping

from tuf.api.metadata import TargetFile, Targets

from tools.release.bundle import version as versions
from tools.release.bundle.names import is_plain
from tools.release.bundle.version import Version
from tools.release.channel.errors import ChannelRefused, Reason
from tools.release.errors import ReleaseError

Files = Mapping[str, TargetFile]
"""The files of a release, by the name of their target."""


def find_releases(targets: Targets) -> Mapping[Version, Files]:
    """The releases, by version. Raises ChannelRefused for a target that is no file of one."""
    found: dict[Version, dict[str, TargetFile]] = {}
    for path, file in targets.targets.items():
        folder, _, name = path.partition("/")
        try:
            version = versions.parse(folder)
        except ReleaseError:
            version = None
        if version is None or not is_plain(name):
            raise ChannelRefused(
                Reason.MALFORMED, f"expected targets named VERSION/FILE, found {path[:100]!r}"
            )
        found.setdefault(version, {})[path] = file
    return found


def file_name(path: str) -> str:
    """The file that a target is, in its release."""
    return path.partition("/")[2]
