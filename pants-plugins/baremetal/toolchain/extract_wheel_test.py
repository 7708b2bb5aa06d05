from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from baremetal.toolchain.extract_wheel import extract


@pytest.fixture
def wheel(tmp_path: Path) -> str:
    path = tmp_path / "x.whl"
    with ZipFile(path, "w") as archive:
        program = ZipInfo("pkg/program")
        program.external_attr = 0o755 << 16
        archive.writestr(program, b"#!")
        archive.writestr("pkg/include/deep/a.h", b"int a;")
        archive.writestr("pkg/unwanted", b"x" * 1000)
    return str(path)


def test_only_the_wanted_members_come_out_with_their_execute_bit(
    wheel: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    extract(wheel, str(output), ["pkg/program", "pkg/include/*"])
    files = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    assert files == ["pkg/include/deep/a.h", "pkg/program"]
    assert os.access(output / "pkg/program", os.X_OK)
    assert (output / "pkg/include/deep/a.h").read_bytes() == b"int a;"
    assert not (output / "pkg/include/deep/a.h").stat().st_mode & 0o111


def test_a_glob_without_a_match_is_an_error(wheel: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No member of the wheel matches `pkg/gone`"):
        extract(wheel, str(tmp_path / "out"), ["pkg/program", "pkg/gone"])
    assert not (tmp_path / "out").exists()
