"""A configuration file that is wrong: every line that is not taken is reported, and the session starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.session import talk
from tools.testmodels.kinds import make
from tools.testmodels.seeds import seeds


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    make("llama-micro", tmp_path / "models")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "named"),
    [("tempp=0.5", "tempp"), ("temp=abc", "temp"), ("top_p=5", "top_p"), ("just words", "line 1")],
)
def test_a_line_that_is_not_taken_is_named(volume: Path, line: str, named: str) -> None:
    (volume / "repl.cfg").write_text(line + "\n")
    session = talk(volume, ["hello"])
    (warning,) = session.log.of("cfg_warning")
    assert named in str(dict(warning.fields)) or warning["line"] == 1
    assert session.went_on


@pytest.mark.parametrize("name", [n for n in seeds() if n.startswith("config/")])
def test_the_fuzzers_files_start_a_session(volume: Path, name: str) -> None:
    (volume / "repl.cfg").write_bytes(seeds()[name])
    assert talk(volume, ["hello"]).went_on


def test_a_huge_file_of_noise_starts_a_session(volume: Path) -> None:
    (volume / "repl.cfg").write_bytes(bytes(range(256)) * 4096)
    assert talk(volume, ["hello"]).went_on


def test_a_folder_in_the_place_of_the_file_starts_a_session(volume: Path) -> None:
    (volume / "repl.cfg").mkdir()
    assert talk(volume, ["hello"]).went_on
