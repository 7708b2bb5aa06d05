"""A compressed image: read once, measured, unpacked to a scratch file, and looked into."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import MappingProxyType

from tools.release.bundle import xz
from tools.release.bundle.contents import Contents, Look
from tools.release.bundle.manifest import Image
from tools.release.bundle.measure import Measured
from tools.release.bundle.xz_index import CorruptXz, OtherSize, TrailingData
from tools.release.errors import Refused, ReleaseError
from tools.release.verify.folder import Folder
from tools.release.verify.reasons import Reason
from tools.release.verify.verdict import Finding

_ZEROS = bytes(xz.BLOCK)
_REASONS: Mapping[type[CorruptXz], Reason] = MappingProxyType(
    {
        CorruptXz: Reason.IMAGE_CORRUPT,
        TrailingData: Reason.IMAGE_TRAILING,
        OtherSize: Reason.IMAGE_CONTENT,
    }
)


@dataclass(frozen=True)
class ImageFile:
    """What is known of an image: its file, and what is in it (None when that is not to be believed)."""

    file: Measured
    contents: Contents | None
    findings: tuple[Finding, ...]


def read_image(folder: Folder, image: Image, sha256: str, look: Look) -> ImageFile:
    """An image of the manifest; `sha256` is that of its file as it was signed, and no other is looked into.

    Raises ReleaseError when there is no room for the unpacked image (TMPDIR).
    """
    try:
        with tempfile.TemporaryDirectory(prefix="llmb-") as scratch:
            return _unpack(folder, image, sha256, Path(scratch) / "image", look)
    except OSError as error:
        raise ReleaseError(
            f"cannot unpack {image.file}: {error.strerror}; set TMPDIR to a folder with room for {image.size} bytes"
        ) from error


def _unpack(folder: Folder, image: Image, sha256: str, scratch: Path, look: Look) -> ImageFile:
    with folder.opened(image.file) as fd, scratch.open("wb", buffering=0) as output:
        unpacked = xz.unpack(fd, image.size, lambda block: _write(output, block))
        output.truncate(output.tell())
    if unpacked.fault is not None:
        reason = _REASONS[type(unpacked.fault)]
        return ImageFile(unpacked.file, None, _one(reason, image, str(unpacked.fault)))
    if unpacked.file.sha256 != sha256:
        return ImageFile(unpacked.file, None, ())
    if unpacked.content != Measured(image.size, image.sha256):
        says = f"expected {image.size} bytes of sha256 {image.sha256}, found {unpacked.content}"
        return ImageFile(unpacked.file, None, _one(Reason.IMAGE_CONTENT, image, says))
    try:
        return ImageFile(unpacked.file, look(scratch), ())
    except Refused as error:
        says = str(error).replace(f"{scratch}: ", "")
        return ImageFile(unpacked.file, None, _one(Reason.IMAGE_LAYOUT, image, says))


def _one(reason: Reason, image: Image, says: str) -> tuple[Finding]:
    return (Finding(reason, image.file, says),)


def _write(output: FileIO, block: bytes) -> None:
    """The next block of the image; zeros take no room."""
    if block == _ZEROS:
        output.seek(len(block), os.SEEK_CUR)
        return
    view = memoryview(block)
    while view:
        view = view[output.write(view) :]
