"""The file allocation table: for each cluster, the next one of its file.

pyfatfs keeps it as a list of Python integers, follows chains without a bound and packs the whole
table for every change; that is most of the 0.72 s it needs for a 98 MB file, and an endless loop on
a cyclic chain. Here it is an array of 32-bit words (their upper 4 bits are reserved).
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from tools.image.boot_sector import MEDIA
from tools.image.errors import CorruptImage, NoSpace
from tools.image.geometry import FIRST_CLUSTER

MASK = 0x0FFFFFFF
END = 0x0FFFFFFF
_END_MIN = 0x0FFFFFF8
_HEAD = (0x0FFFFF00 | MEDIA, END)  # the first two words name the media and say "cleanly unmounted"


@dataclass(frozen=True)
class Extent:
    """A run of clusters that follow each other on the disk."""

    first: int
    count: int


class Fat:
    """A FAT in memory (4 bytes a cluster): chains to follow, clusters to take and give back."""

    def __init__(self, words: "array[int]") -> None:
        self._words = words
        self._hint = FIRST_CLUSTER  # no cluster below is free

    @classmethod
    def empty(cls, clusters: int) -> "Fat":
        """The FAT of a new volume."""
        words = array("I", _HEAD)
        words.frombytes(bytes(clusters * words.itemsize))
        return cls(words)

    @classmethod
    def decode(cls, content: bytes) -> "Fat":
        """The FAT in `content`, which has one word a cluster and two before them."""
        words = array("I")
        words.frombytes(content)
        return cls(words)

    def encode(self) -> bytes:
        """The words as they are on the disk."""
        return self._words.tobytes()

    @property
    def head(self) -> tuple[int, int]:
        """The first two words, which belong to no cluster."""
        return self._words[0] & MASK, self._words[1] & MASK

    @property
    def free(self) -> int:
        """How many clusters are free."""
        return self._words.count(0)

    @property
    def next_free(self) -> int:
        """The lowest free cluster; one past the last when the volume is full."""
        return next(self._free_clusters(), len(self._words))

    def in_use(self) -> Iterator[int]:
        """The clusters that are not free, in order."""
        words = self._words
        return (c for c in range(FIRST_CLUSTER, len(words)) if words[c] & MASK)

    def chain(self, first: int) -> Iterator[int]:
        """The clusters of a file or folder; ends even on a circle. Raises CorruptImage."""
        cluster = first
        for _ in range(len(self._words)):
            if not FIRST_CLUSTER <= cluster < len(self._words):
                raise CorruptImage(f"the cluster chain from {first} leads to {_describe(cluster)}")
            yield cluster
            cluster = self._words[cluster] & MASK
            if cluster >= _END_MIN:
                return
        raise CorruptImage(f"the cluster chain from {first} runs in a circle")

    def extents(self, first: int) -> Iterator[Extent]:
        """A chain as runs, so that each can be read or written at once."""
        start = previous = None
        for cluster in self.chain(first):
            if start is None or previous is None:
                start = cluster
            elif cluster != previous + 1:
                yield Extent(start, previous + 1 - start)
                start = cluster
            previous = cluster
        if start is not None and previous is not None:
            yield Extent(start, previous + 1 - start)

    def allocate(self, count: int) -> int:
        """Take `count` free clusters, lowest first; the first of their chain, or 0 for none."""
        taken = self._find(count)
        if len(taken) < count:
            raise NoSpace(f"{count} clusters are needed and {len(taken)} are free")
        if not taken:
            return 0
        for cluster, following in pairwise(taken):
            self._words[cluster] = following
        self._words[taken[-1]] = END
        self._hint = taken[-1] + 1
        return taken[0]

    def extend(self, first: int, count: int) -> None:
        """Append `count` clusters to a chain."""
        *_, last = self.chain(first)
        self._words[last] = self.allocate(count) or END

    def release(self, first: int) -> None:
        """Give a chain's clusters back; 0 stands for no chain."""
        for cluster in list(self.chain(first)) if first else []:
            self._words[cluster] = 0
            self._hint = min(self._hint, cluster)

    def _find(self, count: int) -> Sequence[int]:
        """The lowest free clusters, up to `count`; quickly when they follow each other."""
        words, run = self._words, range(self._hint, self._hint + count)
        if run.stop <= len(words) and not any(words[run.start : run.stop]):
            return run
        return list(islice(self._free_clusters(), count))

    def _free_clusters(self) -> Iterator[int]:
        words = self._words
        return (c for c in range(self._hint, len(words)) if not words[c] & MASK)


def _describe(cluster: int) -> str:
    return "a free cluster" if cluster == 0 else f"cluster {cluster}, which does not exist"
