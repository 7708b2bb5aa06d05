from __future__ import annotations

from pathlib import Path

import pytest

from tools.image.build import build
from tools.image.errors import NotFound
from tools.image.layout import File, Layout
from tools.image.verify import verify as verify_image
from tools.image.volume import extract, open_volume
from tools.release.secureboot.image import PROGRAM, sign_image, unpack
from tools.release.secureboot.pe import MalformedProgram
from tools.release.secureboot.sign import sign
from tools.release.secureboot.testing import make_pair, make_program

PAIR = make_pair("the signer")
FILES = {PROGRAM: make_program([b"code" * 4096]), "repl.cfg": b"temp=0\n", "models/a": bytes(9000)}


def make_image(folder: Path, files: dict[str, bytes]) -> Path:
    rows = []
    for number, (path, content) in enumerate(files.items()):
        source = folder / f"source-{number}"
        source.write_bytes(content)
        rows.append(File(path=path, source=source))
    image = folder / "test.img"
    build(Layout(label="LLMB", files=tuple(rows)), image)
    return image


def read(image: Path, folder: Path) -> dict[str, bytes]:
    found = {}
    with open_volume(image) as volume:
        paths = [path for path, entry in volume.walk() if not entry.is_folder]
    for path in paths:
        extract(image, path, folder / "read")
        found[path] = (folder / "read").read_bytes()
    return found


def test_only_the_program_changes(tmp_path: Path) -> None:
    image = make_image(tmp_path, FILES)
    sign_image(image, PAIR.signer, tmp_path / "signed.img")
    signed = read(tmp_path / "signed.img", tmp_path)
    assert signed == FILES | {PROGRAM: sign(FILES[PROGRAM], PAIR.signer)}
    assert not verify_image(tmp_path / "signed.img")
    assert (tmp_path / "signed.img").stat().st_size == image.stat().st_size


def test_signing_again_and_in_place_gives_the_same_bytes(tmp_path: Path) -> None:
    image = make_image(tmp_path, FILES)
    sign_image(image, PAIR.signer, tmp_path / "signed.img")
    once = (tmp_path / "signed.img").read_bytes()
    sign_image(tmp_path / "signed.img", PAIR.signer, tmp_path / "signed.img")
    assert (tmp_path / "signed.img").read_bytes() == once


def test_an_image_is_the_one_that_its_own_files_make(tmp_path: Path) -> None:
    image = make_image(tmp_path, FILES)
    (tmp_path / "files").mkdir()
    build(unpack(image, tmp_path / "files"), tmp_path / "again.img")
    assert (tmp_path / "again.img").read_bytes() == image.read_bytes()


@pytest.mark.parametrize("program", [None, b"no program"])
def test_without_a_program_to_sign_nothing_is_written(
    program: bytes | None, tmp_path: Path
) -> None:
    files = {"repl.cfg": b""} | ({} if program is None else {PROGRAM: program})
    image = make_image(tmp_path, files)
    output = tmp_path / "signed.img"
    output.write_bytes(b"what was there")
    with pytest.raises(NotFound if program is None else MalformedProgram):
        sign_image(image, PAIR.signer, output)
    assert output.read_bytes() == b"what was there"
