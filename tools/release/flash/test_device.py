"""What is read of a device, and why it is not written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.release.errors import ReleaseError
from tools.release.flash.device import Target, look, read_device, removable_disks
from tools.release.flash.flash import refusals
from tools.release.flash.testing import Machine, loop_device

SIZE = 64 * 1024 * 1024
STICK = os.makedev(8, 16)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.new(tmp_path / "root")


def _read(machine: Machine, device: int = STICK) -> Target:
    return read_device(Path("/dev/sdb"), device, machine.root)


def test_a_stick_is_described_and_not_refused(machine: Machine) -> None:
    folder = machine.add_disk(
        "sdb", "8:16", SIZE, {"device/vendor": "ACME   ", "device/model": "Stick 3.0\x1b[2J"}
    )
    usb = folder.parents[2]
    (usb / "idVendor").write_text("1234\n")
    (usb / "serial").write_text("S-42\n")
    target = _read(machine)
    assert (target.size, target.serial, target.name) == (SIZE, "S-42", "sdb")
    assert target.model == "ACME Stick 3.0\N{REPLACEMENT CHARACTER}[2J"
    assert list(refusals(target)) == []


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("removable", "0", "no removable disk"),
        ("ro", "1", "read-only"),
        ("queue/logical_block_size", "4096", "sectors have 4096 bytes"),
    ],
)
def test_one_attribute_is_enough_to_refuse(
    machine: Machine, attribute: str, value: str, reason: str
) -> None:
    machine.add_disk("sdb", "8:16", SIZE, {attribute: value})
    (found,) = refusals(_read(machine))
    assert reason in found


def test_a_memory_card_counts_as_removable_and_soldered_flash_does_not(machine: Machine) -> None:
    machine.add_disk("mmcblk0", "179:0", SIZE, {"removable": "0", "device/type": "SD"})
    machine.add_disk("mmcblk1", "179:8", SIZE, {"removable": "0", "device/type": "MMC"})
    assert _read(machine, os.makedev(179, 0)).removable
    assert not _read(machine, os.makedev(179, 8)).removable


@pytest.mark.parametrize("attribute", ["removable", "size", "ro", "queue/logical_block_size"])
def test_what_the_kernel_does_not_say_is_never_taken_for_good(
    machine: Machine, attribute: str
) -> None:
    (machine.add_disk("sdb", "8:16", SIZE) / attribute).unlink()
    with pytest.raises(ReleaseError, match="nothing is written to it"):
        _read(machine)


def test_without_a_list_of_mounts_nothing_is_written(machine: Machine) -> None:
    machine.add_disk("sdb", "8:16", SIZE)
    (machine.root / "proc/self/mountinfo").unlink()
    with pytest.raises(ReleaseError, match="cannot tell"):
        _read(machine)


def test_a_partition_is_refused(machine: Machine) -> None:
    machine.add_partition(machine.add_disk("sdb", "8:16", SIZE), "8:17", 1)
    (found,) = refusals(_read(machine, os.makedev(8, 17)))
    assert "name the whole disk" in found


def test_a_mounted_partition_of_the_disk_is_named_with_its_place(machine: Machine) -> None:
    machine.add_partition(machine.add_disk("sdb", "8:16", SIZE), "8:17", 1)
    machine.mount("8:17", r"/media/my\040stick", "/dev/sdb1")
    assert _read(machine).uses == ("sdb1 is mounted on /media/my stick: umount /media/my stick",)


def test_a_mount_of_another_disk_is_none_of_this_one(machine: Machine) -> None:
    machine.add_disk("sdb", "8:16", SIZE)
    machine.mount("8:1", "/home", "/dev/sda1")
    assert _read(machine).uses == ()


def test_a_disk_that_another_device_is_made_of_is_in_use(machine: Machine) -> None:
    part = machine.add_partition(machine.add_disk("sdb", "8:16", SIZE), "8:17", 1)
    (part / "holders/dm-0").mkdir()
    (use,) = _read(machine).uses
    assert "sdb1 is a part of dm-0" in use


def test_only_disks_with_a_medium_are_offered(machine: Machine) -> None:
    machine.add_disk("sdb", "8:16", SIZE)
    machine.add_disk("sdc", "8:32", 0)
    machine.add_disk("sdd", "8:48", SIZE, {"removable": "0"})
    assert removable_disks(machine.root) == ["sdb"]


def test_disks_that_cannot_be_listed_are_not_no_disks(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="cannot list"):
        removable_disks(tmp_path)


@pytest.mark.parametrize("place", ["/dev/null", "/dev", "/dev/no-such-disk"])
def test_what_is_neither_disk_nor_file_is_refused(place: str) -> None:
    with pytest.raises(ReleaseError, match="lsblk"):
        look(Path(place))


def test_a_real_block_device_is_read_from_the_running_kernel(tmp_path: Path) -> None:
    backing = tmp_path / "disk"
    backing.write_bytes(bytes(SIZE))
    with loop_device(backing) as device:
        if device is None:
            pytest.skip("no loop devices here")
        link = tmp_path / "by-id"
        link.symlink_to(device)
        target = look(link)
        assert (target.path, target.size, target.sector) == (device, SIZE, 512)
        assert target.device == device.stat().st_rdev
        (reason,) = refusals(target)
        assert "no removable disk" in reason


def test_swap_on_the_disk_is_found_by_its_device_number(machine: Machine, tmp_path: Path) -> None:
    backing = tmp_path / "disk"
    backing.write_bytes(bytes(SIZE))
    with loop_device(backing) as device:
        if device is None:
            pytest.skip("no loop devices here")
        number = device.stat().st_rdev
        machine.add_disk(device.name, f"{os.major(number)}:{os.minor(number)}", SIZE)
        machine.swap(device)
        (use,) = look(device, machine.root).uses
        assert f"swapoff {device}" in use
