"""The disk with a volatile cache: what reads see, what a cut of power leaves, and its server under a real client."""

from __future__ import annotations

import os
import random
import select
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.boot.disk import SECTOR, DiskServer, PowerFailed, VolatileDisk, countdown
from tools.boot.scenario import Between, PowerCut

SECTORS = 12
OLD = bytes([255]) * (SECTORS * SECTOR)


@contextmanager
def _image() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(OLD)
        file.flush()
        yield file.fileno()


def _never() -> bool:
    return False


def _fails_at(write: int, image: int, seed: int) -> VolatileDisk:
    left = iter([False] * (write - 1) + [True])
    return VolatileDisk(image, seed, lambda: next(left))


def _contents(image: int) -> list[bytes]:
    content = os.pread(image, len(OLD), 0)
    return [content[start : start + SECTOR] for start in range(0, len(OLD), SECTOR)]


_write = st.tuples(st.integers(0, len(OLD) - 1), st.integers(1, 3 * SECTOR), st.integers(0, 255))
_steps = st.lists(_write | st.none(), max_size=30)
"""Writes of (offset, length, byte), and flushes."""


def _clip(offset: int, length: int, byte: int) -> bytes:
    return bytes([byte]) * min(length, len(OLD) - offset)


class Model:
    """What a disk may hold, sector by sector: the latest content, and every one that a cut might leave."""

    def __init__(self) -> None:
        self.latest = bytearray(OLD)
        self.flush()

    def flush(self) -> None:
        self.possible = [{content} for content in self._sectors()]

    def write(self, offset: int, data: bytes) -> None:
        self.latest[offset : offset + len(data)] = data
        for possible, content in zip(self.possible, self._sectors()):
            possible.add(content)

    @property
    def at_stake(self) -> int:
        return sum(len(possible) > 1 for possible in self.possible)

    def _sectors(self) -> list[bytes]:
        return [bytes(self.latest[start : start + SECTOR]) for start in range(0, len(OLD), SECTOR)]


@given(steps=_steps)
def test_reads_see_the_latest_write(steps: list[tuple[int, int, int] | None]) -> None:
    with _image() as image:
        disk, model = VolatileDisk(image, 0, _never), Model()
        counted = 0
        for step in steps:
            if step is None:
                disk.flush()
                model.flush()
                continue
            data = _clip(*step)
            disk.write(step[0], data)
            model.write(step[0], data)
            counted += model.at_stake > 0
            assert disk.read(step[0], len(data)) == data
            assert disk.read(0, len(OLD)) == model.latest
        assert (disk.writes, disk.flushes) == (counted, steps.count(None))


@given(steps=_steps, last=_write, seed=st.integers(0, 1 << 32))
def test_a_cut_leaves_in_each_sector_what_was_flushed_or_written_since(
    steps: list[tuple[int, int, int] | None], last: tuple[int, int, int], seed: int
) -> None:
    with _image() as image:
        is_last = threading.Event()
        disk, model = VolatileDisk(image, seed, is_last.is_set), Model()
        for step in steps:
            if step is None:
                disk.flush()
                model.flush()
            else:
                disk.write(step[0], _clip(*step))
                model.write(step[0], _clip(*step))
        model.write(last[0], _clip(*last))
        is_last.set()
        with pytest.raises(PowerFailed) if model.at_stake else nullcontext():
            disk.write(last[0], _clip(*last))
        left = _contents(image)
        assert all(content in possible for content, possible in zip(left, model.possible))
        wanted = [model.latest[start : start + SECTOR] for start in range(0, len(OLD), SECTOR)]
        assert disk.sectors_lost == sum(a != b for a, b in zip(left, wanted))
        assert disk.sectors_lost <= disk.sectors_at_stake == model.at_stake


