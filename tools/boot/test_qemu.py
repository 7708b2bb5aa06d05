"""The emulator's command lines: what a reader of one would rely on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools.boot.qemu import Firmware, Machine, interactive, unattended

FIRMWARE = Firmware(Path("/fw/code.fd"), Path("/fw/vars.fd"))
MACHINE = Machine(
    qemu=Path("/bin/qemu"),
    firmware=FIRMWARE,
    image=Path("/t/disk.img"),
    monitor_socket=Path("/t/monitor.sock"),
)


def _option(argv: tuple[str, ...], name: str) -> list[str]:
    return [value for flag, value in zip(argv, argv[1:]) if flag == name]


def test_unattended_time_is_counted_and_the_network_is_off() -> None:
    argv = unattended(MACHINE)
    assert _option(argv, "-icount") == ["shift=5,sleep=off"]
    assert _option(argv, "-accel") == ["tcg,thread=single"]
    assert _option(argv, "-rtc") == ["base=2026-01-01,clock=vm"]
    assert _option(argv, "-nic") == ["none"]
    assert "isa-debug-exit,iobase=0xf4,iosize=4" in argv


def test_firmware_code_is_never_writable() -> None:
    for argv in (
        unattended(MACHINE),
        interactive(Path("/bin/qemu"), FIRMWARE, Path("i"), 64, 1, False),
    ):
        code = next(value for value in _option(argv, "-drive") if "code.fd" in value)
        assert "readonly=on" in code


def test_a_read_only_volume_is_one_the_guest_cannot_write() -> None:
    argv = unattended(replace(MACHINE, read_only=True))
    assert any("disk.img,readonly=on" in value for value in _option(argv, "-drive"))


def test_a_slower_machine_counts_more_time_an_instruction() -> None:
    argv = unattended(replace(MACHINE, icount_shift=8))
    assert _option(argv, "-icount") == ["shift=8,sleep=off"]


def test_a_served_volume_is_not_opened_and_flushes_reach_its_server() -> None:
    argv = unattended(replace(MACHINE, disk_socket=Path("/t,u/disk.sock")))
    (drive,) = [value for value in _option(argv, "-drive") if "id=disk" in value]
    assert "file.driver=nbd,file.server.type=unix,file.server.path=/t,,u/disk.sock," in drive
    assert "cache=writeback" in drive
    assert "disk.img" not in drive


def test_commas_in_a_path_do_not_end_the_option() -> None:
    argv = unattended(replace(MACHINE, image=Path("/a,b/disk.img")))
    assert any("file=/a,,b/disk.img," in value for value in _option(argv, "-drive"))


def test_interactive_boots_change_nothing_and_use_every_processor() -> None:
    argv = interactive(Path("/bin/qemu"), FIRMWARE, Path("disk.img"), 2048, 8, True)
    assert "-snapshot" in argv
    assert _option(argv, "-smp") == ["8"]
    assert _option(argv, "-accel") == ["kvm", "tcg,thread=multi"]
    assert _option(argv, "-serial") == ["mon:stdio"]
    assert "-icount" not in argv
    assert not any("isa-debug-exit" in value for value in argv)  # power-off must be status 0
