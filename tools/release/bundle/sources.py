"""The sources of a release, each top-level file or folder by the digests that in-toto and git have for it.

A build knows the bytes that it was made from, and no commit: the same bytes are in many. `git rev-parse COMMIT:NAME`
prints the git digest of a folder or file, so anyone can ask which commits hold them. git's digest is a SHA-1; the
other one is there because of that.
Sources: in-toto's DigestSet (`gitTree`, `gitBlob`, `dirHash`), Go's dirhash.Hash1, and git's object format.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from tools.release.bundle import inputs as bundle_inputs
from tools.release.bundle.measure import measured
from tools.release.bundle.statement import Resource
from tools.release.errors import ReleaseError


def source_resource(name: str, path: Path) -> Resource:
    """A file or a folder of the sources. Raises ReleaseError when it cannot be read, or when it is neither."""
    if path.is_dir():
        return Resource(name=name, digest={"dirHash": _dir_hash(path), "gitTree": _tree(path)})
    content = bundle_inputs.read(path)
    return Resource(
        name=name, digest={"gitBlob": _blob(content), "sha256": measured(content).sha256}
    )


def _dir_hash(folder: Path) -> str:
    """What `find . -type f`, sorted and without ./, `| xargs sha256sum | sha256sum` prints in that folder."""
    lines = sorted((path.relative_to(folder).as_posix(), path) for path in _files(folder))
    listed = (f"{measured(bundle_inputs.read(path)).sha256}  {name}\n" for name, path in lines)
    return measured("".join(listed).encode()).sha256


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise ReleaseError(f"{path}: expected a file or a folder of the sources")
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _tree(folder: Path) -> str:
    """git's id of a folder: modes, names and ids of its entries, folders sorted as if their names ended in /."""
    entries = sorted(
        folder.iterdir(), key=lambda path: os.fsencode(path.name) + b"/" * path.is_dir()
    )
    return _object("tree", b"".join(map(_entry, entries)))


def _entry(path: Path) -> bytes:
    if path.is_dir():
        mode, identity = b"40000", _tree(path)
    else:
        mode = b"100755" if os.access(path, os.X_OK) else b"100644"
        identity = _blob(bundle_inputs.read(path))
    return mode + b" " + os.fsencode(path.name) + b"\0" + bytes.fromhex(identity)


def _blob(content: bytes) -> str:
    return _object("blob", content)


def _object(kind: str, content: bytes) -> str:
    heading = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(heading + content, usedforsecurity=False).hexdigest()
