"""What the firmware keeps on its volume is in every image at its full size, and keeps it: no boot changes a table of
the file system for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.captures import MARKERS, boots
from tools.boot.volume import VolumeReader
from tools.oo.slots import SLOT_BYTES

IMAGE = VolumeReader(Path("firmware/boot_img_nomodel.img"))
STATE = dict.fromkeys(("OOSTATE.BIN", "OORECOV.BIN"), SLOT_BYTES)
LOGS = {file: log.bytes for log in MARKERS.logs.values() for file in log.files}
REPORTS = ("LLMK_METRICS.LOG", "LLMK_METRICS2.LOG")
KEPT = (*STATE, *LOGS, *REPORTS)


def content(path: str) -> bytes:
    data = IMAGE.read(path)
    assert data is not None, path
    return data


def test_images_have_each_file_blank_and_no_other() -> None:
    blank = [path for path in IMAGE.paths() if set(content(path)) == {ord("\n")}]
    assert sorted(blank) == sorted(KEPT)


@pytest.mark.parametrize(("path", "size"), {**STATE, **LOGS}.items())
def test_its_size_is_that_of_the_format(path: str, size: int) -> None:
    assert len(content(path)) == size


@pytest.mark.parametrize("path", KEPT)
def test_ten_boots_leave_its_size_alone(path: str) -> None:
    """A file of another size than the firmware's would have been made anew."""
    assert len(boots("organism")[-1].file(path)) == len(content(path))


def test_ten_boots_write_to_each_kind() -> None:
    last = boots("organism")[-1]
    for path in ("OOSTATE.BIN", "OOJOUR.LOG", "OOCONSULT.LOG", "OOOUTCOME.LOG", "LLMK_METRICS.LOG"):
        assert last.file(path) != content(path), path
