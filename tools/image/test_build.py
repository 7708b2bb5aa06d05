"""Images as fsck.vfat, sgdisk and mtools see them, and that they are the same everywhere."""

import filecmp
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyfatfs.PyFat import PyFat

from tools.image.build import build
from tools.image.conftest import (
    Imager,
    Judge,
    check_with_judges,
    layout_of,
    read_with_mtools,
)
from tools.image.errors import ImageError, LayoutError, TooLarge
from tools.image.geometry import MIB
from tools.image.names import fold
from tools.image.verify import verify
from tools.image.volume import extract, open_volume

CLUSTER = 512  # of the small images made here

TREE = {
    "EFI/BOOT/BOOTX64.EFI": b"MZ" + bytes(3000),
    "repl.cfg": b"temp=0.7\n",
    "models/SmolLM2-135M-Instruct.Q4_1.gguf": random.Random(1).randbytes(700_001),
    "models/LICENSE": b"Apache-2.0",
}

SPECIAL = "$%'-_@~`!(){}^#&+,;=[]. "
UNICODE = "äöüßéñçøÅΩλжЯ中文字漢한글€…"
_name = st.text("aZb9" + SPECIAL + UNICODE, min_size=1, max_size=40).filter(
    lambda name: name[-1] not in ". " and name[0] not in ". "
)
_colliding = st.builds("long file name {}.{}".format, st.integers(0, 30), st.sampled_from("abc"))
_short = st.sampled_from(
    ["A.TXT", "LONGFI~1.A", "longfi~2.a", "README", "x.tar.gz", "EFI", "é.txt"]
)
_path = st.lists(_name | _colliding | _short, min_size=1, max_size=4).map("/".join)
_size = st.sampled_from([0, 1, CLUSTER - 1, CLUSTER, CLUSTER + 1, 5 * CLUSTER, 10_000])


def _is_tree(paths: list[str]) -> bool:
    """Whether the paths differ by more than case, and none is both a file and a folder."""
    folded = {fold(path) for path in paths}
    spellings = {
        fold("/".join(path.split("/")[:depth])): "/".join(path.split("/")[:depth])
        for path in paths
        for depth in range(1, path.count("/") + 2)
    }
    prefixes = {"/".join(p.split("/")[:d]) for p in paths for d in range(1, p.count("/") + 1)}
    consistent = all(spellings[fold(prefix)] == prefix for prefix in prefixes)
    return consistent and len(folded) == len(paths) and not folded & {fold(p) for p in prefixes}


@pytest.mark.parametrize("free_mib", [0, 16, 40, 300])
def test_judges_accept_the_image(
    judge: Judge, imager: Imager, tmp_path: Path, free_mib: int
) -> None:
    image = imager(TREE, free_mib=free_mib)
    check_with_judges(judge, image)
    assert read_with_mtools(judge, image, tmp_path / "read") == TREE


