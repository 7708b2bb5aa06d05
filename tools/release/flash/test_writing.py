"""What a disk or file holds after writing, interrupted or not."""

from __future__ import annotations

import lzma
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.image.geometry import SECTOR
from tools.release.errors import Refused, ReleaseError
from tools.release.flash.device import look
from tools.release.flash.flash import planned
from tools.release.flash.source import PIECE, Progress
from tools.release.flash.testing import Machine, boot_disk, loop_device
from tools.release.flash.writing import HEAD, Stage, State, WriteFailed, write

DISK = boot_disk(9 * 1024 * 1024 // SECTOR + 3)


def _ignore(_: object) -> Progress:
    return lambda count: None


def _flash(
    image: Path,
    device: Path,
    root: Path = Path("/"),
    progress: Callable[[Stage], Progress] = _ignore,
) -> None:
    with planned(image, device, lambda count: None, root) as plan:
        write(plan.source, plan.target, progress)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(DISK)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that is larger than the image, and full of what was there before."""
    path = tmp_path / "target"
    path.write_bytes(b"\xaa" * (len(DISK) + 100_000))
    return path


def test_the_image_the_rest_and_no_older_partition_table(image: Path, target: Path) -> None:
    _flash(image, target)
    written, backup = target.read_bytes(), 33 * SECTOR
    assert written[: len(DISK)] == DISK
    assert written[len(DISK) : -backup] == b"\xaa" * (100_000 - backup)
    assert written[-backup:] == bytes(backup)


def _sizes() -> st.SearchStrategy[int]:
    """Sectors of images around the borders of the first MiB and of pieces."""
    borders = st.sampled_from([80, HEAD // SECTOR, PIECE // SECTOR, 2 * PIECE // SECTOR])
    return st.builds(lambda border, off: max(80, border + off), borders, st.integers(-2, 2))


@settings(max_examples=12, deadline=None)
@given(sectors=_sizes(), room=st.integers(0, 40 * SECTOR), compressed=st.booleans())
def test_any_size_arrives_whole(
    tmp_path_factory: pytest.TempPathFactory, sectors: int, room: int, compressed: bool
) -> None:
    folder, disk = tmp_path_factory.mktemp("flash"), boot_disk(sectors)
    image, target = folder / "image", folder / "target"
    image.write_bytes(lzma.compress(disk, preset=0) if compressed else disk)
    target.write_bytes(b"\xaa" * (len(disk) + room))
    _flash(image, target)
    written = target.read_bytes()
    cleared = min(room, 33 * SECTOR)
    assert written == disk + b"\xaa" * (room - cleared) + bytes(cleared)


def test_one_byte_too_few_and_nothing_is_written(image: Path, target: Path) -> None:
    before = b"\xaa" * (len(DISK) - 1)
    target.write_bytes(before)
    with pytest.raises(Refused, match="use a larger one"):
        _flash(image, target)
    assert target.read_bytes() == before


def test_the_image_is_not_written_over_itself(image: Path) -> None:
    with pytest.raises(Refused, match="the image itself"):
        _flash(image, image)


def test_a_damaged_image_leaves_the_target_as_it_was(tmp_path: Path, target: Path) -> None:
    before = target.read_bytes()
    image = tmp_path / "damaged.img.xz"
    image.write_bytes(lzma.compress(DISK, preset=0)[:-64])
    with pytest.raises(Refused, match="damaged"):
        _flash(image, target)
    assert target.read_bytes() == before


def _interrupt_in(stage: Stage) -> Callable[[Stage], Progress]:
    def progress(now: Stage) -> Progress:
        def told(count: int) -> None:
            if now == stage:
                raise KeyboardInterrupt

        return told

    return progress


@pytest.mark.parametrize("stage", Stage)
def test_an_interrupted_write_says_so_and_leaves_nothing_that_starts(
    image: Path, target: Path, stage: Stage
) -> None:
    with pytest.raises(WriteFailed, match="interrupted.*no partition table") as error:
        _flash(image, target, progress=_interrupt_in(stage))
    assert error.value.state == State.BLANK
    assert target.read_bytes()[:HEAD] == bytes(HEAD)


def test_an_image_that_changes_meanwhile_is_never_made_bootable(image: Path, target: Path) -> None:
    with planned(image, target, lambda count: None) as plan:
        with image.open("r+b") as file:
            file.seek(5 * 1024 * 1024)
            file.write(b"changed")
        with pytest.raises(WriteFailed, match="was changed") as error:
            write(plan.source, plan.target, _ignore)
    assert error.value.state == State.BLANK
    assert target.read_bytes()[:HEAD] == bytes(HEAD)


def test_a_disk_that_does_not_keep_what_is_written_is_found(image: Path, target: Path) -> None:
    def spoil(stage: Stage) -> Progress:
        if stage == Stage.COMPARING:
            with target.open("r+b") as file:
                file.seek(6 * 1024 * 1024)
                file.write(b"\x55")
        return lambda count: None

    with pytest.raises(WriteFailed, match=f"byte {PIECE} to {2 * PIECE} reads back") as error:
        _flash(image, target, progress=spoil)
    assert error.value.exit == 1
    assert target.read_bytes()[:HEAD] == bytes(HEAD)


def test_another_target_in_its_place_is_not_written_to(image: Path, target: Path) -> None:
    with planned(image, target, lambda count: None) as plan:
        with target.open("ab") as file:
            file.write(b"grown")
        before = target.read_bytes()
        with pytest.raises(WriteFailed, match="another one than a moment ago") as error:
            write(plan.source, plan.target, _ignore)
    assert error.value.state == State.UNTOUCHED
    assert target.read_bytes() == before


def test_strangers_read_what_was_written(image: Path, target: Path) -> None:
    _flash(image, target)
    table = subprocess.run(("sgdisk", "--info=1", target), capture_output=True, text=True)
    assert "EFI system partition" in table.stdout, table


def _as_stick(machine: Machine, device: Path, size: int) -> Path:
    """The running kernel's device, described as a stick would be."""
    number = device.stat().st_rdev
    machine.add_disk(device.name, f"{os.major(number)}:{os.minor(number)}", size)
    return machine.root


def test_a_real_block_device_holds_the_image(image: Path, target: Path, tmp_path: Path) -> None:
    size = (len(DISK) + 1024 * 1024) // SECTOR * SECTOR
    target.write_bytes(b"\xaa" * size)
    with loop_device(target) as device:
        if device is None:
            pytest.skip("no loop devices here")
        _flash(image, device, _as_stick(Machine.new(tmp_path / "root"), device, size))
    assert target.read_bytes()[: len(DISK)] == DISK
    assert target.read_bytes()[-33 * SECTOR :] == bytes(33 * SECTOR)


def test_a_device_that_the_kernel_has_in_use_is_left_alone(
    image: Path, target: Path, tmp_path: Path
) -> None:
    """A mount that the list of mounts does not show, as in another container."""
    size = target.stat().st_size // SECTOR * SECTOR
    target.write_bytes(bytes(size))
    subprocess.run(("mkfs.ext4", "-q", target), check=True, capture_output=True)
    place = tmp_path / "mounted"
    place.mkdir()
    with loop_device(target) as device:
        if device is None or subprocess.run(("mount", device, place)).returncode:
            pytest.skip("no loop devices or mounts here")
        try:
            (use,) = look(device).uses
            assert f"umount {place}" in use
            root = _as_stick(Machine.new(tmp_path / "root"), device, size)
            with pytest.raises(WriteFailed, match="busy") as error:
                _flash(image, device, root)
            assert error.value.state == State.UNTOUCHED
        finally:
            subprocess.run(("umount", place), check=True)


def test_a_device_that_is_full_too_soon_says_what_it_holds(image: Path, target: Path) -> None:
    """Writing to /dev/full fails as a disk does whose flash is smaller than it says."""
    with planned(image, target, lambda count: None) as plan:
        full = replace(plan.target, path=Path("/dev/full"), size=0)
        with pytest.raises(ReleaseError, match="No space left"):
            write(plan.source, full, _ignore)
