"""`python -m tools.release.verify.testing_counts`: the table of changes in docs/release.md."""

from __future__ import annotations

import tempfile
from itertools import chain
from pathlib import Path

from tools.release.verify.testing import make_releases
from tools.release.verify.testing_files import counts_md, file_cases
from tools.release.verify.testing_insider import insider_cases


def counts(folder: Path) -> str:
    """The table; releases are made up in the folder."""
    releases = make_releases(folder)
    return counts_md(chain(file_cases(releases), insider_cases(releases)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(counts(Path(scratch)), end="")
