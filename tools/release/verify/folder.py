"""A bundle's folder as it is found: every name, and every regular file measured in one reading."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.release.bundle.measure import Measured
from tools.release.errors import ReleaseError
from tools.release.verify.reasons import Reason
from tools.release.verify.verdict import Finding

SMALL = 16 * 1024 * 1024
"""Texts, statements, signatures and sums are smaller, by far."""


@dataclass(frozen=True)
class Folder:
    """An opened folder. Names are looked up in it, never through a path that somebody could change meanwhile."""

    path: Path
    fd: int
    regular: frozenset[str]
    findings: tuple[Finding, ...]
    """Of names that are no regular files."""

    @contextmanager
    def opened(self, name: str) -> Iterator[int]:
        """A descriptor to read a regular file. Raises ReleaseError when it cannot be read, or is none any more."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.fd)
        except OSError as error:
            raise ReleaseError(f"cannot read {self.path / name}: {error.strerror}") from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ReleaseError(f"{self.path / name} was replaced while it was verified")
            yield fd
        finally:
            os.close(fd)

    def read(self, name: str) -> bytes | None:
        """A small file's content, or None when it is too large for one. Raises ReleaseError."""
        with self.opened(name) as fd, os.fdopen(os.dup(fd), "rb") as file:
            content = file.read(SMALL + 1)
        return content if len(content) <= SMALL else None


@contextmanager
def open_folder(path: Path) -> Iterator[Folder]:
    """Raises ReleaseError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ReleaseError(f"cannot open the bundle {path}: {error.strerror}") from error
    try:
        with os.scandir(fd) as entries:
            kinds = {entry.name: _finding(entry) for entry in entries}
        regular = frozenset(name for name, finding in kinds.items() if finding is None)
        yield Folder(path, fd, regular, tuple(sorted(f for f in kinds.values() if f)))
    finally:
        os.close(fd)


def _finding(entry: os.DirEntry[str]) -> Finding | None:
    name = printable(entry.name)
    if entry.is_symlink():
        return Finding(Reason.FILE_SYMLINK, name, "expected a regular file, found a symbolic link")
    if not entry.is_file(follow_symlinks=False):
        what = "a folder" if entry.is_dir(follow_symlinks=False) else "a pipe, socket or device"
        return Finding(Reason.FILE_NOT_REGULAR, name, f"expected a regular file, found {what}")
    return None


def printable(text: str) -> str:
    """Text of a stranger that cannot move a terminal's cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:200]


def name_findings(folder: Folder, expected: Collection[str]) -> Iterator[Finding]:
    """Names that are missing, unexpected, or written in another case."""
    seen = folder.regular | {finding.place for finding in folder.findings}
    extra = sorted(folder.regular - set(expected))
    for name in sorted(set(expected) - seen):
        other = next((each for each in extra if each.casefold() == name.casefold()), None)
        if other is None:
            yield Finding(Reason.FILE_MISSING, name, "it is listed, but not there")
        else:
            extra.remove(other)
            yield Finding(Reason.FILE_CASE, name, f"found {other} in its place")
    for name in extra:
        yield Finding(Reason.FILE_UNEXPECTED, printable(name), "nothing lists it")


def digest_findings(
    files: Mapping[str, Measured], digests: Mapping[str, str], sizes: Mapping[str, int]
) -> Iterator[Finding]:
    """Files that are not what is said of them."""
    for name, found in sorted(files.items()):
        size = sizes.get(name, found.size)
        if found.size != size:
            says = f"expected {size} bytes, found {found.size}"
            yield Finding(Reason.FILE_SIZE, name, says)
        if name in digests and found.sha256 != digests[name]:
            says = f"expected sha256 {digests[name]}, found {found.sha256}"
            yield Finding(Reason.FILE_DIGEST, name, says)
