"""Scenario files as their authors write them, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.boot.scenario import Between, Boot, ExtraFile, PowerCut, Scenario, ScenarioError, load


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


def test_boots_that_differ_are_rows(tmp_path: Path) -> None:
    scenario = load(
        _write(
            tmp_path,
            """
            description = "rows"
            icount_shift = 7
            [[boot]]
            [[boot]]
            autorun = []
            remove = ["a.txt"]
            power_cut = { after_writes = 12, after = "[store] ready", seed = 3 }
            [[boot.files]]
            path = "b.txt"
            text = "b"
            [[boot]]
            power_cut.after_writes = { min = 1, max = 9 }
            """,
        )
    )
    assert scenario.icount_shift == 7
    assert scenario.rows == (
        Boot(),
        Boot(
            autorun=(),
            remove=("a.txt",),
            power_cut=PowerCut(after_writes=12, after="[store] ready", seed=3),
            files=(ExtraFile(path="b.txt", text="b"),),
        ),
        Boot(power_cut=PowerCut(after_writes=Between(min=1, max=9))),
    )
    assert scenario.rows[1].model_fields_set == {"autorun", "remove", "power_cut", "files"}


def test_boots_that_are_alike_are_a_number(tmp_path: Path) -> None:
    scenario = load(_write(tmp_path, 'description = "x"\nboots = 3'))
    assert scenario.rows == (Boot(),) * 3


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
        ('description = "x"\nicount_shift = 11', "icount_shift"),
        ('description = "x"\n[[typed]]\nafter = "a"\ntext = "\u00e9"', "typed.0.text"),
        ('description = "x"\nremove = ["/a"]', "remove"),
        ('description = "x"\n[[boot]]\ndisk = "nvme"', "boot.0.disk"),
        ('description = "x"\n[[boot]]\n[[boot]]\nremove = ["../a"]', "boot.1.remove"),
        ('description = "x"\n[[boot]]\npower_cut = {}', "boot.0.power_cut.after_writes"),
        (
            'description = "x"\n[[boot]]\npower_cut = { after_writes = { min = 2, max = 1 } }',
            r"boot.0.power_cut.after_writes: .*max \(1\) is below min \(2\)",
        ),
        ('description = "x"\npower_cut = { after_writes = 1 }', "power_cut: "),
        ('description = "x"\nboots = 2\n[[boot]]', r"boots = 2 and 1 rows of \[\[boot\]\]"),
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
