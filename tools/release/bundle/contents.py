"""What is in an image: the program, and the models. Read by tools/image, whole files in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.image.directory import Entry
from tools.image.errors import ImageError
from tools.image.verify import verify
from tools.image.volume import Volume, open_volume
from tools.release.bundle.measure import PIECE, Measure, Measured
from tools.release.bundle.names import MODELS_IN_IMAGE, PROGRAM_IN_IMAGE
from tools.release.errors import Refused

_MODEL_ENDINGS = (".gguf", ".bin")


@dataclass(frozen=True)
class Contents:
    """The program of an image, and its models by their file names."""

    program: Measured
    models: Mapping[str, Measured]


Look = Callable[[Path], Contents]
"""How to look into an image: `read_contents`, but for tests that need thousands of small ones."""


def read_contents(image: Path) -> Contents:
    """Raises Refused when the image contradicts itself, or holds no program."""
    try:
        faults = verify(image)
        if faults:
            raise Refused(f"{faults[0].check}: {faults[0].fault} ({len(faults)} faults in all)")
        with open_volume(image) as volume:
            program = _measure(volume, volume.find(PROGRAM_IN_IMAGE))
            models = {
                path.removeprefix(MODELS_IN_IMAGE): _measure(volume, entry)
                for path, entry in volume.walk()
                if path.startswith(MODELS_IN_IMAGE)
                and path.endswith(_MODEL_ENDINGS)
                and not entry.is_folder
            }
    except ImageError as error:
        raise Refused(str(error)) from error
    return Contents(program, dict(sorted(models.items())))


def _measure(volume: Volume, entry: Entry) -> Measured:
    measure = Measure()
    for _, offset, size in volume.pieces(entry.cluster, entry.size):
        for start in range(0, size, PIECE):
            measure.add(os.pread(volume.fd, min(PIECE, size - start), offset + start))
    return measure.result
