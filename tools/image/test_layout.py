"""LAYOUT.json: what is accepted, and what a person is told when it is not."""

import json
from pathlib import Path

import pytest

from tools.image.errors import LayoutError
from tools.image.layout import load_layout


def write(folder: Path, content: object) -> Path:
    path = folder / "LAYOUT.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def files(*paths: str) -> dict[str, object]:
    return {"label": "LLMB", "files": [{"path": path, "source": "x"} for path in paths]}


def test_sources_are_relative_to_the_layout(tmp_path: Path) -> None:
    layout = load_layout(write(tmp_path, files("EFI/BOOT/BOOTX64.EFI")))
    assert layout.files[0].source == tmp_path / "x"
    assert (layout.label, layout.free_mib, layout.size_mib) == ("LLMB", 16, None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "Invalid JSON"),
        ({"files": []}, "label: Field required"),
        ({"label": "lower", "files": []}, "label: a volume label has 1 to 11"),
        ({"label": "A", "files": [], "colour": 1}, "colour: Extra inputs"),
        (files("a", "b:c"), r"files\.1\.path: 'b:c': the name 'b:c' contains ':'"),
        (files("a", "a"), "'a' is listed twice"),
        (files("Readme", "README"), "'Readme' and 'README' differ only in case"),
        (files("EFI/a", "efi/b"), "'EFI' and 'efi' differ only in case"),
        (files("a", "a/b"), "'a' is listed as a file and used as a folder"),
        (files("a/b", "a"), "'a' is listed as a file and used as a folder"),
        ({**files("a"), "free_mib": -1}, "free_mib: Input should be greater"),
    ],
)
def test_faults_are_explained(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(LayoutError, match=told):
        load_layout(write(tmp_path, content))


def test_missing_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="nowhere.json: No such file"):
        load_layout(tmp_path / "nowhere.json")