def _left_by(seed: int) -> list[int]:
    """What a cut leaves of: all sectors flushed as 1, all written as 2, half of them as 3; the first byte of each."""
    with _image() as image:
        disk = _fails_at(3, image, seed)
        disk.write(0, bytes([1]) * len(OLD))
        disk.flush()
        disk.write(0, bytes([2]) * len(OLD))
        with pytest.raises(PowerFailed):
            disk.write(0, bytes([3]) * (len(OLD) // 2))
        return [content[0] for content in _contents(image)]


def test_the_same_seed_loses_the_same_sectors() -> None:
    assert [_left_by(seed) for seed in range(50)] == [_left_by(seed) for seed in range(50)]


def test_seeds_lose_everything_nothing_and_any_part() -> None:
    half = SECTORS // 2
    left = [_left_by(seed) for seed in range(400)]
    assert [3] * half + [2] * half in left  # nothing is lost
    assert any(3 not in contents and 2 not in contents[half:] for contents in left)  # all of it is
    kept = {sum(value == 3 for value in contents[:half]) for contents in left}
    assert kept == set(range(half + 1))
    assert {value for contents in left for value in contents[:half]} == {1, 2, 3}
    # A later write can be there without an earlier one: the order is not kept.
    assert any(contents[0] == 3 and contents[-1] == 1 for contents in left)


def test_a_write_of_what_is_there_already_puts_nothing_at_stake_and_is_not_counted() -> None:
    with _image() as image:
        disk = _fails_at(1, image, 0)
        disk.write(0, OLD)
        with pytest.raises(PowerFailed):
            disk.write(SECTOR, bytes(SECTOR))
        assert disk.sectors_at_stake == 1


def test_writes_count_from_the_text_on_the_serial_line(tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    log.write_bytes(b"booting\n")
    fails = countdown(PowerCut(after_writes=2, after="[store] ready"), log)
    assert [fails() for _ in range(5)] == [False] * 5
    log.write_bytes(b"booting\n[store] ready\n")
    assert [fails() for _ in range(4)] == [False, True, False, False]


def test_without_a_text_writes_count_from_the_start(tmp_path: Path) -> None:
    fails = countdown(PowerCut(after_writes=1), tmp_path / "not looked at")
    assert fails()


def test_a_drawn_write_is_within_its_range_and_the_seeds_alone() -> None:
    between = Between(min=3, max=6)
    drawn = [PowerCut(after_writes=between, seed=seed).at_write for seed in range(100)]
    assert set(drawn) == {3, 4, 5, 6}
    assert drawn == [PowerCut(after_writes=between, seed=seed).at_write for seed in range(100)]


# ---- served to QEMU's own tools ----


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install qemu-utils")
    return found


def _qemu_io(socket: Path, *commands: str) -> list[str]:
    """The command line of qemu-io for a served disk."""
    where = f"driver=raw,file.driver=nbd,file.server.type=unix,file.server.path={socket}"
    arguments = [argument for command in commands for argument in ("-c", command)]
    return [_tool("qemu-io"), "--image-opts", where, *arguments]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[DiskServer, Path]]:
    """A disk of 4 MiB of the byte 255 whose power fails at the third write."""
    image, socket = tmp_path / "disk.img", tmp_path / "disk.sock"
    image.write_bytes(bytes([255]) * (4 << 20))
    file = os.open(image, os.O_RDWR)
    with DiskServer(_fails_at(3, file, 1), socket) as server:
        yield server, socket
    os.close(file)
    assert not socket.exists()


def test_a_real_client_reads_writes_and_flushes(served: tuple[DiskServer, Path]) -> None:
    server, socket = served
    commands = _qemu_io(
        socket,
        "length",
        "read -P 255 0 4M",
        "write -P 7 1536 1024",
        "flush",
        "read -P 7 1536 1024",
        "write -P 8 1M 2M",
        "read -P 8 1M 2M",
        "read -P 255 3M 1M",
    )
    done = subprocess.run(commands, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Pattern verification failed" not in done.stdout
    assert done.stdout.startswith("4 MiB")
    assert (server.disk.writes, server.power_failed) == (2, False)
    assert server.disk.flushes >= 1
    assert server.problem is None


def test_a_dead_disk_is_silent(served: tuple[DiskServer, Path]) -> None:
    server, socket = served
    commands = _qemu_io(socket, "write -P 1 0 512", "write -P 2 512 512", "write -P 3 0 1M")
    with subprocess.Popen(commands, stdout=subprocess.PIPE) as client:
        ready, _, _ = select.select([server], [], [], 30)
        assert ready
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(0.2)  # no answer, and no error either
        client.kill()
    assert server.power_failed
    assert server.disk.writes == 3
    assert server.disk.sectors_at_stake == 2048
    assert 0 < server.disk.sectors_lost < 2048


def test_a_whole_image_goes_there_and_back(tmp_path: Path) -> None:
    random_image, copy = tmp_path / "random.img", tmp_path / "copy.img"
    random_image.write_bytes(random.Random(1).randbytes(3 << 20))
    copy.write_bytes(bytes(3 << 20))
    url = f"nbd+unix:///?socket={tmp_path}/disk.sock"
    for command in (["convert", "-n", "-O", "raw"], ["compare", "-F", "raw"]):
        file = os.open(copy, os.O_RDWR)
        with DiskServer(VolatileDisk(file, 0, _never), tmp_path / "disk.sock") as server:
            arguments = [_tool("qemu-img"), *command, "-f", "raw", str(random_image), url]
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=30)
        os.close(file)
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.problem is None
    assert copy.read_bytes() == random_image.read_bytes()


def test_no_client_is_no_problem(served: tuple[DiskServer, Path]) -> None:
    server, _ = served
    assert (server.problem, server.power_failed) == (None, False)
