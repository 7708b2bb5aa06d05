"""The boot image with a signed program."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tools.image.boot_sector import ROOT_CLUSTER
from tools.image.build import build
from tools.image.errors import NotFound
from tools.image.geometry import MIB
from tools.image.layout import File, Layout
from tools.image.volume import Volume, extract, open_volume
from tools.release.secureboot.sign import sign
from tools.release.secureboot.signers import RsaSigner

PROGRAM = "EFI/BOOT/BOOTX64.EFI"
"""What firmware starts from a removable disk."""


def sign_image(image: Path, signer: RsaSigner, output: Path) -> None:
    """Write the image anew, of the same size and with the same files, but with its program signed.

    The same image and key give the same bytes. `output` appears whole or not at all, and may be `image` itself.
    Raises ImageError, MalformedProgram, KeyUnusable, CertificateError.
    """
    with tempfile.TemporaryDirectory(prefix="llmb-") as folder:
        layout = unpack(image, Path(folder))
        program = next((file.source for file in layout.files if file.path.upper() == PROGRAM), None)
        if program is None:
            raise NotFound(f"{image} has no {PROGRAM}; give a boot image (see: list)")
        program.write_bytes(sign(program.read_bytes(), signer))
        build(layout, output)


def unpack(image: Path, folder: Path) -> Layout:
    """Copy an image's files to numbered files in `folder`; the layout that makes the image of them again."""
    with open_volume(image) as volume:
        label = _label(volume, image)
        paths = sorted(path for path, entry in volume.walk() if not entry.is_folder)
    files = []
    for number, path in enumerate(paths):
        files.append(File(path=path, source=folder / str(number)))
        extract(image, path, files[-1].source)
    size_mib = image.stat().st_size // MIB
    return Layout(label=label, files=tuple(files), free_mib=0, size_mib=size_mib)


def _label(volume: Volume, image: Path) -> str:
    entries = volume.folder(ROOT_CLUSTER).entries
    label = next((entry.alias for entry in entries if entry.is_label), None)
    if label is None:
        raise NotFound(f"the volume of {image} has no label; give an image that this project built")
    return label.decode("ascii", "replace").rstrip()
