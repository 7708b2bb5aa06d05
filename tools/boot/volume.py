"""The volume of a working copy: what a scenario puts on it before the first boot, and what is read back after."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tools.boot.scenario import AUTORUN_PATH, CONFIG_PATH, Damage, Scenario
from tools.image.errors import ImageError, NotFound
from tools.image.put import put
from tools.image.volume import extract, open_volume

_FILLER_PATH = "filler.dat"


class VolumeError(Exception):
    """The scenario asks for what the image's volume cannot give."""


def prepare(image: Path, scenario: Scenario) -> None:
    """Put the scenario's files, damage and faults on `image`, a working copy. Raises VolumeError."""
    try:
        for path, content in _contents(scenario).items():
            _put_bytes(image, path, content)
        for damage in scenario.damage:
            _spoil(image, damage)
        if "full_volume" in scenario.faults:
            _fill(image)
    except ImageError as error:
        raise VolumeError(str(error)) from error


def read(image: Path, path: str, output: Path) -> bool:
    """Copy a file of the volume to `output`; False when there is none. Raises VolumeError."""
    try:
        extract(image, path, output)
    except NotFound:
        return False
    except ImageError as error:
        raise VolumeError(str(error)) from error
    return True


def _contents(scenario: Scenario) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for file in scenario.files:
        contents[file.path] = contents.get(file.path, b"") + file.content
    if scenario.config is not None:
        contents[CONFIG_PATH] = _lines(scenario.config)
    if scenario.autorun:
        contents[AUTORUN_PATH] = _lines(scenario.autorun)
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
