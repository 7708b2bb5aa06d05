"""The machine, looked at in places and environments made to lack something."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.release.flash.testing import Machine
from tools.release.preflight import machine
from tools.release.preflight.outcome import State

NOW = datetime.now(UTC)


def test_memory_is_what_the_kernel_says() -> None:
    assert machine.look_at_memory(1).state == State.OK
    assert machine.look_at_memory(10**9).state == State.MISSING


@pytest.mark.parametrize("text", [None, "", "MemTotal: 1 kB\n", "MemAvailable: lots\n"])
def test_memory_that_cannot_be_read_is_unknown(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "meminfo"
    if text is not None:
        path.write_text(text)
    assert machine.look_at_memory(1, path).state == State.UNKNOWN


def test_room_is_looked_at_where_the_folder_would_be(tmp_path: Path) -> None:
    folder = tmp_path / "not/yet"
    assert machine.look_at_room(folder, 1).state == State.OK
    assert machine.look_at_room(folder, 10**12).state == State.MISSING
    assert not (tmp_path / "not").exists()


def test_a_small_disk_has_too_little_room(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tools.release.preflight import machine as m;"
    )
    program += "print(m.look_at_room(Path(sys.argv[1]) / 'x', 3).found)"
    script = f'mount -t tmpfs -o size=2m none "{tmp_path}" && exec "$@"'
    done = subprocess.run(
        ("unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", program, tmp_path),
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])},
        capture_output=True,
        text=True,
    )
    if done.returncode and done.stderr.startswith(("mount:", "unshare:")):
        pytest.skip("no right to mount here")
    assert done.stdout.strip() == f"{tmp_path}/x: 2 MiB free, 3 needed"


@pytest.mark.parametrize("cache", ["relative", "~/cache"])
def test_a_cache_needs_an_absolute_place(monkeypatch: pytest.MonkeyPatch, cache: str) -> None:
    monkeypatch.setenv("LLM_BAREMETAL_CACHE", cache)
    assert machine.look_at_cache(1).state == State.MISSING


def test_without_a_home_there_is_no_place_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LLM_BAREMETAL_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert machine.look_at_cache(1).state == State.MISSING


def test_the_cache_that_is_asked_for_is_the_one_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLM_BAREMETAL_CACHE", str(tmp_path / "cache"))
    assert machine.look_at_cache(1).found.startswith(f"{tmp_path}/cache:")


def test_temporary_files_go_where_tmpdir_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # what was found before
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert machine.look_at_temporary(1).found.startswith(f"{tmp_path}:")


def _commit(folder: Path, time: datetime) -> None:
    """A checkout with one commit of a moment."""
    identity = {
        f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    dates = {f"GIT_{who}_DATE": time.isoformat() for who in ("AUTHOR", "COMMITTER")}
    environment = {**os.environ, **identity, **dates}
    for arguments in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "x")):
        subprocess.run(("git", "-C", folder, *arguments), env=environment, check=True)


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(hours=1), State.OK),
        (timedelta(days=-1), State.MISSING),
        (timedelta(days=11 * 366), State.MISSING),
    ],
)
def test_the_clock_is_compared_with_the_newest_commit(
    tmp_path: Path, age: timedelta, state: State
) -> None:
    _commit(tmp_path, NOW - age)
    assert machine.look_at_clock(tmp_path).state == state


def test_changes_are_counted(tmp_path: Path) -> None:
    _commit(tmp_path, NOW)
    assert machine.look_at_changes(tmp_path).state == State.OK
    (tmp_path / "new").touch()
    assert machine.look_at_changes(tmp_path).found == "1 files differ from the commit"


def test_without_a_commit_or_git_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for look in (machine.look_at_clock, machine.look_at_changes):
        assert look(tmp_path).state == State.UNKNOWN
    _commit(tmp_path, NOW)
    monkeypatch.setenv("PATH", "")
    for look in (machine.look_at_clock, machine.look_at_changes):
        assert look(tmp_path).state == State.UNKNOWN


def test_a_stick_must_be_there(tmp_path: Path) -> None:
    computer = Machine.new(tmp_path)
    assert machine.look_for_stick(tmp_path).state == State.MISSING
    computer.add_disk("sdb", "8:16", 64 * 1024 * 1024)
    (tmp_path / "dev").mkdir()
    assert "become root" not in machine.look_for_stick(tmp_path).found
    assert machine.look_for_stick(tmp_path).state == State.MISSING
    (tmp_path / "dev/sdb").touch()
    assert machine.look_for_stick(tmp_path).found == "sdb"


def test_disks_that_cannot_be_listed_are_unknown(tmp_path: Path) -> None:
    assert machine.look_for_stick(tmp_path).state == State.UNKNOWN