@given(
    st.lists(_path, min_size=1, max_size=25, unique_by=fold).filter(_is_tree),
    st.lists(_size, min_size=25, max_size=25),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_judges_accept_any_tree(
    judge: Judge,
    imager: Imager,
    tmp_path_factory: pytest.TempPathFactory,
    paths: list[str],
    sizes: list[int],
    rng: random.Random,
) -> None:
    tree = {path: rng.randbytes(size) for path, size in zip(paths, sizes, strict=False)}
    image = imager(tree, free_mib=0)
    check_with_judges(judge, image)
    assert verify(image) == ()
    target = tmp_path_factory.mktemp("mtools") / "read"
    assert read_with_mtools(judge, image, target) == tree


def test_pyfatfs_reads_the_same(imager: Imager) -> None:
    volume = PyFat(offset=MIB)
    volume.open(imager(TREE, free_mib=0), read_only=True)
    sizes = {
        entry.get_full_path().lstrip("/"): entry.filesize
        for _, _, files in volume.root_dir.walk()
        for entry in files
    }
    volume.close()
    assert sizes == {path: len(content) for path, content in TREE.items()}


def test_longest_name(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    tree = {"n" * 251 + ".cfg": b"x"}
    image = imager(tree)
    check_with_judges(judge, image)
    assert read_with_mtools(judge, image, tmp_path / "read") == tree


def test_folder_longer_than_a_cluster(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    tree = {f"many/a file with a long name {n}": b"%d" % n for n in range(300)}
    image = imager(tree, free_mib=0)
    check_with_judges(judge, image)
    assert read_with_mtools(judge, image, tmp_path / "read") == tree


@pytest.mark.parametrize("free_mib", [0, 16, 100])
def test_room_for_the_firmware(imager: Imager, free_mib: int) -> None:
    with open_volume(imager(TREE, free_mib=free_mib)) as volume:
        assert volume.fat.free * volume.geometry.cluster_size >= free_mib * MIB


def test_fixed_size(judge: Judge, imager: Imager) -> None:
    image = imager(TREE, size_mib=300)
    assert image.stat().st_size == 300 * MIB
    check_with_judges(judge, image)


def test_fixed_size_too_small_names_what_is_needed(imager: Imager, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(200 * MIB)
    with pytest.raises(TooLarge, match=r"needs a volume of 2\d\d MiB"):
        imager({"big": big}, size_mib=100)
    with pytest.raises(TooLarge, match="at least 33 MiB"):
        imager({}, size_mib=20)


def test_largest_file(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    largest = _sparse_file(tmp_path, 2**32 - 1)
    image = imager({"model.gguf": largest})
    assert image.stat().st_blocks * 512 < 16 * MIB, "holes of the source became data"
    assert "4 294 967 295" in judge("mdir", "-i", f"{image}@@1M", "::")
    assert verify(image) == ()


def test_largest_file_that_fsck_can_measure(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    # dosfstools 4.2 counts a chain's bytes in 32 bits, so the last cluster below 4 GiB is too much.
    check_with_judges(judge, imager({"model.gguf": _sparse_file(tmp_path, 2**32 - 64 * 1024)}))


def _sparse_file(folder: Path, size: int) -> Path:
    path = folder / "sparse"
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    return path


def test_file_too_large_for_fat(imager: Imager, tmp_path: Path) -> None:
    over = tmp_path / "over"
    with over.open("wb") as file:
        file.truncate(2**32)
    with pytest.raises(TooLarge, match="4294967296 bytes; a file on FAT32 has at most 4294967295"):
        imager({"model.gguf": over})


def test_missing_source_leaves_no_output(imager: Imager, tmp_path: Path) -> None:
    layout = layout_of({"a": tmp_path / "nowhere"}, tmp_path)
    with pytest.raises(LayoutError, match="nowhere: No such file"):
        build(layout, tmp_path / "out.img")
    assert list(tmp_path.iterdir()) == []


def test_failed_build_keeps_the_old_image(
    imager: Imager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.img"
    output.write_bytes(b"old")
    monkeypatch.setattr("tools.image.build._write_partition_table", _fail)
    with pytest.raises(RuntimeError):
        build(layout_of(TREE, tmp_path), output)
    assert output.read_bytes() == b"old"
    assert not list(tmp_path.glob(".out.img*"))


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(random.Random(5).randbytes(MIB) * 48)
    layout = layout_of({"big": big}, tmp_path)
    tracemalloc.start()
    build(layout, tmp_path / "out.img")
    extract(tmp_path / "out.img", "big", tmp_path / "back")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * MIB
    assert filecmp.cmp(big, tmp_path / "back", shallow=False)


def test_disk_full(tmp_path: Path) -> None:
    layout = layout_of(TREE, tmp_path)
    before = sorted(tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        with pytest.raises(ImageError, match="cannot write .*out.img: File too large"):
            build(layout, tmp_path / "out.img")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(tmp_path.iterdir()) == before


def _fail(*_: object) -> None:
    raise RuntimeError


def _digest_in(tmp_path: Path, name: str, environment: dict[str, str], umask: int) -> str:
    """Build TREE by the command line in another process, place and environment."""
    folder = tmp_path / name
    folder.mkdir()
    layout = layout_of(TREE, folder)
    entries = [{"path": f.path, "source": f.source.name} for f in layout.files]
    if umask:  # another order of the same files
        entries.reverse()
    (folder / "LAYOUT.json").write_text(json.dumps({"label": "LLMB", "files": entries}))
    python_path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    subprocess.run(
        [sys.executable, "-m", "tools.image", "build"]
        + ["--layout", str(folder / "LAYOUT.json"), "--output", str(folder / "out.img")],
        check=True,
        cwd=folder,
        env={"PYTHONPATH": python_path, **environment},
        umask=umask,
    )
    return hashlib.sha256((folder / "out.img").read_bytes()).hexdigest()


def test_same_bytes_everywhere(tmp_path: Path) -> None:
    here = _digest_in(tmp_path, "here", {"TZ": "UTC", "LC_ALL": "C"}, umask=0)
    far = {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}
    assert _digest_in(tmp_path, "fär away", far, umask=0o077) == here


def test_ids_follow_the_content(judge: Judge, imager: Imager) -> None:
    first = judge("sgdisk", "-p", imager({"a": b"1"}))
    again = judge("sgdisk", "-p", imager({"a": b"1"}))
    other = judge("sgdisk", "-p", imager({"a": b"2"}))
    guids = [
        [line for line in output.splitlines() if "GUID" in line] for output in (first, again, other)
    ]
    assert guids[0] == guids[1] != guids[2]


def test_sparse_source_gives_the_same_image(imager: Imager, tmp_path: Path) -> None:
    sparse, dense = tmp_path / "sparse", tmp_path / "dense"
    with sparse.open("wb") as file:
        file.truncate(3 * MIB)
        file.seek(2 * MIB + 5)
        file.write(b"data")
    dense.write_bytes(sparse.read_bytes())
    images = [imager({"f": source}) for source in (sparse, dense)]
    assert images[0].read_bytes() == images[1].read_bytes()


def test_sources_are_not_modified(imager: Imager, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    source.chmod(0o444)
    before = source.stat()
    imager({"f": source})
    after = source.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert source.read_bytes() == b"content"
