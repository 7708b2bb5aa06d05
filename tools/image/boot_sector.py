"""The reserved sectors of a FAT32 volume: boot sector, FSInfo, and the copies of both.

pyfatfs' header classes define the fields; the values are ours, because pyfatfs' `mkfs` writes 0
heads and 0 sectors a track (which mtools refuses), no hidden sectors, a FAT size computed from
bytes instead of sectors, and a free count that it never updates.
"""

from collections.abc import Iterator

from pyfatfs.BootSectorHeader import FAT32BootSectorHeader
from pyfatfs.FSInfo import FSInfo

from tools.image.errors import CorruptImage
from tools.image.geometry import (
    FIRST_CLUSTER,
    MAX_CLUSTERS,
    MIN_CLUSTERS,
    SECTOR,
    Geometry,
)

ROOT_CLUSTER = FIRST_CLUSTER
MEDIA = 0xF8  # a fixed disk
FSINFO_SECTOR = 1
BACKUP_SECTOR = 6
_TRACK_SECTORS, _HEADS = 32, 64  # a cylinder is 1 MiB, so volumes of whole MiB end on one
_SIGNATURE = b"\x55\xaa"
_EMPTY_JUMP = b"\xeb\x58\x90"  # over the fields, to where BIOS code would be
_UNKNOWN = 0xFFFFFFFF

# What this package can read: FAT32 as it writes it and as firmware and mkfs.vfat leave it.
_REQUIRED: dict[str, tuple[int, ...]] = {
    "BPB_BytsPerSec": (SECTOR,),
    "BPB_SecPerClus": (1, 2, 4, 8, 16, 32, 64, 128),
    "BPB_NumFATs": (2,),
    "BPB_FATSz16": (0,),
    "BPB_TotSec16": (0,),
    "BPB_RootEntCnt": (0,),
    "BPB_FSVer": (0,),
    "BPB_ExtFlags": (0,),
    "BPB_RootClus": (ROOT_CLUSTER,),
    "BPB_FSInfo": (FSINFO_SECTOR,),
    "BPB_BkBootSec": (BACKUP_SECTOR,),
}


def encode_boot_sector(
    geometry: Geometry, *, label: str, volume_id: int, hidden_sectors: int
) -> bytes:
    """The boot sector; `hidden_sectors` is where the partition starts on the disk."""
    header = FAT32BootSectorHeader()
    header.update(
        BS_jmpBoot=_EMPTY_JUMP,
        BS_OEMName=b"MSWIN4.1",  # the name the specification recommends for compatibility
        BPB_BytsPerSec=SECTOR,
        BPB_SecPerClus=geometry.cluster_sectors,
        BPB_RsvdSecCnt=geometry.reserved_sectors,
        BPB_NumFATs=len(geometry.fat_offsets),
        BPB_RootEntCnt=0,
        BPB_TotSec16=0,
        BPB_Media=MEDIA,
        BPB_FATSz16=0,
        BPB_SecPerTrk=_TRACK_SECTORS,
        BPB_NumHeads=_HEADS,
        BPB_HiddSec=hidden_sectors,
        BPB_TotSec32=geometry.total_sectors,
        BPB_FATSz32=geometry.fat_sectors,
        BPB_ExtFlags=0,
        BPB_FSVer=0,
        BPB_RootClus=ROOT_CLUSTER,
        BPB_FSInfo=FSINFO_SECTOR,
        BPB_BkBootSec=BACKUP_SECTOR,
        BPB_Reserved=bytes(12),
        BS_DrvNum=0x80,
        BS_Reserved1=0,
        BS_BootSig=0x29,
        BS_VolID=volume_id,
        BS_VolLab=label.encode("ascii").ljust(11),
        BS_FilSysType=b"FAT32   ",
    )
    return bytes(header).ljust(SECTOR - 2, b"\0") + _SIGNATURE


def encode_fsinfo(free: int, next_free: int) -> bytes:
    """The FSInfo sector: how many clusters are free, and where to look for one first."""
    return bytes(FSInfo(free_count=free, next_free=next_free))


def decode_boot_sector(sector: bytes, volume_size: int) -> Geometry:
    """The geometry a boot sector states. Raises CorruptImage when it cannot be true.

    `volume_size` is the partition's size in bytes: what the volume may at most occupy.
    """
    header = FAT32BootSectorHeader()
    header.parse_header(sector)
    if sector[-2:] != _SIGNATURE:
        raise CorruptImage("the partition does not begin with a boot sector (no 55 AA at its end)")
    for name, allowed in _REQUIRED.items():
        if header[name] not in allowed:
            raise CorruptImage(
                f"boot sector: {name} is {header[name]}, expected {_either(allowed)}"
            )
    geometry = Geometry(
        total_sectors=header["BPB_TotSec32"],
        cluster_sectors=header["BPB_SecPerClus"],
        reserved_sectors=header["BPB_RsvdSecCnt"],
        fat_sectors=header["BPB_FATSz32"],
    )
    _check_areas(geometry, volume_size)
    return geometry


def disk_faults(sector: bytes, partition_start: int) -> Iterator[str]:
    """What a boot sector says wrongly about the disk around the volume."""
    header = FAT32BootSectorHeader()
    header.parse_header(sector)
    if header["BPB_HiddSec"] != partition_start:
        yield f"{header['BPB_HiddSec']} hidden sectors; the partition starts at {partition_start}"
    if not header["BPB_SecPerTrk"] or not header["BPB_NumHeads"]:
        yield "no heads or no sectors a track; mtools refuses such a volume"
    if header["BPB_Media"] != MEDIA:
        yield f"media {header['BPB_Media']:#x}, expected {MEDIA:#x}, a fixed disk"


def decode_fsinfo(sector: bytes) -> tuple[int | None, int | None]:
    """(free clusters, next free cluster) as stated, None where unknown. Raises CorruptImage."""
    info = FSInfo()
    info.parse_header(sector)
    signatures = (info["FSI_LeasSig"], info["FSI_StrucSig"], info["FSI_TrailSig"])
    if signatures != (FSInfo.LEAD_SIG_MAGIC, FSInfo.STRUCT_SIG_MAGIC, FSInfo.TRAIL_SIG_MAGIC):
        raise CorruptImage("FSInfo: a signature is wrong")
    free, next_free = info["FSI_Free_Count"], info["FSI_Nxt_Free"]
    return (None if free == _UNKNOWN else free), (None if next_free == _UNKNOWN else next_free)


def _check_areas(geometry: Geometry, volume_size: int) -> None:
    """Whether the areas follow each other inside the partition."""
    if geometry.reserved_sectors <= BACKUP_SECTOR + FSINFO_SECTOR:
        raise CorruptImage(f"boot sector: only {geometry.reserved_sectors} reserved sectors")
    if geometry.total_sectors * SECTOR > volume_size:
        raise CorruptImage(
            f"boot sector: {geometry.total_sectors} sectors do not fit a partition of "
            f"{volume_size // SECTOR}; is the image cut short?"
        )
    if not MIN_CLUSTERS <= geometry.clusters <= MAX_CLUSTERS:
        raise CorruptImage(
            f"boot sector: {geometry.clusters} clusters; FAT32 has {MIN_CLUSTERS} to {MAX_CLUSTERS}"
        )
    if geometry.fat_sectors * (SECTOR // 4) < geometry.clusters + FIRST_CLUSTER:
        raise CorruptImage(
            f"boot sector: a FAT of {geometry.fat_sectors} sectors is too small for "
            f"{geometry.clusters} clusters"
        )


def _either(values: tuple[int, ...]) -> str:
    return " or ".join(map(str, values))
