"""Volume sizes: legal cluster counts, FATs that cover them, room for the content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.image.errors import TooLarge
from tools.image.geometry import (
    MIB,
    MIB_SECTORS,
    MIN_CLUSTERS,
    SECTOR,
    choose,
    choose_fixed,
    clusters_of,
    divide,
)


@given(st.integers(0, 2**37))
def test_chosen_volume_holds_the_content(size: int) -> None:
    volume = choose(lambda cluster_size: clusters_of(size, cluster_size))
    assert volume.clusters * volume.cluster_size >= size
    assert volume.clusters >= MIN_CLUSTERS
    assert volume.total_sectors % MIB_SECTORS == 0


@given(st.integers(34 * MIB_SECTORS, 2**32 - 1), st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
def test_fat_covers_the_clusters_and_wastes_little(sectors: int, cluster_sectors: int) -> None:
    volume = divide(sectors, cluster_sectors)
    spare = volume.fat_sectors * SECTOR // 4 - (volume.clusters + 2)
    assert 0 <= spare <= 5 * SECTOR // 4 + 2
    end = volume.cluster_offset(volume.clusters + 2)
    assert sectors * SECTOR - volume.cluster_size < end <= sectors * SECTOR
    assert volume.cluster_offset(2) % 4096 == 0


@pytest.mark.parametrize(
    ("size", "cluster_size"),
    [(0, 512), (20 * MIB, 512), (114 * MIB, 2048), (2048 * MIB, 32768)],
)
def test_cluster_size_grows_with_the_volume(size: int, cluster_size: int) -> None:
    assert choose(lambda n: clusters_of(size, n)).cluster_size == cluster_size


def test_volume_beyond_fat32() -> None:
    with pytest.raises(TooLarge, match="FAT32 ends at 2 TiB"):
        choose(lambda cluster_size: clusters_of(2**42, cluster_size))


def test_fixed_volume_takes_the_largest_legal_cluster() -> None:
    volume = choose_fixed(300 * MIB_SECTORS, lambda _: 1)
    assert (volume.total_sectors, volume.cluster_size) == (300 * MIB_SECTORS, 4096)
