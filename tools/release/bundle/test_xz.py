"""Compression in blocks: xz reads it, and nothing else passes for it."""

from __future__ import annotations

import lzma
import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.release.bundle import xz
from tools.release.bundle.measure import measured
from tools.release.bundle.testing import ask
from tools.release.bundle.xz_index import CorruptXz, OtherSize, TrailingData

CONTENT = random.Random(0).randbytes(300) + bytes(2 * xz.BLOCK) + b"end"


def compressed(folder: Path, content: bytes) -> Path:
    source, target = folder / "content", folder / "made.xz"
    source.write_bytes(content)
    with source.open("rb") as given_file, target.open("wb") as made:
        found = xz.compress(given_file.fileno(), made)
    assert found == xz.Compressed(measured(content), measured(target.read_bytes()))
    return target


def unpacked(path: Path, size: int) -> tuple[xz.Unpacked, bytes]:
    blocks: list[bytes] = []
    with path.open("rb") as file:
        return xz.unpack(file.fileno(), size, blocks.append), b"".join(blocks)


@pytest.mark.parametrize(
    "content",
    [b"x", CONTENT, bytes(xz.BLOCK), bytes(xz.BLOCK - 1), bytes(xz.BLOCK + 1)],
    ids=["a byte", "blocks", "one block", "less", "more"],
)
def test_xz_and_we_unpack_it(content: bytes, tmp_path: Path) -> None:
    path = compressed(tmp_path, content)
    ask(["xz", "--test", path.name], tmp_path)
    ask(["xz", "--decompress", "--keep", path.name], tmp_path)
    assert (tmp_path / "made").read_bytes() == content
    result, found = unpacked(path, len(content))
    assert found == content
    assert result == xz.Unpacked(measured(path.read_bytes()), measured(content))


def faulty(folder: Path, content: bytes, size: int = len(CONTENT)) -> CorruptXz:
    """The fault of an .xz file; its bytes are measured whatever it is."""
    path = folder / "faulty.xz"
    path.write_bytes(content)
    result, _ = unpacked(path, size)
    assert result.file == measured(content)
    assert result.content is None and result.fault is not None
    return result.fault


def test_what_is_behind_the_end(tmp_path: Path) -> None:
    made = compressed(tmp_path, CONTENT).read_bytes()
    for tail in (b"\0", bytes(4), b"tail", b"YZ", bytes(100_000)):
        fault = faulty(tmp_path, made + tail)
        assert isinstance(fault, TrailingData)
        assert f"{len(tail)} bytes follow" in str(fault)


def test_another_size_than_was_said(tmp_path: Path) -> None:
    made = compressed(tmp_path, CONTENT).read_bytes()
    for content, size in ((made, len(CONTENT) + 1), (made * 2, len(CONTENT)), (made, 0)):
        assert isinstance(faulty(tmp_path, content, size), OtherSize)


def test_what_is_no_sequence_of_small_streams(tmp_path: Path) -> None:
    large = lzma.compress(bytes(xz.BLOCK + 1), preset=0)
    for content in (
        b"",
        b"x",
        random.Random(1).randbytes(1000),
        large,
        lzma.compress(b"x", format=lzma.FORMAT_ALONE),
    ):
        fault = faulty(tmp_path, content)
        assert type(fault) is CorruptXz
    many_blocks = tmp_path / "many"
    many_blocks.write_bytes(bytes(100_000))
    ask(["xz", "--block-size=10000", many_blocks.name], tmp_path)
    fault = faulty(tmp_path, (tmp_path / "many.xz").read_bytes())
    assert "does not hold one block" in str(fault)


def test_an_index_that_lies_about_its_block(tmp_path: Path) -> None:
    """A stream that says one byte and unpacks to ten thousand; the index's own checksum is right."""
    stream = bytearray(lzma.compress(bytes(10_000), preset=0))
    start = stream.rindex(b"\0\1", 0, len(stream) - 12)
    index = bytes(stream[start:-12])
    lie = index[:-4].replace(b"\x90\x4e", b"\x81\x00")
    assert lie != index[:-4]
    stream[start:-12] = lie + zlib.crc32(lie).to_bytes(4, "little")
    fault = faulty(tmp_path, bytes(stream), 1)
    assert type(fault) is CorruptXz


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_byte_changes_unnoticed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytes(range(256)) * 4
    folder = tmp_path_factory.mktemp("xz")
    made = bytearray(compressed(folder, content).read_bytes())
    made[data.draw(st.integers(0, len(made) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    faulty(folder, bytes(made), len(content))
