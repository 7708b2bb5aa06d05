"""Finding the emulator, and saying what to install."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.boot.installed import OVMF_CODE, QEMU, NotInstalled, find


def test_a_given_file_wins(tmp_path: Path) -> None:
    given = tmp_path / "qemu"
    given.touch()
    assert find(QEMU, given) == given


def test_a_given_file_that_is_missing_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="--qemu .*none: no such file"):
        find(QEMU, tmp_path / "none")


def test_the_first_usual_place_that_exists_is_taken(tmp_path: Path) -> None:
    (tmp_path / "code.fd").touch()
    places = (str(tmp_path / "missing.fd"), str(tmp_path / "code.fd"))
    assert find(replace(OVMF_CODE, places=places), None) == tmp_path / "code.fd"


def test_nothing_found_names_the_package_to_install() -> None:
    with pytest.raises(NotInstalled, match="apt-get install ovmf"):
        find(replace(OVMF_CODE, places=("/nonexistent/code.fd",)), None)
