"""Writing an image to a stick: everything that is checked, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.image.geometry import SECTOR
from tools.release.errors import Refused, ReleaseError
from tools.release.flash.device import ROOT, Target, look
from tools.release.flash.source import Progress, Source, read_source


@dataclass(frozen=True)
class Plan:
    """An image, and where it may be written to."""

    source: Source
    target: Target

    @property
    def says(self) -> tuple[tuple[str, str], ...]:
        """What a person should see before: (what, of which)."""
        target = self.target
        kind = "regular file" if target.device is None else "removable disk"
        disk = [("model", target.model or "unknown"), ("serial", target.serial or "unknown")]
        return (
            ("image", f"{self.source.path}, {self.source.size} bytes raw"),
            ("sha256", f"{self.source.sha256} (raw)"),
            ("write to", f"{target.path}, a {kind} of {_size(target.size)}"),
            *(() if target.device is None else disk),
        )


@contextmanager
def planned(image: Path, device: Path, progress: Progress, root: Path = ROOT) -> Iterator[Plan]:
    """A plan whose image stays opened. Raises Refused with every reason, ReleaseError; nothing is written."""
    target = look(device, root)
    _refuse(target, list(refusals(target)))
    try:
        file = image.open("rb")
    except OSError as error:
        raise ReleaseError(f"cannot read the image {image}: {error.strerror}") from error
    with file:
        source = read_source(image, file, progress)
        if target.size < source.size:
            says = f"it has {target.size} bytes, the image needs {source.size}"
            _refuse(target, [f"{says}: use a larger one"])
        if target.path == image.resolve():
            _refuse(target, ["it is the image itself"])
        yield Plan(source, target)


def refusals(target: Target) -> Iterator[str]:
    """Every reason not to write to it, whatever the image."""
    if target.partition:
        yield "it is a partition: name the whole disk, as /dev/sdX"
    if not target.removable:
        yield "it is no removable disk, so perhaps one of this machine's own"
        return  # and no advice how to free it
    if target.read_only:
        yield "it is read-only: look for a switch on it"
    if target.sector != SECTOR:
        yield f"its sectors have {target.sector} bytes, and the image is made for {SECTOR}"
    yield from target.uses


def _refuse(target: Target, reasons: list[str]) -> None:
    if reasons:
        raise Refused(f"{target.path} is not written to: {'; '.join(reasons)}")


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
