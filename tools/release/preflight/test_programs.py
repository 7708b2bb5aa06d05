"""Programs that are there, are not, or are there and do not start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.boot.installed import OVMF_CODE, QEMU
from tools.release.preflight import programs
from tools.release.preflight.outcome import State


@pytest.fixture
def bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; there is no pyenv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return folder


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_program_is_looked_for_on_path_by_its_own_name(bin: Path) -> None:
    assert programs.look_for_sign("fsck.vfat").state == State.MISSING
    _program(bin / "fsck.vfat", "true")
    assert programs.look_for_sign("fsck.vfat").found == str(bin / "fsck.vfat")


def test_a_package_without_programs_is_looked_for_by_its_files(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/clang/*/libclang_rt.asan.a"
    assert programs.look_for_sign(pattern).state == State.MISSING
    (tmp_path / "clang/14").mkdir(parents=True)
    (tmp_path / "clang/14/libclang_rt.asan.a").touch()
    assert programs.look_for_sign(pattern).state == State.OK


def test_no_python_anywhere(bin: Path) -> None:
    outcome = programs.look_for_python("3.9")
    assert (outcome.state, "no python3.9" in outcome.found) == (State.MISSING, True)


def test_a_python_that_is_there_and_does_not_start_is_no_python(bin: Path) -> None:
    _program(bin / "python3.9", "echo 'pyenv: python3.9: command not found' >&2; exit 127")
    outcome = programs.look_for_python("3.9")
    assert outcome.state == State.MISSING
    assert f"{bin}/python3.9: does not start" in outcome.found


@pytest.mark.parametrize("place", ["bin/python3.9", ".pyenv/versions/3.9.18/bin/python3.9"])
def test_the_first_python_that_starts_is_taken(bin: Path, tmp_path: Path, place: str) -> None:
    _program(bin / "python3.9", "exit 127")
    _program(tmp_path / place, "echo 3.9.18")
    assert programs.look_for_python("3.9").found == f"{tmp_path / place}, 3.9.18"


def test_what_uv_knows_counts(bin: Path, tmp_path: Path) -> None:
    _program(tmp_path / "uv's/python", "echo 3.9.7")
    _program(bin / "uv", f'echo "{tmp_path}/uv\'s/python"')
    assert programs.look_for_python("3.9").state == State.OK


def test_a_python_of_another_version_under_the_name_does_not_count(bin: Path) -> None:
    _program(bin / "python3.9", "echo 3.11.2")
    assert programs.look_for_python("3.9").state == State.MISSING


def test_the_emulator_of_this_machine_is_new_enough() -> None:
    assert programs.look_for_qemu().state == State.OK


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo QEMU emulator version 6.2.0", "6.2, older than 7.2"),
        ("exit 1", "does not say its version"),
        ("echo something else", "does not say its version"),
    ],
)
def test_an_emulator_that_will_not_do(tmp_path: Path, script: str, found: str) -> None:
    _program(tmp_path / "qemu", script)
    outcome = programs.look_for_qemu(replace(QEMU, places=(str(tmp_path / "qemu"),)))
    assert outcome.state == State.MISSING
    assert found in outcome.found


def test_no_emulator_at_all(bin: Path) -> None:
    outcome = programs.look_for_qemu(replace(QEMU, places=("qemu-system-x86_64",)))
    assert outcome.state == State.MISSING


def test_a_firmware_must_be_there_and_hold_something(tmp_path: Path) -> None:
    component = replace(OVMF_CODE, places=(str(tmp_path / "code.fd"),))
    assert programs.look_for_ovmf(component).state == State.MISSING
    (tmp_path / "code.fd").touch()
    assert "is empty" in programs.look_for_ovmf(component).found
    (tmp_path / "code.fd").write_bytes(b"code")
    assert programs.look_for_ovmf(component).state == State.OK
