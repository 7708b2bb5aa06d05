"""Adding, replacing or removing one file in an existing image, in place.

For working copies that a boot is about to use: everything is checked before the first write, but
an interruption between the writes can leave the copy damaged. Build a new image for anything else.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tools.image import blocks, directory
from tools.image.boot_sector import BACKUP_SECTOR, FSINFO_SECTOR, ROOT_CLUSTER, encode_fsinfo
from tools.image.directory import ARCHIVE, FOLDER, Entry, Listing
from tools.image.errors import NoSpace, NotFound, TooLarge
from tools.image.geometry import SECTOR, clusters_of
from tools.image.names import assign_aliases, split_path
from tools.image.source import measure, opened
from tools.image.volume import Volume, match, open_volume


def put(image: Path, path: str, source: Path) -> None:
    """Copy `source` into the image at `path`, creating folders. Raises ImageError."""
    names = split_path(path)
    size = measure(source)
    with open_volume(image, writable=True) as volume:
        edit = _Edit(volume)
        try:
            folder = edit.enter(names[:-1])
            cluster = edit.place_file(folder, names[-1], size)
        except NoSpace as error:
            free = volume.fat.free * volume.geometry.cluster_size
            raise NoSpace(
                f"{image}: {path!r} ({size} bytes) does not fit, {error}; "
                f"build the image with more free_mib (clusters: {volume.geometry.cluster_size} "
                f"bytes, {free} bytes free)"
            ) from error
        _write_file(volume, source, cluster, size)
        edit.flush()


def remove(image: Path, path: str) -> None:
    """Take the file at `path` out of the image. Raises ImageError: NotFound when no file is there."""
    folders = split_path(path)[:-1]
    with open_volume(image, writable=True) as volume:
        entry = volume.find(path)
        if entry.is_folder:
            raise NotFound(f"{path!r} is a folder in the image; name a file (see: list)")
        edit = _Edit(volume)
        edit.remove_file(edit.enter(folders), entry)
        edit.flush()


@dataclass
class _Edit:
    """Changes collected in memory: clusters in `volume.fat`, folders by their first cluster."""

    volume: Volume
    folders: dict[int, tuple[Entry, ...]] = field(default_factory=dict)

    def enter(self, names: tuple[str, ...]) -> int:
        """The first cluster of a folder, which is created when missing."""
        cluster = ROOT_CLUSTER
        for depth, name in enumerate(names, start=1):
            entry = match(self._listing(cluster), name)
            if entry is not None and not entry.is_folder:
                raise NotFound(f"{'/'.join(names[:depth])!r} is a file in the image, not a folder")
            cluster = entry.cluster if entry else self._make_folder(cluster, name)
        return cluster

    def place_file(self, folder: int, name: str, size: int) -> int:
        """Give a file its entry and clusters, in place of what it was; its first cluster."""
        listing = self._listing(folder)
        old = match(listing, name)
        if old is not None and old.is_folder:
            raise NotFound(f"{name!r} is a folder in the image; give the file another name")
        if old is not None:
            self.volume.fat.release(old.cluster)
        cluster = self.volume.fat.allocate(clusters_of(size, self.volume.geometry.cluster_size))
        if old is None:
            entry = _new_entry(listing, name, ARCHIVE, cluster, size)
            self._store(folder, (*listing.entries, entry))
        else:
            entry = directory.make_entry(old.name, old.alias, old.attributes, cluster, size)
            self._store(folder, tuple(entry if e is old else e for e in listing.entries))
        return cluster

    def remove_file(self, folder: int, entry: Entry) -> None:
        """Take away an entry, and give its clusters back."""
        self.volume.fat.release(entry.cluster)
        self._store(folder, tuple(e for e in self._listing(folder).entries if e != entry))

    def flush(self) -> None:
        """Write folders, both FATs and both FSInfo sectors."""
        volume, geometry = self.volume, self.volume.geometry
        for cluster, entries in self.folders.items():
            size = sum(1 for _ in volume.fat.chain(cluster)) * geometry.cluster_size
            content = directory.encode(entries).ljust(size, b"\0")
            for done, offset, count in volume.pieces(cluster, size):
                blocks.write_all(volume.fd, content[done : done + count], offset)
        table = volume.fat.encode()
        for offset in geometry.fat_offsets:
            blocks.write_all(volume.fd, table, volume.offset + offset)
        fsinfo = encode_fsinfo(volume.fat.free, volume.fat.next_free)
        for sector in (FSINFO_SECTOR, BACKUP_SECTOR + FSINFO_SECTOR):
            blocks.write_all(volume.fd, fsinfo, volume.offset + sector * SECTOR)

    def _listing(self, cluster: int) -> Listing:
        if cluster in self.folders:
            return Listing(self.folders[cluster], ())
        return self.volume.folder(cluster)

    def _make_folder(self, parent: int, name: str) -> int:
        listing = self._listing(parent)
        cluster = self.volume.fat.allocate(1)
        dots = directory.dot_entries(cluster, 0 if parent == ROOT_CLUSTER else parent)
        self._store(cluster, dots)
        self._store(parent, (*listing.entries, _new_entry(listing, name, FOLDER, cluster, 0)))
        return cluster

    def _store(self, cluster: int, entries: tuple[Entry, ...]) -> None:
        """Note a folder's new content, and lengthen its chain to hold it."""
        content = directory.encode(entries)
        if len(content) > directory.MAX_FOLDER_BYTES:
            raise TooLarge("the folder is full: FAT allows 65,536 slots; use another folder")
        needed = clusters_of(len(content), self.volume.geometry.cluster_size)
        present = sum(1 for _ in self.volume.fat.chain(cluster))
        if needed > present:
            self.volume.fat.extend(cluster, needed - present)
        self.folders[cluster] = entries


def _new_entry(listing: Listing, name: str, attributes: int, cluster: int, size: int) -> Entry:
    alias = assign_aliases([name], {entry.alias for entry in listing.entries})[name]
    return directory.make_entry(name, alias, attributes, cluster, size)


def _write_file(volume: Volume, source: Path, cluster: int, size: int) -> None:
    with opened(source) as fd:
        for done, offset, count in volume.pieces(cluster, size):
            for position, content in blocks.all_blocks(fd, done, count):
                blocks.write_all(volume.fd, content, offset + position)
