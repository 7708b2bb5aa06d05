"""From a layout to a volume: folders, aliases, and which clusters hold what. Pure arithmetic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.image import directory, gpt
from tools.image.directory import ARCHIVE, FOLDER, SLOT, Entry
from tools.image.errors import TooLarge
from tools.image.fat import Fat
from tools.image.geometry import MIB, MIB_SECTORS, Geometry, choose, choose_fixed, clusters_of
from tools.image.names import assign_aliases, fold

Names = tuple[str, ...]
ROOT: Names = ()


@dataclass(frozen=True)
class SourceFile:
    """A file to copy and its size in bytes."""

    source: Path
    size: int


@dataclass(frozen=True)
class Content:
    """What a volume shall hold: its label and its files by path."""

    label: str
    files: Mapping[Names, SourceFile]

    @cached_property
    def folders(self) -> Mapping[Names, tuple[str, ...]]:
        """Each folder's children, in an order that does not depend on the layout's."""
        children: dict[Names, set[str]] = {ROOT: set()}
        for path in self.files:
            for depth in range(len(path)):
                children.setdefault(path[:depth], set()).add(path[depth])
        by_name = {path: tuple(sorted(children[path], key=_order)) for path in children}
        return dict(sorted(by_name.items()))

    @cached_property
    def _aliases(self) -> Mapping[Names, Mapping[str, bytes]]:
        return {path: assign_aliases(names, ()) for path, names in self.folders.items()}

    def entries(self, folder: Names, clusters: Mapping[Names, int]) -> Iterable[Entry]:
        """A folder's entries; `clusters` gives the first cluster of each path that has one."""
        if folder == ROOT:
            yield directory.make_label(self.label)
        else:
            parent = clusters.get(folder[:-1], 0) if len(folder) > 1 else 0
            yield from directory.dot_entries(clusters.get(folder, 0), parent)
        for name in self.folders[folder]:
            path = (*folder, name)
            file = self.files.get(path)
            yield directory.make_entry(
                name,
                self._aliases[folder][name],
                FOLDER if file is None else ARCHIVE,
                clusters.get(path, 0),
                0 if file is None else file.size,
            )

    def folder_bytes(self, folder: Names) -> int:
        """A folder's size. Raises TooLarge."""
        size = sum(len(entry.slots) for entry in self.entries(folder, {}))
        if size > directory.MAX_FOLDER_BYTES:
            raise TooLarge(
                f"the folder {'/'.join(folder) or '/'} needs {size // SLOT} directory slots; "
                f"FAT allows {directory.MAX_FOLDER_BYTES // SLOT}: spread its files over folders"
            )
        return size

    @cached_property
    def sizes(self) -> Mapping[Names, int]:
        """Bytes of every folder (the root first), then of every file, in the order on the disk."""
        folders = {path: self.folder_bytes(path) for path in self.folders}
        return folders | {path: self.files[path].size for path in sorted(self.files)}

    def clusters_needed(self, cluster_size: int) -> int:
        """Clusters for all of it."""
        return sum(clusters_of(size, cluster_size) for size in self.sizes.values())


@dataclass(frozen=True)
class Plan:
    """A volume worked out: its shape, its FAT, and the first cluster of every path."""

    content: Content
    geometry: Geometry
    fat: Fat
    clusters: Mapping[Names, int]

    @property
    def image_sectors(self) -> int:
        """Sectors of the whole image."""
        return self.geometry.total_sectors + 2 * gpt.EDGE_SECTORS


def make_plan(content: Content, free_mib: int, size_mib: int | None) -> Plan:
    """Shape the volume for its content and give everything its place. Raises TooLarge."""

    def needed(cluster_size: int) -> int:
        return content.clusters_needed(cluster_size) + clusters_of(free_mib * MIB, cluster_size)

    if size_mib is None:
        geometry = choose(needed)
    else:
        geometry = choose_fixed(size_mib * MIB_SECTORS - 2 * gpt.EDGE_SECTORS, needed)
    fat = Fat.empty(geometry.clusters)
    clusters = {
        path: fat.allocate(clusters_of(size, geometry.cluster_size))
        for path, size in content.sizes.items()
    }
    return Plan(content, geometry, fat, clusters)


def _order(name: str) -> tuple[str, str]:
    return fold(name), name
