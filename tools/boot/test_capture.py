"""Boots of the platform probe in the real emulator: the machine, the capture, and the firmware's platform layer."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tools.boot.conftest import Boot


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_exit_code_text_and_image(image: Path, tmp_path: Path) -> None:
    before = _sha256(image)
    boot = Boot(image, tmp_path, "say Grüße, 世界 🎉\nwrite note.txt kept\npower_off 7\n")
    assert boot.outcome() == ("debug_exit", 7)
    assert boot.final
    assert boot.lines == ["Grüße, 世界 🎉", "wrote 4"]
    assert "\r\n" not in boot.serial.partition("probe build_id=")[2]
    assert boot.run["image_sha256"] == before == _sha256(image)
    assert not (boot.folder / "boot-1/registers.txt").exists()


def test_a_hang_leaves_log_and_registers(image: Path, tmp_path: Path) -> None:
    boot = Boot(image, tmp_path, "say before\nhang\n", "time_limit_s = 12")
    assert boot.outcome() == ("time_limit", None)
    assert boot.lines == ["before", "hanging"]
    assert not boot.final
    registers = (boot.folder / "boot-1/registers.txt").read_text()
    assert registers.startswith("status: running\n")
    assert "RIP=" in registers and "CR3=" in registers
    assert 12 <= boot.run["boots"][0]["wall_seconds"] < 30


def test_a_reset_ends_the_boot(image: Path, tmp_path: Path) -> None:
    boot = Boot(image, tmp_path, "reboot\n")
    assert boot.outcome() == ("reset", None)
    assert boot.serial.count("probe build_id=") == 1


def test_boots_share_the_volume(image: Path, tmp_path: Path) -> None:
    script = "read state.txt\nwrite state.txt second\npower_off 0\n"
    boot = Boot(image, tmp_path, script, "boots = 2\nread_back = ['state.txt', 'none.txt']")
    assert "open failed not_found" in boot.lines[0]
    assert 'read "second"' in (boot.folder / "boot-2/serial.log").read_text()
    assert (boot.folder / "boot-1/files/state.txt").read_bytes() == b"second"
    assert boot.run["boots"][0]["files"] == ["state.txt"]


def test_counted_time_is_the_same_every_time(image: Path, tmp_path: Path) -> None:
    times = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        boot = Boot(image, tmp_path / name, "wait 100\ncount 1000000\npower_off 0\n")
        waited, counted = (int(re.findall(r"(\d+) us", line)[0]) for line in boot.lines)
        assert 90_000 <= waited <= 120_000  # UEFI timers go by ticks of 10 ms
        times.append(counted)
    # Two or three instructions a step, 32 ns each.
    assert 60_000 <= times[0] <= 100_000
    assert abs(times[0] - times[1]) <= times[0] * 0.002


def test_files_are_replaced_whole_and_listed(image: Path, tmp_path: Path) -> None:
    script = """write Übersicht-mit-langem-Namen.txt one
write Übersicht-mit-langem-Namen.txt a longer second version
read Übersicht-mit-langem-Namen.txt
write Übersicht-mit-langem-Namen.txt 3
read Übersicht-mit-langem-Namen.txt
past_end Übersicht-mit-langem-Namen.txt
read EFI
read no/such/file
list /
list EFI\\BOOT
power_off 0
"""
    boot = Boot(image, tmp_path, script)
    assert boot.lines[2] == 'read "a longer second version"'
    assert boot.lines[4] == 'read "3"'
    assert boot.lines[5].startswith("past_end failed truncated")
    assert boot.lines[6].startswith("open failed io: EFI: is a folder")
    assert boot.lines[7].startswith("open failed not_found: no/such/file")
    root, boot_folder = boot.lines[8:11], boot.lines[11:]
    assert "entry Übersicht-mit-langem-Namen.txt 1" in boot.lines
    assert not [line for line in boot.lines if ".new" in line or ".old" in line]
    assert any(line.startswith("entry EFI ") and line.endswith(" dir") for line in root)
    assert any(line.startswith("entry BOOTX64.EFI ") for line in boot_folder)


def test_a_read_only_volume_is_said_to_be_one(image: Path, tmp_path: Path) -> None:
    script = "write new.txt x\nwriteat probe.txt 0 x\nread probe.txt\npower_off 0\n"
    boot = Boot(image, tmp_path, script, "faults = ['read_only_volume']")
    assert boot.lines[0].startswith("write failed read_only: new.txt")
    assert boot.lines[1].startswith("writeat failed read_only: probe.txt")
    assert boot.lines[2].startswith('read "write new.txt')
    assert boot.outcome() == ("debug_exit", 0)


def test_a_full_volume_keeps_the_old_file_which_can_be_overwritten(
    image: Path, tmp_path: Path
) -> None:
    old = "[[files]]\npath = 'old.txt'\ntext = 'old content'"
    script = """fill old.txt 100000
