"""Reading images back: ours, mkfs.vfat's, and hostile ones."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.image import directory
from tools.image.conftest import Imager, Judge
from tools.image.errors import CorruptImage, ImageError, NotFound
from tools.image.geometry import MIB
from tools.image.verify import verify
from tools.image.volume import extract, open_volume

TREE = {
    "EFI/BOOT/BOOTX64.EFI": random.Random(2).randbytes(70_000),
    "A long name.txt": b"x",
    "empty": b"",
}


@pytest.mark.parametrize("path", TREE)
def test_extract(imager: Imager, tmp_path: Path, path: str) -> None:
    output = tmp_path / "out"
    extract(imager(TREE), path, output)
    assert output.read_bytes() == TREE[path]


@pytest.mark.parametrize("path", ["efi/boot/bootx64.efi", "ALONGN~1.TXT", "a LONG name.TXT"])
def test_paths_ignore_case_and_know_aliases(imager: Imager, path: str) -> None:
    with open_volume(imager(TREE)) as volume:
        assert not volume.find(path).is_folder


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere", "has no 'nowhere'"),
        ("EFI/nowhere", "has no 'EFI/nowhere'"),
        ("empty/file", "no folder 'empty'"),
        ("EFI", "is a folder"),
    ],
)
def test_missing_file(imager: Imager, tmp_path: Path, path: str, told: str) -> None:
    with pytest.raises(NotFound, match=told):
        extract(imager(TREE), path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_walk_lists_everything_once(imager: Imager) -> None:
    with open_volume(imager(TREE)) as volume:
        found = {path: entry.size for path, entry in volume.walk()}
    sizes = {path: len(content) for path, content in TREE.items()}
    assert found == sizes | {"EFI": 0, "EFI/BOOT": 0}


def test_files_of_mtools_are_read(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    image, source = imager(TREE), tmp_path / "source"
    source.write_bytes(random.Random(3).randbytes(100_000))
    judge("mmd", "-i", f"{image}@@1M", "::Übung")
    judge("mdel", "-i", f"{image}@@1M", "::EFI/BOOT/BOOTX64.EFI")
    judge("mcopy", "-i", f"{image}@@1M", source, "::Übung/Long ñame.txt")
    extract(image, "Übung/Long ñame.txt", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    assert verify(image) == ()


def test_missing_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot open the image .*No such file"):
        extract(tmp_path / "nowhere.img", "a", tmp_path / "out")


def test_folder_instead_of_an_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=f"image {tmp_path}"):
        extract(tmp_path, "a", tmp_path / "out")


def poke(image: Path, offset: int, content: bytes) -> None:
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def peek(image: Path, offset: int, size: int) -> bytes:
    with image.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def test_circular_file(imager: Imager, tmp_path: Path) -> None:
    image = imager(TREE)
    with open_volume(image) as volume:
        first = volume.find("EFI/BOOT/BOOTX64.EFI").cluster
        word = volume.offset + volume.geometry.fat_offsets[0] + 4 * (first + 1)
    poke(image, word, first.to_bytes(4, "little"))
    extract_all_or_explain(image, tmp_path / "out")
    assert any("circle" in finding.fault for finding in verify(image))


def test_folder_that_contains_itself(imager: Imager) -> None:
    image = imager(TREE)
    with open_volume(image) as volume:
        folder = volume.find("EFI").cluster
        slots = directory.encode(volume.folder(folder).entries)
        offset = volume.cluster_offset(folder)
    looping = slots[:-32] + directory.make_entry("BOOT", b"BOOT       ", 0x10, folder).slots
    poke(image, offset, looping)
    with open_volume(image) as volume, pytest.raises(CorruptImage, match="contains itself"):
        list(volume.walk())


def extract_all_or_explain(image: Path, output: Path) -> None:
    """Reading ends, with content or with an error for people."""
    try:
        with open_volume(image) as volume:
            paths = [path for path, entry in volume.walk() if not entry.is_folder]
        for path in paths:
            extract(image, path, output)
    except ImageError as error:
        assert str(error)


@pytest.fixture(scope="module")
def shared_image(imager: Imager) -> Path:
    """One image for many examples, each of which restores it."""
    return imager(TREE, free_mib=0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["boot", "fat", "root", "gpt"]),
            st.integers(0, 511),
            st.binary(min_size=1, max_size=8),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_hostile_images_end_in_an_answer(
    shared_image: Path,
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[str, int, bytes]],
) -> None:
    image = shared_image
    with open_volume(image) as volume:
        areas = {
            "gpt": 512,
            "boot": MIB,
            "fat": MIB + volume.geometry.fat_offsets[0],
            "root": volume.cluster_offset(2),
        }
    undo = [
        (areas[area] + at, peek(image, areas[area] + at, len(content)))
        for area, at, content in changes
    ]
    for area, at, content in changes:
        poke(image, areas[area] + at, content)
    extract_all_or_explain(image, tmp_path_factory.mktemp("hostile") / "out")
    verify(image)
    for offset, content in undo:
        poke(image, offset, content)
