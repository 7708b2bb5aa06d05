"""A volume that takes no writing: a session needs none."""

from __future__ import annotations

from pathlib import Path

from tests.bad_input.session import talk
from tools.testmodels.kinds import make


def content(volume: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(volume).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in volume.rglob("*")
        if path.is_file()
    }


def test_a_session_leaves_a_read_only_volume_as_it_was(tmp_path: Path) -> None:
    make("llama-q8_0", tmp_path / "models")
    (tmp_path / "repl.cfg").write_text("temp=0.5\n")
    before = content(tmp_path)
    for folder in (tmp_path / "models", tmp_path):
        folder.chmod(0o555)
    session = talk(tmp_path, ["hello", "/temp 0.1", "/clear", "hello again"])
    for folder in (tmp_path, tmp_path / "models"):
        folder.chmod(0o755)
    assert len(session.log.of("gen_end")) == 2
    assert session.went_on
    assert content(tmp_path) == before
