"""Plans: the limits of a folder, and that a plan does not depend on the layout's order."""

from pathlib import Path

import pytest

from tools.image.errors import TooLarge
from tools.image.plan import Content, Names, SourceFile, make_plan

EMPTY = SourceFile(Path("empty"), 0)


def test_folder_with_too_many_files() -> None:
    # A lower-case name takes two slots; the folder's own two links come on top.
    most: dict[Names, SourceFile] = {("logs", f"a{n}"): EMPTY for n in range(32767)}
    assert Content("LLMB", most).folder_bytes(("logs",)) == 65536 * 32
    content = Content("LLMB", {**most, ("logs", "B"): EMPTY})
    with pytest.raises(TooLarge, match="folder logs needs 65537 directory slots; FAT allows 65536"):
        make_plan(content, free_mib=0, size_mib=None)


def test_order_of_the_layout_does_not_matter() -> None:
    files: dict[Names, SourceFile] = {
        (f"folder {n % 3}", f"file {n}"): SourceFile(Path("x"), n * 1000) for n in range(9)
    }
    plans = [
        make_plan(Content("LLMB", dict(items)), free_mib=1, size_mib=None)
        for items in (files.items(), reversed(files.items()))
    ]
    assert plans[0].clusters == plans[1].clusters
