"""Images that are whole, and images that are not."""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.release.errors import Refused
from tools.release.flash.source import Source, read_source, unpacked
from tools.release.flash.testing import boot_disk

DISK = boot_disk(4096)


def _read(path: Path, content: bytes) -> Source:
    path.write_bytes(content)
    with path.open("rb") as file:
        return read_source(path, file, lambda count: None)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(DISK, id="raw"),
        pytest.param(lzma.compress(DISK), id="xz"),
        pytest.param(lzma.compress(DISK[:70000]) + lzma.compress(DISK[70000:]), id="streams"),
        pytest.param(lzma.compress(DISK) + bytes(8), id="padded"),
    ],
)
def test_an_image_is_its_raw_disk_however_it_is_packed(tmp_path: Path, content: bytes) -> None:
    source = _read(tmp_path / "any.name", content)
    assert (source.size, source.sha256) == (len(DISK), hashlib.sha256(DISK).hexdigest())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(DISK[:-512], "fetch it again", id="short"),
        pytest.param(DISK + bytes(512), "fetch it again", id="long"),
        pytest.param(b"", "no disk image", id="empty"),
        pytest.param(bytes(1 << 20), "no GPT header", id="zeros"),
        pytest.param(DISK[:600] + b"x" + DISK[601:], "checksum|shape|header", id="header"),
        pytest.param(lzma.compress(DISK)[:-20], "damaged", id="short xz"),
        pytest.param(lzma.compress(DISK) + b"junk", "damaged", id="junk behind xz"),
        pytest.param(lzma.compress(DISK[:70000]), "fetch it again", id="a stream is missing"),
    ],
)
def test_an_image_that_is_not_whole_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        _read(tmp_path / "image", content)


def test_a_bit_that_flipped_in_an_xz_file_is_found(tmp_path: Path) -> None:
    content = bytearray(lzma.compress(DISK))
    content[len(content) // 2] ^= 1
    with pytest.raises(Refused, match="damaged"):
        _read(tmp_path / "image", bytes(content))


def test_a_disk_without_a_system_partition_is_refused(tmp_path: Path) -> None:
    table = DISK.replace(bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b"), bytes(16))
    with pytest.raises(Refused, match="no disk image|EFI system partition"):
        _read(tmp_path / "image", table)


@settings(deadline=None, max_examples=30)
@given(parts=st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=5))
def test_any_sequence_of_streams_is_unpacked_whole(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("xz") / "file"
    path.write_bytes(b"".join(map(lzma.compress, parts)))
    with path.open("rb") as file:
        assert b"".join(unpacked(path, file)) == b"".join(parts)
