"""The FAT: taking and giving back clusters, and chains that lie."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.image.errors import CorruptImage, NoSpace
from tools.image.fat import END, Extent, Fat


def fat_of(*words: int) -> Fat:
    return Fat.decode(array("I", (0x0FFFFFF8, END, *words)).tobytes())


def test_new_fat_is_free() -> None:
    fat = Fat.empty(10)
    assert (fat.free, fat.next_free, fat.head) == (10, 2, (0x0FFFFFF8, END))
    assert len(fat.encode()) == 4 * 12


def test_allocated_clusters_follow_each_other() -> None:
    fat = Fat.empty(10)
    first, second = fat.allocate(3), fat.allocate(2)
    assert list(fat.extents(first)) == [Extent(2, 3)]
    assert list(fat.extents(second)) == [Extent(5, 2)]
    assert (fat.free, fat.next_free) == (5, 7)


def test_nothing_is_cluster_zero() -> None:
    fat = Fat.empty(10)
    assert fat.allocate(0) == 0
    fat.release(0)
    assert fat.free == 10


def test_gaps_are_filled() -> None:
    fat = Fat.empty(10)
    gap = fat.allocate(2)
    fat.allocate(2)
    fat.release(gap)
    assert list(fat.extents(fat.allocate(4))) == [Extent(2, 2), Extent(6, 2)]


def test_extended_chain_keeps_its_start() -> None:
    fat = Fat.empty(10)
    first = fat.allocate(1)
    fat.allocate(1)
    fat.extend(first, 2)
    assert list(fat.chain(first)) == [2, 4, 5]


def test_full_volume() -> None:
    fat = Fat.empty(10)
    fat.allocate(8)
    before = fat.encode()
    with pytest.raises(NoSpace, match="3 clusters are needed and 2 are free"):
        fat.allocate(3)
    assert fat.encode() == before


@pytest.mark.parametrize(
    ("fat", "fault"),
    [
        (fat_of(3, 2), "runs in a circle"),
        (fat_of(2), "runs in a circle"),
        (fat_of(0), "leads to a free cluster"),
        (fat_of(99, END), "leads to cluster 99, which does not exist"),
        (fat_of(0x0FFFFFF7), "which does not exist"),
    ],
)
def test_lying_chain(fat: Fat, fault: str) -> None:
    with pytest.raises(CorruptImage, match=fault):
        list(fat.chain(2))


def test_reserved_bits_are_ignored() -> None:
    assert list(fat_of(0xF0000003, 0xFFFFFFFF).chain(2)) == [2, 3]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=30))
def test_clusters_belong_to_one_chain(steps: list[tuple[bool, int]]) -> None:
    fat = Fat.empty(40)
    chains: list[tuple[int, int]] = []
    for take, number in steps:
        if take and number <= fat.free:
            chains.append((fat.allocate(number), number))
        elif chains and not take:
            fat.release(chains.pop(number % len(chains))[0])
    owned = [cluster for first, count in chains if count for cluster in fat.chain(first)]
    assert len(owned) == len(set(owned)) == sum(count for _, count in chains)
    assert sorted(owned) == list(fat.in_use())
    assert fat.free == 40 - len(owned)
