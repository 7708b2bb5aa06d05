"""Versions of a release: MAJOR.MINOR.PATCH of Semantic Versioning 2.0.0, without suffixes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tools.release.errors import ReleaseError

_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, order=True)
class Version:
    """A version; later ones are larger."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse(text: str) -> Version:
    """Raises ReleaseError."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ReleaseError(f"expected a version as 1.2.3, found {text!r}")
    return Version(*map(int, match.groups()))


def read(path: Path) -> Version:
    """The version on the one line of tools/release/VERSION. Raises ReleaseError."""
    try:
        return parse(path.read_text(encoding="utf-8").removesuffix("\n"))
    except (OSError, ReleaseError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path}: {error}") from error


def parse_tag(tag: str, version: Version) -> None:
    """A tag is `v` and the version that is being released. Raises ReleaseError."""
    if tag != f"v{version}":
        raise ReleaseError(
            f"expected the tag v{version} (tools/release/VERSION), found {tag!r}: tag the commit that has the version"
        )
