"""What the image tests share: the judges (independent programs), and trees turned into images."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tools.image import blocks
from tools.image.build import build
from tools.image.geometry import MIB
from tools.image.layout import File, Layout

_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_PACKAGES = {"fsck.vfat": "dosfstools", "sgdisk": "gdisk", "mcopy": "mtools", "mdir": "mtools"}

Judge = Callable[..., str]
Imager = Callable[..., Path]


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Run a judge program; its output, or a failed test when it complains or is missing."""
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"

    def run(program: str, *arguments: str | Path, cwd: Path | None = None) -> str:
        found = shutil.which(program, path=path)
        if found is None:
            pytest.fail(f"{program} is missing: apt-get install {_PACKAGES[program]}")
        result = subprocess.run(
            [found, *map(str, arguments)],
            cwd=cwd,
            env={"LC_ALL": "C.UTF-8", "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )
        if result.returncode:
            pytest.fail(f"{program} {arguments}: exit {result.returncode}\n{result.stdout}")
        return result.stdout

    return run


@pytest.fixture(scope="session")
def imager(tmp_path_factory: pytest.TempPathFactory) -> Imager:
    """Make an image of a tree {path: content}; keyword arguments go to the layout."""

    def make(tree: Mapping[str, bytes | Path], **options: int) -> Path:
        folder = tmp_path_factory.mktemp("image")
        image = folder / "test.img"
        build(layout_of(tree, folder, **options), image)
        return image

    return make


def layout_of(tree: Mapping[str, bytes | Path], folder: Path, **options: int) -> Layout:
    """A layout of a tree, whose contents are written to numbered files in `folder`."""
    files = []
    for number, (path, content) in enumerate(tree.items()):
        source = content if isinstance(content, Path) else folder / f"source-{number}"
        if isinstance(content, bytes):
            source.write_bytes(content)
        files.append(File(path=path, source=source))
    return Layout(label="LLMB", files=tuple(files), **options)


def carve_volume(image: Path) -> Path:
    """The volume of an image as a file of its own, for fsck.vfat, which knows no offset."""
    volume = image.with_suffix(".vfat")
    with image.open("rb") as source, volume.open("wb") as target:
        size = blocks.file_size(source.fileno()) - 2 * MIB
        target.truncate(size)
        for offset, content in blocks.data_blocks(source.fileno(), MIB, size):
            blocks.write_all(target.fileno(), content, offset)
    return volume


def check_with_judges(judge: Judge, image: Path) -> None:
    """fsck.vfat and sgdisk find nothing to complain about."""
    fsck = judge("fsck.vfat", "-n", "-v", carve_volume(image))
    for complaint in ("wrong", "differ", "bad", "Orphan", "Duplicate", "not ", "Reclaim"):
        assert complaint not in fsck.replace("Checking we can access", ""), fsck
    assert "No problems found" in judge("sgdisk", "-v", image)


def read_with_mtools(judge: Judge, image: Path, target: Path) -> dict[str, bytes]:
    """All files of an image, as mtools reads them at the partition's offset."""
    target.mkdir()
    judge("mcopy", "-s", "-n", "-i", f"{image}@@1M", "::*", target)
    return {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }
