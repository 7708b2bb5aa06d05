"""An image opened for reading: the FAT32 volume in its EFI system partition."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.image import blocks, directory, gpt
from tools.image.boot_sector import ROOT_CLUSTER, decode_boot_sector
from tools.image.directory import Entry, Listing
from tools.image.errors import CorruptImage, ImageError, NotFound
from tools.image.fat import Fat
from tools.image.geometry import FIRST_CLUSTER, SECTOR, Geometry
from tools.image.names import fold, split_path
from tools.image.output import replacing


@dataclass(frozen=True)
class Volume:
    """The volume: where it is in the image, its shape and its FAT (changed only by `put`)."""

    fd: int
    offset: int
    geometry: Geometry
    fat: Fat

    def cluster_offset(self, cluster: int) -> int:
        """Where a cluster begins in the image, in bytes."""
        return self.offset + self.geometry.cluster_offset(cluster)

    def pieces(self, first: int, size: int) -> Iterator[tuple[int, int, int]]:
        """Where `size` bytes of a chain are: (offset in the file, offset in the image, bytes)."""
        done = 0
        for extent in self.fat.extents(first) if size else ():
            count = min(extent.count * self.geometry.cluster_size, size - done)
            yield done, self.cluster_offset(extent.first), count
            done += count
            if done == size:
                return
        if done < size:
            raise CorruptImage(f"the cluster chain from {first} holds {done} of {size} bytes")

    def folder(self, cluster: int) -> Listing:
        """A folder's entries, by its first cluster."""
        content = bytearray()
        for extent in self.fat.extents(cluster):
            size = extent.count * self.geometry.cluster_size
            if len(content) + size > directory.MAX_FOLDER_BYTES + self.geometry.cluster_size:
                raise CorruptImage(f"the folder at cluster {cluster} is longer than FAT allows")
            content += blocks.read_exact(self.fd, self.cluster_offset(extent.first), size)
        return directory.decode(bytes(content))

    def walk(self) -> Iterator[tuple[str, Entry]]:
        """Every file and folder with its path, folders before their content."""
        seen = {ROOT_CLUSTER}
        waiting = [("", ROOT_CLUSTER)]
        while waiting:
            prefix, cluster = waiting.pop()
            for entry in self.folder(cluster).children:
                path = prefix + entry.name
                yield path, entry
                if entry.is_folder and entry.cluster in seen:
                    raise CorruptImage(f"the folder {path} contains itself or is in two places")
                if entry.is_folder:
                    seen.add(entry.cluster)
                    waiting.append((f"{path}/", entry.cluster))

    def find(self, path: str) -> Entry:
        """The file or folder at a path, ignoring case. Raises NotFound."""
        *folders, last = split_path(path)
        cluster = ROOT_CLUSTER
        for name in folders:
            folder = match(self.folder(cluster), name)
            if folder is None or not folder.is_folder:
                raise NotFound(f"the image has no {path!r}: there is no folder {name!r}")
            cluster = folder.cluster
        entry = match(self.folder(cluster), last)
        if entry is None:
            raise NotFound(f"the image has no {path!r} (see: list)")
        return entry


def match(listing: Listing, name: str) -> Entry | None:
    """The entry that FAT takes for `name`: by long name or by alias, ignoring case."""
    wanted = fold(name)
    for entry in listing.children:
        if fold(entry.name) == wanted or directory.alias_text(entry.alias) == wanted:
            return entry
    return None


@contextmanager
def open_volume(image: Path, *, writable: bool = False) -> Iterator[Volume]:
    """Open an image's volume. Raises CorruptImage, or ImageError as `open_image` does."""
    with open_image(image, writable=writable) as fd:
        try:
            yield read_volume(fd)
        except CorruptImage as error:
            raise CorruptImage(f"{image}: {error}") from error


@contextmanager
def open_image(image: Path, *, writable: bool = False) -> Iterator[int]:
    """A descriptor of an image. Raises ImageError when it cannot be opened, read or written."""
    try:
        fd = os.open(image, os.O_RDWR if writable else os.O_RDONLY)
    except OSError as error:
        raise ImageError(f"cannot open the image {image}: {error.strerror}") from error
    try:
        yield fd
    except OSError as error:
        raise ImageError(f"the image {image}: {error.strerror}") from error
    finally:
        os.close(fd)


def extract(image: Path, path: str, output: Path) -> None:
    """Copy one file out of an image; `output` appears whole or not at all."""
    with open_volume(image) as volume:
        entry = volume.find(path)
        if entry.is_folder:
            raise NotFound(f"{path!r} is a folder; name a file (see: list)")
        with replacing(output) as target:
            os.ftruncate(target, entry.size)
            for done, offset, size in volume.pieces(entry.cluster, entry.size):
                for position, content in blocks.data_blocks(volume.fd, offset, size):
                    blocks.write_all(target, content, done + position)


def read_volume(fd: int) -> Volume:
    """The volume of an opened image. Raises CorruptImage."""
    sectors = blocks.file_size(fd) // SECTOR
    partition = gpt.find_system_partition(fd, sectors)
    boot_sector = blocks.read_exact(fd, partition.offset, SECTOR)
    geometry = decode_boot_sector(boot_sector, partition.size)
    return Volume(fd, partition.offset, geometry, read_fat(fd, partition.offset, geometry, 0))


def read_fat(fd: int, volume_offset: int, geometry: Geometry, copy: int) -> Fat:
    """One of the volume's two FATs."""
    size = 4 * (geometry.clusters + FIRST_CLUSTER)
    return Fat.decode(blocks.read_exact(fd, volume_offset + geometry.fat_offsets[copy], size))
