"""Every check finds the fault that it is for, and nothing in a sound image."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.image.conftest import Imager
from tools.image.errors import ImageError
from tools.image.geometry import MIB, SECTOR
from tools.image.verify import CHECKS, verify
from tools.image.volume import Volume, open_volume

TREE = {"EFI/BOOT/BOOTX64.EFI": b"MZ" * 5000, "a long name": b"x" * 600, "other": b"y" * 2000}
Tamper = Callable[[Volume], tuple[int, bytes]]


def test_sound_image(imager: Imager) -> None:
    assert verify(imager(TREE)) == ()


def reserved(sector: int, offset: int, content: bytes) -> Tamper:
    return lambda volume: (volume.offset + sector * SECTOR + offset, content)


def gpt(sector: int, offset: int, content: bytes) -> Tamper:
    """Sectors from the image's end are negative."""

    def place(volume: Volume) -> tuple[int, bytes]:
        size = os.fstat(volume.fd).st_size
        return (sector * SECTOR) % size + offset, content

    return place


def fat_word(path: str, nth: int, value: int, copies: int = 0) -> Tamper:
    """Overwrite the word of a file's nth cluster, in the first FAT (0) or the second (1)."""

    def place(volume: Volume) -> tuple[int, bytes]:
        cluster = list(volume.fat.chain(volume.find(path).cluster))[nth]
        offset = volume.offset + volume.geometry.fat_offsets[copies] + 4 * cluster
        return offset, value.to_bytes(4, "little")

    return place


def root_slot(name: str, offset: int, content: bytes) -> Tamper:
    """Overwrite bytes of a root entry; offsets count from its first slot."""

    def place(volume: Volume) -> tuple[int, bytes]:
        start = volume.cluster_offset(2)
        for entry in volume.folder(2).entries:
            if entry.name == name:
                break
            start += len(entry.slots)
        return start + offset, content

    return place


FAULTS: list[tuple[str, str, Tamper]] = [
    ("mbr", "no 55 AA", gpt(0, 510, b"\0")),
    ("mbr", "has type 0x0c", gpt(0, 450, b"\x0c")),
    ("mbr", "it covers", gpt(0, 458, b"\1\0\0\0")),
    ("gpt", "holds no GPT header", gpt(1, 0, b"X")),
    ("gpt", "checksum is wrong", gpt(1, 40, b"\x40")),
    ("gpt", "table in sector 2: its checksum", gpt(2, 60, b"x")),
    ("gpt-backup", "holds no GPT header", gpt(-1, 0, b"X")),
    ("gpt-backup", "checksum is wrong", gpt(-1, 24, b"\1")),
    ("gpt-backup", "table in sector", gpt(-33, 60, b"x")),
    ("boot-sector", "and its backup in sector 6 differ", reserved(6, 3, b"OTHER")),
    ("boot-sector", "hidden sectors", reserved(0, 28, bytes(4))),
    ("boot-sector", "no heads", reserved(0, 26, bytes(2))),
    ("boot-sector", "media", reserved(0, 21, b"\xf0")),
    ("volume", "BPB_BytsPerSec is 1024", reserved(0, 11, b"\0\4")),
    ("volume", "no 55 AA", reserved(0, 510, b"\0")),
    ("volume", "do not fit a partition", reserved(0, 32, b"\xff\xff\xff\x7f")),
    ("volume", "too small for", reserved(0, 36, b"\1\0\0\0")),
    ("volume", "clusters; FAT32 has", reserved(0, 13, b"\x08")),
    ("fsinfo", "clusters are said to be free", reserved(1, 488, bytes(4))),
    ("fsinfo", "shall begin at", reserved(1, 492, b"\xfe\xff\xff\x0f")),
    ("fsinfo", "a signature is wrong", reserved(7, 0, b"X")),
    ("fat", "the two FATs differ", fat_word("other", 0, 0, copies=1)),
    ("fat", "not closed cleanly", reserved(32, 4, b"\xff\xff\xff\x07")),
    ("files", "runs in a circle", lambda v: fat_word("other", 1, v.find("other").cluster)(v)),
    ("files", "leads to a free cluster", fat_word("other", 0, 0)),
    ("files", "its chain has 2", fat_word("other", 1, 0x0FFFFFFF)),
    ("files", "in use and belong to no file", fat_word("other", 1, 0x0FFFFFFF)),
    (
        "files",
        "belongs to another file",
        lambda v: fat_word("other", 0, v.find("a long name").cluster)(v),
    ),
    ("files", "its size asks for", root_slot("other", 32 + 28, b"\xff\xff\0\0")),
    ("files", "belong to no entry", root_slot("a long name", 13, b"\0")),
    ("files", "a folder with the size", root_slot("EFI", 28, b"\1")),
    ("files", "8.3 alias", root_slot("other", 32, b"ALONGN~1   ")),
    ("files", "which does not exist", root_slot("other", 32 + 20, b"\xff\x0f")),
]


@pytest.mark.parametrize(
    ("check", "fault", "tamper"), FAULTS, ids=[f"{c}: {f}" for c, f, _ in FAULTS]
)
def test_fault_is_found(imager: Imager, check: str, fault: str, tamper: Tamper) -> None:
    image = imager(TREE)
    with open_volume(image) as volume:
        offset, content = tamper(volume)
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(content)
    findings = verify(image)
    assert any(f.check == check and fault in f.fault for f in findings), findings


def test_lost_parent_link(imager: Imager) -> None:
    image = imager(TREE)
    with open_volume(image) as volume:
        offset = volume.cluster_offset(volume.find("EFI/BOOT").cluster)
    with image.open("r+b") as file:
        file.seek(offset + 32 + 26)
        file.write(b"\x09")
    assert [f.check for f in verify(image)] == ["files"]


def test_every_check_is_seen_to_fail() -> None:
    assert {check for check, _, _ in FAULTS} == set(CHECKS) | {"volume"}


def test_no_image(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no image" * 1000)
    checks = {finding.check for finding in verify(tmp_path / "text")}
    assert {"volume", "mbr", "gpt", "gpt-backup"} <= checks
    with pytest.raises(ImageError, match="nowhere"):
        verify(tmp_path / "nowhere")


def test_image_cut_short(imager: Imager) -> None:
    image = imager(TREE)
    os.truncate(image, 20 * MIB)
    assert "cut short" in verify(image)[0].fault