read old.txt
writeat old.txt 4 CON
writeat old.txt 10 TX
writeat old.txt 10 T
list /
power_off 0
"""
    boot = Boot(image, tmp_path, script, f"faults = ['full_volume']\nread_back=['old.txt']\n{old}")
    assert boot.lines[0].startswith("fill failed full: old.txt")
    assert boot.lines[1] == 'read "old content"'
    assert boot.lines[2] == "wrote 3 at 4"
    assert boot.lines[3].startswith("writeat failed limit: old.txt")
    assert boot.lines[4] == "wrote 1 at 10"
    assert "entry old.txt 11" in boot.lines
    assert not [line for line in boot.lines if ".new" in line]
    assert (boot.folder / "boot-1/files/old.txt").read_bytes() == b"old CONtenT"


def test_a_replacement_that_power_cut_short_leaves_the_old_file(
    image: Path, tmp_path: Path
) -> None:
    old = "[[files]]\npath = 'state.txt.old'\ntext = 'last good'"
    boot = Boot(
        image, tmp_path, "read state.txt\nwrite state.txt next\nread state.txt\nlist /\n", old
    )
    assert boot.lines[0] == 'read "last good"'
    assert boot.lines[2] == 'read "next"'
    assert not [line for line in boot.lines if ".old" in line]


def test_a_path_that_is_too_long_is_refused(image: Path, tmp_path: Path) -> None:
    boot = Boot(image, tmp_path, f"read {'a' * 300}\npower_off 0\n")
    assert "open failed limit" in boot.lines[0]


def test_memory_is_taken_and_given_back(image: Path, tmp_path: Path) -> None:
    boot = Boot(image, tmp_path, "memory 64\nmemory 64\nmemory 99999\npower_off 0\n")
    assert boot.lines[0] == boot.lines[1] == f"memory taken {64 << 20} misaligned 0"
    assert boot.lines[2].startswith("memory failed with ")


def test_keys_of_a_serial_terminal(image: Path, tmp_path: Path) -> None:
    typed = "[[typed]]\nafter = 'ready'\ntext = 'a~\\u001b[A\\b\\r'".replace("'", '"')
    boot = Boot(image, tmp_path, "say ready\nkeys 5\npower_off 0\n", typed)
    assert boot.lines[1:] == [f"key {key}" for key in (ord("a"), ord("~"), -10, 8, 10)]


def test_damage_reaches_the_guest(image: Path, tmp_path: Path) -> None:
    file = "[[files]]\npath = 'a.txt'\ntext = 'abcdef'\n"
    damage = file + "[[damage]]\npath = 'a.txt'\noffset = 1\nhex = '5a'\ntruncate = 3"
    boot = Boot(image, tmp_path, "read a.txt\npower_off 0\n", damage)
    assert boot.lines == ['read "aZc"']


@pytest.mark.parametrize("disk", ["virtio", "nvme", "ahci"])
def test_every_kind_of_disk_boots(image: Path, tmp_path: Path, disk: str) -> None:
    assert Boot(image, tmp_path, "power_off 0\n", f"disk = '{disk}'").outcome() == ("debug_exit", 0)


def test_a_screen_shows_the_text(image: Path, tmp_path: Path) -> None:
    scenario = "screen = true\ntime_limit_s = 15"
    plain = Boot(image, tmp_path, "say HELLO\nhang\n", scenario)
    picture = (plain.folder / "boot-1/screen.ppm").read_bytes()
    assert picture.startswith(b"P6")
    assert len(set(picture[20:])) > 1  # something is drawn
    assert plain.lines == ["HELLO", "hanging"]


def test_an_emulator_that_does_not_start_is_reported(image: Path, tmp_path: Path) -> None:
    boot = Boot(image, tmp_path, "power_off 0\n", "cpu = 'no-such-processor'")
    assert boot.outcome() == ("emulator_failed", None)
    assert "no-such-processor" in (boot.folder / "boot-1/qemu.log").read_text()
