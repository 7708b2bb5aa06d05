"""Reading in blocks: nothing but zeros is left out, and a file that shrinks is noticed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.image.blocks import BLOCK, all_blocks, data_blocks
from tools.image.errors import ImageError

Reader = Callable[[int, int, int], Iterator[tuple[int, memoryview]]]


def read(reader: Reader, path: Path, start: int, size: int) -> dict[int, bytes]:
    fd = os.open(path, os.O_RDONLY)
    try:
        return {offset: bytes(content) for offset, content in reader(fd, start, size)}
    finally:
        os.close(fd)


@given(
    st.lists(st.tuples(st.integers(0, 6 * BLOCK), st.binary(min_size=1, max_size=9)), max_size=6),
    st.integers(0, 2 * BLOCK),
)
@settings(max_examples=60, deadline=None)
def test_only_zeros_are_left_out(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bytes]], start: int
) -> None:
    sparse, dense = (tmp_path_factory.mktemp("blocks") / name for name in ("sparse", "dense"))
    with sparse.open("wb") as file:
        file.truncate(7 * BLOCK)
        for offset, content in writes:
            os.pwrite(file.fileno(), content, offset)
    dense.write_bytes(sparse.read_bytes())
    size = 7 * BLOCK - start
    everything = read(all_blocks, sparse, start, size)
    assert b"".join(everything.values()) == dense.read_bytes()[start:]
    data = {offset: content for offset, content in everything.items() if any(content)}
    assert read(data_blocks, sparse, start, size) == data
    assert read(data_blocks, dense, start, size) == data


@pytest.mark.parametrize("reader", [all_blocks, data_blocks])
@pytest.mark.parametrize("content", [b"", b"x", bytes(BLOCK), b"x" * 2 * BLOCK])
def test_file_that_ends_early(tmp_path: Path, reader: Reader, content: bytes) -> None:
    path = tmp_path / "short"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"ends at byte {len(content)}, .*changed while"):
        read(reader, path, 0, 3 * BLOCK)
