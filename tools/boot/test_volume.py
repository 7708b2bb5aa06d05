"""What a plan does to a volume, and what is read from it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tools.boot.plan import plans
from tools.boot.scenario import Boot, Damage, ExtraFile, Scenario
from tools.boot.volume import VolumeError, VolumeReader, prepare
from tools.image.build import build
from tools.image.layout import File, Layout
from tools.image.volume import open_volume


@pytest.fixture
def small_image(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.write_bytes(b"old")
    files = (File(path="repl.cfg", source=source), File(path="models/m.gguf", source=source))
    built = tmp_path / "disk.img"
    build(Layout(label="LLMB", files=files), built)
    return built


def _free_clusters(image: Path) -> int:
    with open_volume(image) as volume:
        return volume.fat.free


def test_each_boot_does_to_the_volume_what_its_row_names(small_image: Path) -> None:
    scenario = Scenario(
        description="x",
        config=("a=1",),
        autorun=("/version",),
        boot=(
            Boot(files=(ExtraFile(path="logs/x.txt", text="xy", repeat=2),)),
            Boot(config=("a=2",), remove=("logs/x.txt",)),
            Boot(autorun=(), damage=(Damage(path="models/m.gguf", hex="5a", truncate=2),)),
        ),
    )
    volume = VolumeReader(small_image)
    first, second, third = islice(plans(scenario), 3)
    prepare(small_image, first)
    assert volume.read("repl.cfg") == b"a=1\n"
    assert volume.read("llmk-autorun.txt") == b"/version\n"
    assert volume.read("LOGS/X.TXT") == b"xyxy"
    prepare(small_image, second)
    assert volume.read("repl.cfg") == b"a=2\n"
    assert volume.read("llmk-autorun.txt") == b"/version\n"
    assert volume.read("logs/x.txt") is None
    prepare(small_image, third)
    assert volume.read("repl.cfg") == b"a=2\n"
    assert volume.read("llmk-autorun.txt") == b""
    assert volume.read("models/m.gguf") == b"Zl"
    assert set(volume.paths()) == {"repl.cfg", "llmk-autorun.txt", "models/m.gguf"}


def test_a_full_volume_can_be_given_files_and_its_room_back(small_image: Path) -> None:
    room = _free_clusters(small_image)
    rows = (
        Boot(faults=("full_volume",)),
        Boot(faults=("full_volume",), config=("a=3",)),
        Boot(),
    )
    scenario = Scenario(description="x", boot=rows)
    left = []
    for plan in islice(plans(scenario), 3):
        prepare(small_image, plan)
        left.append(_free_clusters(small_image))
    assert left == [0, 0, room]
    assert VolumeReader(small_image).read("repl.cfg") == b"a=3\n"


def test_what_a_boot_asks_for_in_vain_is_named_with_its_number(small_image: Path) -> None:
    scenario = Scenario(description="x", boot=(Boot(), Boot(remove=("none.txt",))))
    _, second = islice(plans(scenario), 2)
    with pytest.raises(VolumeError, match="preparing boot 2: the image has no 'none.txt'"):
        prepare(small_image, second)


def test_a_volume_that_makes_no_sense_is_said_to_be_one(small_image: Path) -> None:
    small_image.write_bytes(bytes(small_image.stat().st_size))
    with pytest.raises(VolumeError, match="reading repl.cfg: "):
        VolumeReader(small_image).read("repl.cfg")
    with pytest.raises(VolumeError, match="listing the volume: "):
        VolumeReader(small_image).paths()
