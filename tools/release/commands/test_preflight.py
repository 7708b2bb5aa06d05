"""`release preflight`, on this machine with parts of it taken away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tools.release.commands.preflight import preflight
from tools.release.preflight.outcome import Task
from tools.release.preflight.packages import read_packages

app = typer.Typer()
app.command()(preflight)


def _run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "500"})
    return done.exit_code, done.stdout


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with just the programs of the packages that tests need, each of which can be taken away."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for package in read_packages():
        if Task.TEST in package.tasks and (program := shutil.which(package.sign)):
            (folder / package.sign).symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_program_that_is_taken_away_is_the_one_that_is_missed(path: Path) -> None:
    def state_of_mtools() -> tuple[str, str | None]:
        rows = json.loads(_run("test", "--json")[1])["checks"]
        (row,) = (row for row in rows if row["id"] == "debian:mtools")
        return row["state"], row["remedy"]

    assert state_of_mtools() == ("ok", None)
    (path / "mdir").unlink()
    assert state_of_mtools() == ("missing", "apt-get install mtools")


def test_people_are_told_what_to_do(path: Path) -> None:
    (path / "sgdisk").unlink()
    status, told = _run("test")
    assert status == 1
    assert "-> apt-get install gdisk" in told
    assert "test: NOT READY:" in told and "debian:gdisk" in told


def test_a_key_that_was_not_named_is_told_apart_from_one_that_is_bad(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, told = _run("sign", "--checkout", str(tmp_path))
    assert (status, "sign: NOT READY: clock, key" in told) == (4, True)
    status, told = _run("sign", "--checkout", str(tmp_path), "--key", str(tmp_path / "absent"))
    assert (status, "No such file" in told) == (1, True)


def test_ready_is_said_of_each_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BAREMETAL_CACHE", str(tmp_path))
    report = json.loads(_run("boot", "package", "--json")[1])
    assert list(report["tasks"]) == ["boot", "package"]
    assert report["tasks"]["boot"] == {"ready": True, "misses": []}


def test_a_task_that_there_is_not() -> None:
    assert _run("bake")[0] == 2
