"""docs/mutations.md has the tables of the code; no folder of judges is left out."""

from __future__ import annotations

from pathlib import Path

from tests.mutations import equivalents, page, unjudged
from tests.mutations.groups import groups

PAGE = Path("docs/mutations.md")


def test_the_page_has_the_tables() -> None:
    """Mended with what `python -m tests.mutations tables` prints."""
    text = PAGE.read_text(encoding="utf-8")
    rows = equivalents.load()
    assert page.counts(groups().values(), rows) in text
    assert page.explained(rows) in text
    assert page.accepted(unjudged.load()) in text


def test_every_module_of_the_judges_is_mutated() -> None:
    named = {path for group in groups().values() for path in group.modules}
    judges = {
        path
        for path in Path("tools/guardrails/judges").rglob("*.py")
        if not path.name.startswith(("test", "__init__")) and "simulation" not in path.name
    }
    assert judges <= named and len(judges) > 30


def test_every_group_is_tried() -> None:
    """Each in a test file of its own, so that a change runs only the tests it is about."""
    tried = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert set(groups()) <= tried
