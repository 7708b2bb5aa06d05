"""The partition table: read back, by either header, and refused when both are damaged."""

import os
import uuid
from pathlib import Path

import pytest

from tools.image import gpt
from tools.image.conftest import Imager, Judge
from tools.image.errors import CorruptImage
from tools.image.geometry import SECTOR

SECTORS = 4096 * 20
DISK = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
PARTITION = gpt.Partition(gpt.ESP_TYPE, uuid.UUID(int=7), 2048, SECTORS - 2049)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    front, back = (
        encode(SECTORS, DISK, PARTITION) for encode in (gpt.encode_front, gpt.encode_back)
    )
    path.write_bytes(front.ljust(SECTORS * SECTOR - len(back), b"\0") + back)
    return path


def find(path: Path) -> gpt.Partition:
    fd = os.open(path, os.O_RDONLY)
    try:
        return gpt.find_system_partition(fd, path.stat().st_size // SECTOR)
    finally:
        os.close(fd)


def damage(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def test_sgdisk_reads_the_same(judge: Judge, disk: Path) -> None:
    printed = judge("sgdisk", "-p", "-i", "1", disk).lower()
    assert "no problems found" in judge("sgdisk", "-v", disk).lower()
    assert str(DISK) in printed and str(PARTITION.guid) in printed
    assert "efi system partition" in printed
    assert f"last sector: {PARTITION.last}" in printed


def test_partition_is_found(disk: Path) -> None:
    assert find(disk) == PARTITION


@pytest.mark.parametrize("offset", [512, 520, 512 + 72, 1024 + 40])
def test_backup_is_used_when_the_first_is_damaged(disk: Path, offset: int) -> None:
    damage(disk, offset)
    assert find(disk) == PARTITION


def test_both_damaged(disk: Path) -> None:
    damage(disk, 512 + 24)
    damage(disk, SECTORS * SECTOR - SECTOR + 24)
    with pytest.raises(CorruptImage, match="sector 1: its checksum is wrong"):
        find(disk)


def test_not_a_disk(tmp_path: Path) -> None:
    for size in (0, 100, 5000, 100_000):
        path = tmp_path / f"{size}"
        path.write_bytes(b"x" * size)
        with pytest.raises(CorruptImage, match="no disk image|is this a disk image"):
            find(path)


def test_image_cut_short(imager: Imager) -> None:
    image = imager({"a": b"1"})
    os.truncate(image, image.stat().st_size // 2)
    with pytest.raises(CorruptImage, match="is the image cut short"):
        find(image)
