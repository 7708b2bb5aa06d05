"""`release flash`: what it asks, and what happens after each answer."""

from __future__ import annotations

import io
import lzma
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from tools.release.commands.flash import agree, flash
from tools.release.errors import ReleaseError
from tools.release.flash.device import Target
from tools.release.flash.flash import Plan
from tools.release.flash.source import Source
from tools.release.flash.testing import boot_disk, loop_device

DISK = boot_disk(4096)
app = typer.Typer()
app.command()(flash)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.img.xz"
    path.write_bytes(lzma.compress(DISK, preset=0))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.write_bytes(bytes(len(DISK)))
    return path


def _run(*arguments: str | Path, answer: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)), input=answer, env={"COLUMNS": "300"})
    return done.exit_code, done.output


@pytest.mark.parametrize(("arguments", "answer"), [(("--yes",), None), ((), "y\n")])
def test_a_file_is_written_when_somebody_agrees(
    image: Path, target: Path, arguments: tuple[str, ...], answer: str | None
) -> None:
    status, told = _run(image, target, *arguments, answer=answer)
    assert (status, f"{target} holds the image" in told) == (0, True), told
    assert f"{target}, a regular file of 2.1 MB" in told
    assert target.read_bytes() == DISK


@pytest.mark.parametrize("answer", [None, "", "\n", "n\n", "yes please\n"])
def test_without_a_yes_nothing_is_written(image: Path, target: Path, answer: str | None) -> None:
    status, told = _run(image, target, answer=answer)
    assert (status, "nothing was written" in told) == (2, True), told
    assert target.read_bytes() == bytes(len(DISK))


def test_a_file_that_is_not_there_is_not_made(image: Path, tmp_path: Path) -> None:
    status, told = _run(image, tmp_path / "typo", "--yes")
    assert (status, "No such file" in told) == (4, True)
    assert not (tmp_path / "typo").exists()


def test_an_image_that_is_not_there(target: Path, tmp_path: Path) -> None:
    status, told = _run(tmp_path / "absent.img", target, "--yes")
    assert (status, "cannot read the image" in told) == (4, True)


def test_a_fixed_disk_is_refused_before_anything_is_asked(image: Path, target: Path) -> None:
    with loop_device(target) as device:
        if device is None:
            pytest.skip("no loop devices here")
        status, told = _run(image, device, answer=f"{device.name}\n")
    assert (status, "no removable disk" in told) == (1, True), told
    assert target.read_bytes() == bytes(len(DISK))


def _stick(image: Path) -> Plan:
    disk = Target(Path("/dev/sdz"), 4 * len(DISK), device=1, model="ACME Stick", serial="S-42")
    return Plan(Source(image, image.open("rb"), len(DISK), "0" * 64), disk)


def test_a_stick_is_agreed_to_by_its_name(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Console(file=io.StringIO(), width=300)
    monkeypatch.setattr("sys.stdin", io.StringIO("sdz\n"))
    agree(shown, _stick(image), yes=False)
    assert isinstance(shown.file, io.StringIO)
    for fact in ("removable disk of 8.4 MB", "ACME Stick", "S-42"):
        assert fact in shown.file.getvalue()


@pytest.mark.parametrize(
    ("answer", "yes"), [("y\n", False), ("sdy\n", False), ("", False), ("sdz\n", True)]
)
def test_nothing_else_agrees_to_a_stick(
    image: Path, monkeypatch: pytest.MonkeyPatch, answer: str, yes: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with pytest.raises(ReleaseError, match="nothing was written"):
        agree(Console(file=io.StringIO()), _stick(image), yes)
