"""Scenario files as their authors write them, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.boot.scenario import ExtraFile, Scenario, ScenarioError, load


def _write(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_only_the_description_is_needed(tmp_path: Path) -> None:
    scenario = load(_write(tmp_path, 'description = "plain"'))
    assert scenario == Scenario(description="plain")
    assert scenario.config is None


def test_every_kind_of_row_is_read(tmp_path: Path) -> None:
    scenario = load(
        _write(
            tmp_path,
            """
            description = "all"
            config = ["greedy=1"]
            autorun = ["Hello", "/poweroff"]
            read_back = ["repl.cfg"]
            faults = ["full_volume", "read_only_volume"]
            [[files]]
            path = "models/a.txt"
            text = "ab"
            repeat = 3
            [[damage]]
            path = "models/m.gguf"
            offset = 4
            hex = "ff00"
            truncate = 100
            [[typed]]
            after = "> "
            text = "hi\\r"
            """,
        )
    )
    assert scenario.files[0].content == b"ababab"
    assert scenario.damage[0].truncate == 100
    assert scenario.typed[0].text == "hi\r"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("description = 1", "description"),
        ('description = "x"\nconfg = []', "confg"),
        ('description = "x"\nboots = 0', "boots"),
        ('description = "x"\ndisk = "floppy"', "disk"),
        ('description = "x"\nread_back = ["../secret"]', "read_back"),
        ('description = "x"\n[[files]]\npath = "/etc/passwd"\ntext = ""', "files.0.path"),
        ('description = "x"\n[[damage]]\npath = "a"\nhex = "zz"', "damage.0.hex"),
        ("description = ", "not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_place(tmp_path: Path, text: str, place: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ScenarioError, match=place) as error:
        load(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_a_scenario_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        load(tmp_path / "none.toml")


@given(text=st.text(max_size=20), repeat=st.integers(1, 50))
def test_repeated_text_is_exactly_that(text: str, repeat: int) -> None:
    file = ExtraFile(path="a", text=text, repeat=repeat)
    assert file.content.decode() == text * repeat
