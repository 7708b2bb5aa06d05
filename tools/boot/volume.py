"""The volume of a working copy: what is put on it before a boot, and what is read from it after."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.boot.plan import Plan
from tools.boot.scenario import AUTORUN_PATH, CONFIG_PATH, BootSettings, Damage
from tools.image import blocks
from tools.image.errors import ImageError, NotFound
from tools.image.put import put, remove
from tools.image.volume import extract, open_volume

_FILLER_PATH = "filler.dat"


class VolumeError(Exception):
    """What is asked for is not what the image's volume can give."""


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Image errors as VolumeError, which says what was being done."""
    try:
        yield
    except ImageError as error:
        raise VolumeError(f"{what}: {error}") from error


@dataclass(frozen=True)
class VolumeReader:
    """The files of an image's volume, as they are now."""

    image: Path

    def paths(self) -> tuple[str, ...]:
        """Every file, not folders. Raises VolumeError."""
        with _told("listing the volume"), open_volume(self.image) as volume:
            return tuple(path for path, entry in volume.walk() if not entry.is_folder)

    def read(self, path: str) -> bytes | None:
        """A file's content; None when there is none. Raises VolumeError."""
        with _told(f"reading {path}"), open_volume(self.image) as volume:
            try:
                entry = volume.find(path)
            except NotFound:
                return None
            pieces = volume.pieces(entry.cluster, entry.size)
            return b"".join(blocks.read_exact(volume.fd, start, size) for _, start, size in pieces)


def prepare(image: Path, plan: Plan) -> None:
    """Does to `image`, a working copy, what the plan says before its boot. Raises VolumeError."""
    with _told(f"preparing boot {plan.number}"):
        if plan.make_room:
            remove(image, _FILLER_PATH)
        for change in plan.changes:
            _apply(image, change)
        if plan.fill:
            _fill(image)


def read(image: Path, path: str, output: Path) -> bool:
    """Copy a file of the volume to `output`; False when there is none. Raises VolumeError."""
    with _told(f"reading {path}"):
        try:
            extract(image, path, output)
        except NotFound:
            return False
        return True


def _apply(image: Path, settings: BootSettings) -> None:
    for path in settings.remove:
        remove(image, path)
    for path, content in _contents(settings).items():
        _put_bytes(image, path, content)
    for damage in settings.damage:
        _spoil(image, damage)


def _contents(settings: BootSettings) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for file in settings.files:
        contents[file.path] = contents.get(file.path, b"") + file.content
    if settings.config is not None:
        contents[CONFIG_PATH] = _lines(settings.config)
    if "autorun" in settings.model_fields_set:
        contents[AUTORUN_PATH] = _lines(settings.autorun)
    return contents


def _lines(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _put_bytes(image: Path, path: str, content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        put(image, path, Path(file.name))


def _spoil(image: Path, damage: Damage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "spoilt"
        extract(image, damage.path, copy)
        with copy.open("r+b") as file:
            file.seek(damage.offset)
            file.write(bytes.fromhex(damage.hex))
            if damage.truncate is not None:
                file.truncate(damage.truncate)
        put(image, damage.path, copy)


def _fill(image: Path) -> None:
    """Take every free cluster (a hole in the filler is a hole in the image: it costs no time)."""
    with open_volume(image) as volume:
        free = volume.fat.free * volume.geometry.cluster_size
    with tempfile.NamedTemporaryFile() as filler:
        os.truncate(filler.name, free)
        put(image, _FILLER_PATH, Path(filler.name))
