"""A boot image beyond 4 GiB: bundled and verified in bounded memory, and guarded past 4 GiB like before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.release.bundle import manifest as manifests
from tools.release.bundle.build import build
from tools.release.bundle.names import MANIFEST, Names
from tools.release.bundle.testing import write_real_inputs
from tools.release.bundle.version import Version
from tools.release.bundle.xz import BLOCK
from tools.release.bundle.xz_index import find_streams
from tools.release.verify.reasons import Reason
from tools.release.verify.signatures import Trust
from tools.release.verify.testing import MemorySigner, compressed, sign_at_once
from tools.release.verify.verdict import Verdict
from tools.release.verify.verify import verify

VERSION = Version(0, 6, 0)
IMAGE = Names(VERSION).image
SIZE_MIB = 4100
MEMORY = 200 * 1024 * 1024


@pytest.fixture(scope="module")
def signer() -> MemorySigner:
    return MemorySigner()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, signer: MemorySigner) -> Path:
    folder = tmp_path_factory.mktemp("large")
    inputs = write_real_inputs(folder / "inputs", size_mib=SIZE_MIB)
    made = build(inputs, VERSION, VERSION, folder)
    sign_at_once(made, signer, VERSION)
    return made


def test_sizes_beyond_32_bits(bundle: Path) -> None:
    manifest = manifests.decode((bundle / MANIFEST).read_bytes())
    sizes = {image.file: image.size for image in manifest.images}
    assert sizes[IMAGE] == SIZE_MIB * 1024 * 1024 > 1 << 32
    assert (bundle / IMAGE).stat().st_size < 10_000_000


def past_4_gib(bundle: Path, edit: Callable[[bytes], bytes]) -> bytes:
    """The compressed image with the stream changed that begins 2 MiB past 4 GiB at the earliest."""
    path = bundle / IMAGE
    content = path.read_bytes()
    with path.open("rb") as file:
        streams = find_streams(file.fileno(), len(content), BLOCK)
    before = sum(stream.size for stream in streams[: (1 << 32) // BLOCK])
    end = before + streams[(1 << 32) // BLOCK].size
    return content[:before] + edit(content[before:end]) + content[end:]


def after(bundle: Path, signer: MemorySigner, content: bytes) -> Verdict:
    """The verdict after a change of the image; the bundle is as it was afterwards."""
    kept = (bundle / IMAGE).read_bytes()
    (bundle / IMAGE).write_bytes(content)
    try:
        return verify(bundle, Trust(signer.public_key))
    finally:
        (bundle / IMAGE).write_bytes(kept)


def test_it_is_accepted_within_200_mb(bundle: Path, signer: MemorySigner) -> None:
    verdict = verify(bundle, Trust(signer.public_key))
    assert verdict.accepted, verdict.findings
    assert _most_memory() < MEMORY


def _most_memory() -> int:
    """Bytes that this process has held at most, pytest and the making of the bundle among them.

    Not ru_maxrss, which begins with what the process held that started this one (getrusage(2), proc(5): VmHWM).
    """
    (line,) = (
        each for each in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in each
    )
    return int(line.split()[1]) * 1024


def test_other_content_past_4_gib(bundle: Path, signer: MemorySigner, tmp_path: Path) -> None:
    other = compressed(bytes(BLOCK - 1) + b"x", tmp_path)
    verdict = after(bundle, signer, past_4_gib(bundle, lambda _: other))
    assert verdict.reasons >= {Reason.FILE_DIGEST}


def test_a_bit_past_4_gib(bundle: Path, signer: MemorySigner) -> None:
    def flipped(stream: bytes) -> bytes:
        middle = len(stream) // 2
        return stream[:middle] + bytes([stream[middle] ^ 1]) + stream[middle + 1 :]

    verdict = after(bundle, signer, past_4_gib(bundle, flipped))
    assert verdict.reasons >= {Reason.FILE_DIGEST, Reason.IMAGE_CORRUPT}


def test_cut_short_past_4_gib(bundle: Path, signer: MemorySigner) -> None:
    verdict = after(bundle, signer, past_4_gib(bundle, lambda _: b""))
    assert verdict.reasons >= {Reason.FILE_SIZE, Reason.IMAGE_CONTENT}
