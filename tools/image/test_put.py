"""Changing an image in place: the judges stay content, and read back what was put."""

import hashlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.image.conftest import Imager, Judge, check_with_judges, read_with_mtools
from tools.image.errors import IllegalName, LayoutError, NoSpace, NotFound
from tools.image.put import put, remove
from tools.image.verify import verify

TREE = {"EFI/BOOT/BOOTX64.EFI": b"MZ" * 5000, "repl.cfg": b"seed=1\n"}


def put_bytes(image: Path, path: str, content: bytes) -> None:
    source = image.with_suffix(".source")
    source.write_bytes(content)
    put(image, path, source)


def test_add_and_replace(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    image = imager(TREE)
    put_bytes(image, "repl.cfg", b"seed=2\n" * 1000)
    put_bytes(image, "new/folder/llmk-autorun.txt", b"hello")
    put_bytes(image, "empty", b"")
    check_with_judges(judge, image)
    assert read_with_mtools(judge, image, tmp_path / "read") == {
        **TREE,
        "repl.cfg": b"seed=2\n" * 1000,
        "new/folder/llmk-autorun.txt": b"hello",
        "empty": b"",
    }


def test_replacing_needs_no_second_copy(judge: Judge, imager: Imager) -> None:
    big = random.Random(4).randbytes(20_000_000)
    image = imager({"model": big}, free_mib=0)
    put_bytes(image, "MODEL", big[::-1])
    check_with_judges(judge, image)


def test_remove_gives_the_room_back(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    tree = {**TREE, "logs/one long name.log": b"1" * 9000, "logs/two.log": b"2"}
    image = imager(tree, free_mib=0)
    put_bytes(image, "another", bytes(9000))
    remove(image, "LOGS/one long name.log")
    remove(image, "another")
    check_with_judges(judge, image)
    assert verify(image) == ()
    kept = read_with_mtools(judge, image, tmp_path / "read")
    assert kept == {**TREE, "logs/two.log": b"2"}
    put_bytes(image, "logs/one long name.log", b"3" * 9000)
    check_with_judges(judge, image)


@pytest.mark.parametrize(
    ("path", "told"),
    [("none", "has no 'none'"), ("EFI/none/x", "there is no folder 'none'"), ("EFI", "a folder")],
)
def test_only_a_file_that_is_there_is_removed(imager: Imager, path: str, told: str) -> None:
    image = imager(TREE)
    before = hashlib.sha256(image.read_bytes()).digest()
    with pytest.raises(NotFound, match=told):
        remove(image, path)
    assert hashlib.sha256(image.read_bytes()).digest() == before


def test_volume_is_full(imager: Imager) -> None:
    image = imager(TREE)
    before = hashlib.sha256(image.read_bytes()).digest()
    with pytest.raises(NoSpace, match="does not fit.*free_mib"):
        put_bytes(image, "big", bytes(60_000_000))
    assert hashlib.sha256(image.read_bytes()).digest() == before


@pytest.mark.parametrize(
    ("path", "error", "told"),
    [
        ("repl.cfg/x", NotFound, "'repl.cfg' is a file"),
        ("EFI", NotFound, "'EFI' is a folder"),
        ("a:b", IllegalName, "contains ':'"),
    ],
)
def test_impossible_path(imager: Imager, path: str, error: type[Exception], told: str) -> None:
    image = imager(TREE)
    with pytest.raises(error, match=told):
        put_bytes(image, path, b"x")
    assert verify(image) == ()


def test_missing_source(imager: Imager, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="cannot read the source"):
        put(imager(TREE), "a", tmp_path / "nowhere")


_step = st.tuples(
    st.sampled_from(["a", "A", "dir/b.txt", "dir/long name", "dir/LONGNA~1", "x/y/z", "long name"]),
    st.sampled_from([0, 1, 511, 512, 513, 9000]),
)


@given(st.lists(_step, max_size=25))
@settings(max_examples=30, deadline=None)
def test_any_sequence(
    judge: Judge,
    imager: Imager,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int]],
) -> None:
    image = imager(TREE, free_mib=0)
    expected = {path.upper(): content for path, content in TREE.items()}
    for number, (path, size) in enumerate(steps):
        content = random.Random(number).randbytes(size)
        put_bytes(image, path, content)
        key = path.upper()
        if key == "DIR/LONGNA~1" and key not in expected and "DIR/LONG NAME" in expected:
            key = "DIR/LONG NAME"  # its alias: FAT takes it for the same file
        expected[key] = content
    check_with_judges(judge, image)
    assert verify(image) == ()
    read = read_with_mtools(judge, image, tmp_path_factory.mktemp("mtools") / "read")
    assert {path.upper(): content for path, content in read.items()} == expected


def test_many_files_lengthen_the_folder(judge: Judge, imager: Imager, tmp_path: Path) -> None:
    image = imager({}, free_mib=0)
    for number in range(60):
        put_bytes(image, f"logs/boot number {number}.log", b"%d" % number)
    check_with_judges(judge, image)
    assert len(read_with_mtools(judge, image, tmp_path / "read")) == 60
