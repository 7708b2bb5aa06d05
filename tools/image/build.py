"""Writing a new image: GPT, FAT32 volume, files.

What pyfatfs does and what it does not. Its classes define every FAT structure written here (boot
sector, FSInfo, directory slots, 8.3 names and their checksums). Its file system object is not used:
`mkfs` offers no choice of the cluster size and computes the FAT size wrongly, every entry gets the
time of day, and writing 98 MB takes 0.72 s. The layout is known before the first byte is written,
so each file is one run of clusters and is copied with one large write after another.

The same layout and contents give the same bytes anywhere: the order is by name, time stamps are
1980-01-01, and the GUIDs and the volume id come from a digest of everything else.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.image import blocks, directory, gpt
from tools.image.boot_sector import (
    BACKUP_SECTOR,
    FSINFO_SECTOR,
    encode_boot_sector,
    encode_fsinfo,
)
from tools.image.geometry import SECTOR
from tools.image.layout import Layout
from tools.image.output import replacing
from tools.image.plan import Content, Names, Plan, SourceFile, make_plan
from tools.image.source import measure, opened

_SEGMENT = 8 * 1024 * 1024
_VOLUME_OFFSET = gpt.PARTITION_START * SECTOR


@dataclass(frozen=True)
class _Identity:
    """What tells this image from others: functions of its content."""

    disk: uuid.UUID
    partition: uuid.UUID
    volume_id: int


@dataclass(frozen=True)
class _Segment:
    """A part of a file that one worker copies: where it is, its bytes, where they go."""

    source: Path
    start: int
    size: int
    target: int


def build(layout: Layout, output: Path) -> None:
    """Write the image of a layout. Raises ImageError; `output` appears whole or not at all."""
    files = {
        tuple(file.path.split("/")): SourceFile(file.source, measure(file.source))
        for file in layout.files
    }
    plan = make_plan(Content(layout.label, files), layout.free_mib, layout.size_mib)
    with replacing(output) as fd:
        os.ftruncate(fd, plan.image_sectors * SECTOR)
        _write_folders(fd, plan)
        _write_fats(fd, plan)
        identity = _identify(plan, _write_files(fd, plan))
        _write_reserved(fd, plan, identity)
        _write_partition_table(fd, plan, identity)


def _offset(plan: Plan, path: Names) -> int:
    return _VOLUME_OFFSET + plan.geometry.cluster_offset(plan.clusters[path])


def _write_folders(fd: int, plan: Plan) -> None:
    for path in plan.content.folders:
        content = directory.encode(plan.content.entries(path, plan.clusters))
        blocks.write_all(fd, content, _offset(plan, path))


def _write_files(fd: int, plan: Plan) -> list[str]:
    """Copy every file, on all cores; the digests of their segments, in the order of the disk."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(partial(_copy_segment, fd), _segments(plan)))


def _segments(plan: Plan) -> Iterator[_Segment]:
    for path, file in sorted(plan.content.files.items()):
        for start in range(0, file.size, _SEGMENT):
            size = min(_SEGMENT, file.size - start)
            yield _Segment(file.source, start, size, _offset(plan, path) + start)


def _copy_segment(fd: int, segment: _Segment) -> str:
    """Copy a segment and digest it on the way: its blocks that are not zero, with their offsets.

    So the digest is that of the content, whether or not the source is a sparse file here.
    """
    sha = hashlib.sha256()
    with opened(segment.source) as source:
        for position, content in blocks.data_blocks(source, segment.start, segment.size):
            sha.update(position.to_bytes(8, "little"))
            sha.update(content)
            blocks.write_all(fd, content, segment.target + position)
    return sha.hexdigest()


def _write_fats(fd: int, plan: Plan) -> None:
    content = plan.fat.encode()
    for offset in plan.geometry.fat_offsets:
        blocks.write_all(fd, content, _VOLUME_OFFSET + offset)


def _write_reserved(fd: int, plan: Plan, identity: _Identity) -> None:
    boot = encode_boot_sector(
        plan.geometry,
        label=plan.content.label,
        volume_id=identity.volume_id,
        hidden_sectors=gpt.PARTITION_START,
    )
    fsinfo = encode_fsinfo(plan.fat.free, plan.fat.next_free)
    for sector in (0, BACKUP_SECTOR):
        blocks.write_all(fd, boot, _VOLUME_OFFSET + sector * SECTOR)
        blocks.write_all(fd, fsinfo, _VOLUME_OFFSET + (sector + FSINFO_SECTOR) * SECTOR)


def _write_partition_table(fd: int, plan: Plan, identity: _Identity) -> None:
    sectors = plan.image_sectors
    last = gpt.PARTITION_START + plan.geometry.total_sectors - 1
    partition = gpt.Partition(gpt.ESP_TYPE, identity.partition, gpt.PARTITION_START, last)
    blocks.write_all(fd, gpt.encode_front(sectors, identity.disk, partition), 0)
    back = gpt.encode_back(sectors, identity.disk, partition)
    blocks.write_all(fd, back, sectors * SECTOR - len(back))


def _identify(plan: Plan, digests: list[str]) -> _Identity:
    """Ids from a digest of all that is in the image: its shape, its label, its files."""
    described = {
        "label": plan.content.label,
        "sectors": plan.geometry.total_sectors,
        "cluster_sectors": plan.geometry.cluster_sectors,
        "files": [["/".join(path), file.size] for path, file in sorted(plan.content.files.items())],
        "segments": digests,
    }
    content = json.dumps(described, sort_keys=True).encode("ascii")

    def derive(purpose: bytes) -> bytes:
        return hashlib.sha256(purpose + b"\0" + content).digest()

    return _Identity(
        disk=uuid.UUID(bytes=derive(b"disk")[:16], version=5),
        partition=uuid.UUID(bytes=derive(b"partition")[:16], version=5),
        volume_id=int.from_bytes(derive(b"volume")[:4], "little"),
    )
