"""`python -m tools.markers`: what is made from the marker table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.markers import c_header, docs
from tools.markers.table import TableError, load

_RENDERERS = {"c": c_header.render, "docs": docs.render}


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.markers", description=__doc__)
    parser.add_argument("what", choices=sorted(_RENDERERS), help="the C header, or docs/markers.md")
    parser.add_argument("--table", type=Path, default=Path("firmware/events/markers.toml"))
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Write one product of the table; 1 when the table is not valid."""
    arguments = _arguments(argv)
    try:
        text = _RENDERERS[arguments.what](load(arguments.table))
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
