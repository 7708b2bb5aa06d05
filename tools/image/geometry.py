"""The arithmetic of a FAT32 volume: how many sectors and clusters, and where each thing is.

Source: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03. Units are in the names:
sectors are 512 bytes, clusters are counted from 2, offsets are bytes from the volume's start.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tools.image.errors import TooLarge

SECTOR = 512
MIB = 1024 * 1024
MIB_SECTORS = MIB // SECTOR
FIRST_CLUSTER = 2
MIN_CLUSTERS = 65525  # fewer, and every reader takes the volume for FAT16
MAX_CLUSTERS = 0x0FFFFFF5
RESERVED_SECTORS = 32
_FATS = 2
_ENTRIES_PER_SECTOR = SECTOR // 4
_FAT_GRAIN = 4  # FAT sizes are multiples of this: the data area starts on a 4 KiB page
_CLUSTER_SECTORS = (64, 32, 16, 8, 4, 2, 1)


@dataclass(frozen=True)
class Geometry:
    """Sizes of a volume's areas: reserved sectors, two FATs, then the clusters."""

    total_sectors: int
    cluster_sectors: int
    reserved_sectors: int
    fat_sectors: int

    @property
    def clusters(self) -> int:
        """How many clusters there are; they are numbered 2 to `clusters` + 1."""
        return (self.total_sectors - self._data_sector) // self.cluster_sectors

    @property
    def cluster_size(self) -> int:
        """Bytes of a cluster."""
        return self.cluster_sectors * SECTOR

    @property
    def fat_offsets(self) -> tuple[int, int]:
        """Where the two FATs begin."""
        first = self.reserved_sectors * SECTOR
        return first, first + self.fat_sectors * SECTOR

    @property
    def _data_sector(self) -> int:
        return self.reserved_sectors + _FATS * self.fat_sectors

    def cluster_offset(self, cluster: int) -> int:
        """Where a cluster begins."""
        return self._data_sector * SECTOR + (cluster - FIRST_CLUSTER) * self.cluster_size

    def holds(self, cluster: int) -> bool:
        """Whether the volume has a cluster of this number."""
        return FIRST_CLUSTER <= cluster < FIRST_CLUSTER + self.clusters


def clusters_of(size: int, cluster_size: int) -> int:
    """Clusters that `size` bytes occupy."""
    return -(-size // cluster_size)


def divide(total_sectors: int, cluster_sectors: int) -> Geometry:
    """Divide a volume into areas, with FATs just large enough for the clusters that remain."""
    available = total_sectors - RESERVED_SECTORS + FIRST_CLUSTER * cluster_sectors
    fat = -(-available // (_ENTRIES_PER_SECTOR * cluster_sectors + _FATS))
    fat = _round_up(fat, _FAT_GRAIN)
    return Geometry(total_sectors, cluster_sectors, RESERVED_SECTORS, fat)


def choose(clusters_needed: Callable[[int], int]) -> Geometry:
    """The volume for a content, given how many clusters it needs at a cluster size in bytes.

    Large clusters make the firmware's FAT driver fast, but a volume must have at least 65,525 of
    them. So: the largest cluster whose volume is at most a quarter over the smallest possible.
    """
    volumes = [_smallest(clusters_needed(n * SECTOR), n) for n in _CLUSTER_SECTORS]
    limit = min(volume.total_sectors for volume in volumes) * 5 // 4
    return _addressable(next(v for v in volumes if v.total_sectors <= limit))


def choose_fixed(total_sectors: int, clusters_needed: Callable[[int], int]) -> Geometry:
    """A volume of exactly this size, with the largest legal clusters."""
    volumes = [divide(total_sectors, n) for n in _CLUSTER_SECTORS]
    legal = [v for v in volumes if v.clusters >= MIN_CLUSTERS]
    if not legal:
        smallest = _smallest(0, 1).total_sectors // MIB_SECTORS
        found = total_sectors // MIB_SECTORS
        raise TooLarge(f"a FAT32 volume has at least {smallest} MiB; size_mib leaves {found}")
    fitting = [v for v in legal if clusters_needed(v.cluster_size) <= v.clusters]
    if not fitting:
        needed = choose(clusters_needed).total_sectors // MIB_SECTORS
        raise TooLarge(
            f"the content needs a volume of {needed} MiB, free space included; "
            f"size_mib leaves {total_sectors // MIB_SECTORS}: raise it, or leave it out"
        )
    return _addressable(fitting[0])


def _smallest(clusters: int, cluster_sectors: int) -> Geometry:
    """The smallest volume of whole MiB with at least this many clusters, and never too few."""
    clusters = max(clusters, MIN_CLUSTERS)
    fat = _round_up(-(-(clusters + FIRST_CLUSTER) // _ENTRIES_PER_SECTOR), _FAT_GRAIN)
    sectors = RESERVED_SECTORS + _FATS * fat + clusters * cluster_sectors
    volume = divide(_round_up(sectors, MIB_SECTORS), cluster_sectors)
    if volume.clusters < clusters:  # a FAT rounded up for the MiB's remainder took the place
        volume = divide(volume.total_sectors + MIB_SECTORS, cluster_sectors)
    return volume


def _addressable(volume: Geometry) -> Geometry:
    if volume.total_sectors >> 32 or volume.clusters > MAX_CLUSTERS:
        raise TooLarge(
            f"the volume would have {volume.total_sectors * SECTOR >> 30} GiB; FAT32 ends at 2 TiB"
        )
    return volume


def _round_up(value: int, grain: int) -> int:
    return -(-value // grain) * grain
