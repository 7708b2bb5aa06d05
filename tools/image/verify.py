"""Checking an image against its own rules: partition table, reserved sectors, FATs, files.

Each check is a function from the image to findings and stands in `CHECKS` under its name. A check
that cannot be made, because what it needs is itself broken, leaves that to the check which says so.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.image import blocks, gpt
from tools.image.boot_sector import (
    BACKUP_SECTOR,
    FSINFO_SECTOR,
    MEDIA,
    ROOT_CLUSTER,
    decode_boot_sector,
    decode_fsinfo,
    disk_faults,
)
from tools.image.directory import Entry, Listing
from tools.image.errors import CorruptImage
from tools.image.fat import MASK
from tools.image.geometry import FIRST_CLUSTER, SECTOR, clusters_of
from tools.image.names import fold
from tools.image.volume import Volume, open_image, read_fat, read_volume

_CLEAN = 0x0C000000  # the FAT's second word: unmounted cleanly, no read errors


@dataclass(frozen=True)
class Finding:
    """One fault: the check that found it, and what it is."""

    check: str
    fault: str


@dataclass(frozen=True)
class _Image:
    """What the checks look at; `volume` is None when it cannot be opened."""

    fd: int
    sectors: int
    volume: Volume | None


def verify(image: Path) -> tuple[Finding, ...]:
    """Every fault of an image, none for a sound one. Raises ImageError if it cannot be read."""
    with open_image(image) as fd:
        findings: list[Finding] = []
        try:
            volume = read_volume(fd)
        except CorruptImage as error:
            volume = None
            findings.append(Finding("volume", str(error)))
        subject = _Image(fd, blocks.file_size(fd) // SECTOR, volume)
        for name, check in CHECKS.items():
            findings += [Finding(name, fault) for fault in _run(check, subject)]
    return tuple(findings)


def _run(check: Callable[[_Image], Iterator[str]], image: _Image) -> Iterator[str]:
    try:
        yield from check(image)
    except CorruptImage as error:
        yield str(error)


def _check_mbr(image: _Image) -> Iterator[str]:
    fault = gpt.protective_mbr_fault(blocks.read_exact(image.fd, 0, SECTOR), image.sectors)
    if fault:
        yield fault


def _check_first_gpt(image: _Image) -> Iterator[str]:
    header = gpt.read_header(image.fd, 1)
    if (header.here, header.other) != (1, image.sectors - 1):
        yield (
            f"the header in sector 1 says it is in {header.here} and its backup in {header.other}; "
            f"expected 1 and {image.sectors - 1}"
        )
    partitions = gpt.read_partitions(image.fd, header)
    for partition in partitions:
        if not header.first_usable <= partition.first <= partition.last <= header.last_usable:
            yield f"the partition at sector {partition.first} leaves the usable sectors"


def _check_backup_gpt(image: _Image) -> Iterator[str]:
    backup = gpt.read_header(image.fd, image.sectors - 1)
    partitions = gpt.read_partitions(image.fd, backup)
    first = gpt.read_header(image.fd, 1)
    if first.mirrored() != replace(backup, table=first.table):
        yield "the backup header does not mirror the first"
    if gpt.read_partitions(image.fd, first) != partitions:
        yield "the backup table lists other partitions than the first"


def _check_boot_sector(image: _Image) -> Iterator[str]:
    partition = gpt.find_system_partition(image.fd, image.sectors)
    boot = blocks.read_exact(image.fd, partition.offset, SECTOR)
    backup = blocks.read_exact(image.fd, partition.offset + BACKUP_SECTOR * SECTOR, SECTOR)
    if boot != backup:
        yield f"the boot sector and its backup in sector {BACKUP_SECTOR} differ"
    decode_boot_sector(backup, partition.size)
    yield from disk_faults(boot, partition.first)


def _check_fsinfo(image: _Image) -> Iterator[str]:
    volume = image.volume
    if volume is None:
        return
    for sector in (FSINFO_SECTOR, BACKUP_SECTOR + FSINFO_SECTOR):
        raw = blocks.read_exact(volume.fd, volume.offset + sector * SECTOR, SECTOR)
        free, next_free = decode_fsinfo(raw)
        if sector == FSINFO_SECTOR and free not in (None, volume.fat.free):
            yield f"{free} clusters are said to be free; {volume.fat.free} are"
        if next_free is not None and next_free > volume.geometry.clusters + FIRST_CLUSTER:
            yield f"the search for a free cluster shall begin at {next_free}, which does not exist"


def _check_fats(image: _Image) -> Iterator[str]:
    volume = image.volume
    if volume is None:
        return
    if volume.fat.encode() != read_fat(volume.fd, volume.offset, volume.geometry, 1).encode():
        yield "the two FATs differ"
    media, end = volume.fat.head
    if media != MASK & (0x0FFFFF00 | MEDIA) or end & _CLEAN != _CLEAN:
        yield f"the FAT begins with {media:#010x} {end:#010x}; the volume was not closed cleanly"


def _check_files(image: _Image) -> Iterator[str]:
    if image.volume is not None:
        census = _Census(image.volume)
        yield from census.visit_all()
        yield from census.lost()


class _Census:
    """Walks all folders and notes whose each cluster is."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        clusters = volume.geometry.clusters + FIRST_CLUSTER
        self._owners = array("I", bytes(4 * clusters))  # by cluster; 0 for none
        self._chains = 0

    def visit_all(self) -> Iterator[str]:
        """Faults of every file and folder."""
        waiting = [("/", ROOT_CLUSTER, 0)]
        yield from self._claim("/", ROOT_CLUSTER)
        while waiting:
            path, cluster, parent = waiting.pop()
            try:
                listing = self._volume.folder(cluster)
            except CorruptImage as error:
                yield f"{path}: {error}"
                continue
            yield from _listing_faults(path, listing, cluster, parent)
            for entry in listing.children:
                faults = list(self._visit(path + entry.name, entry))
                yield from faults
                if entry.is_folder and not faults:
                    own = 0 if cluster == ROOT_CLUSTER else cluster
                    waiting.append((f"{path}{entry.name}/", entry.cluster, own))

    def lost(self) -> Iterator[str]:
        """Clusters that are in use by no file."""
        lost = [cluster for cluster in self._volume.fat.in_use() if not self._owners[cluster]]
        if lost:
            yield f"{len(lost)} clusters from {lost[0]} are in use and belong to no file"

    def _visit(self, path: str, entry: Entry) -> Iterator[str]:
        if entry.is_folder:
            if entry.size:
                yield f"{path}: a folder with the size {entry.size}, expected 0"
            yield from self._claim(path, entry.cluster)
        elif entry.size or entry.cluster:
            expected = clusters_of(entry.size, self._volume.geometry.cluster_size)
            yield from self._claim(path, entry.cluster, expected)

    def _claim(self, path: str, first: int, expected: int | None = None) -> Iterator[str]:
        """Note a chain as this path's; `expected` is how many clusters its size asks for."""
        count = 0
        self._chains += 1
        try:
            for count, cluster in enumerate(self._volume.fat.chain(first), start=1):
                if self._owners[cluster] == self._chains:
                    yield f"{path}: its cluster chain runs in a circle at {cluster}"
                    return
                if self._owners[cluster]:
                    yield f"{path}: cluster {cluster} belongs to another file, too"
                    return
                self._owners[cluster] = self._chains
        except CorruptImage as error:
            yield f"{path}: {error}"
            return
        if expected is not None and count != expected:
            yield f"{path}: its size asks for {expected} clusters, its chain has {count}"


def _listing_faults(path: str, listing: Listing, cluster: int, parent: int) -> Iterator[str]:
    yield from (f"{path}: {fault}" for fault in listing.faults)
    for key, what in ((lambda e: fold(e.name), "name"), (lambda e: e.alias, "8.3 alias")):
        counts = Counter(map(key, listing.children))
        yield from (
            f"{path}: the {what} {k!r} occurs {n} times" for k, n in counts.items() if n > 1
        )
    dots = [(e.alias.rstrip(), e.cluster) for e in listing.entries[:2] if e.is_dot]
    if cluster != ROOT_CLUSTER and dots != [(b".", cluster), (b"..", parent)]:
        yield f"{path}: does not begin with links to itself and to its parent"


CHECKS: Mapping[str, Callable[[_Image], Iterator[str]]] = {
    "mbr": _check_mbr,
    "gpt": _check_first_gpt,
    "gpt-backup": _check_backup_gpt,
    "boot-sector": _check_boot_sector,
    "fsinfo": _check_fsinfo,
    "fat": _check_fats,
    "files": _check_files,
}
