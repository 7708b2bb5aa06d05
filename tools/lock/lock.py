"""Lock text from pip's installation report.

The report is the JSON of `pip install --report` (pip's "Installation Report", version 1). A lock
is a requirements file in pip's hash-checking form, so pip, Pants and people can read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SHA256 = re.compile(r"[0-9a-f]{64}")


class LockError(Exception):
    """A resolution that cannot be pinned by hash; the message names the package and the remedy."""


@dataclass(frozen=True, order=True)
class Pin:
    """One wheel: normalised project name, exact version, lower-case hexadecimal sha256."""

    name: str
    version: str
    sha256: str

    def line(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def normalise(name: str) -> str:
    """The project name in the normal form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(report: Mapping[str, Any]) -> tuple[Pin, ...]:
    """The pins of pip's installation report, by name.

    Raises:
        LockError: a package without a sha256, or one that pip took from a source distribution.
    """
    return tuple(sorted(_pin(item) for item in report["install"]))


def lock_text(*, source: str, python: str, pinned: Iterable[Pin]) -> str:
    """The text of the lock made from the requirements file `source` for CPython `python`."""
    header = (
        f"# Made from {source} for CPython {python} by `python3.11 -m tools.lock`; do not edit.\n"
    )
    return header + "".join(f"{pin.line()}\n" for pin in pinned)


def _pin(item: Mapping[str, Any]) -> Pin:
    metadata, download = item["metadata"], item["download_info"]
    name, version = normalise(metadata["name"]), metadata["version"]
    sha256 = download.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    if not _SHA256.fullmatch(sha256):
        raise LockError(
            f"{name}=={version}: expected a sha256 in pip's report, found {sha256!r}; use pip 23 or newer"
        )
    if not download["url"].partition("#")[0].endswith(".whl"):
        raise LockError(
            f"{name}=={version}: expected a wheel, found a source distribution; pin another version"
        )
    return Pin(name, version, sha256)
