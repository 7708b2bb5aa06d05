"""Pages of a dashboard: Markdown, HTML that loads nothing, JSON. The same bytes on any day and machine."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.guardrails.dashboard.model import Dashboard, to_state
from tools.guardrails.dashboard.page import page_of
from tools.guardrails.files import replace_file

TEMPLATES = Path(__file__).parent / "templates"


def markdown(dashboard: Dashboard) -> str:
    """dashboard.md."""
    return _environment().get_template("dashboard.md.jinja").render(page=page_of(dashboard))


def html(dashboard: Dashboard) -> str:
    """dashboard.html. Its policy lets only its own style and script work, by their hashes."""
    style, script = (_text(name) for name in ("style.css.jinja", "sort.js.jinja"))
    return (
        _environment()
        .get_template("dashboard.html.jinja")
        .render(
            page=page_of(dashboard),
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
        )
    )


def to_json(dashboard: Dashboard) -> str:
    """dashboard.json."""
    return json.dumps(to_state(dashboard), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(dashboard: Dashboard, folder: Path) -> None:
    """The three files, in a folder that is made when it is not there."""
    pages = {
        "dashboard.md": markdown(dashboard),
        "dashboard.html": html(dashboard),
        "dashboard.json": to_json(dashboard),
    }
    for name, text in pages.items():
        replace_file(folder / name, text)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = _plain
    environment.filters["md"] = _md
    return environment


def _plain(text: str) -> str:
    """Text without anything that is not printed, such as marks that turn the direction of writing around."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*[]|~"} | {"&": "&amp;", "<": "&lt;"})


def _md(text: str) -> str:
    """Text that cannot leave its cell, or be more than text."""
    return _plain(text).translate(_MARKDOWN)


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names what it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
