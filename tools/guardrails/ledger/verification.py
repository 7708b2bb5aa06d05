"""Looking at every line of a ledger: what `read` takes on trust of archives' hashes, and whether each is a record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import archives, store
from tools.guardrails.ledger.chain import REMEDY, Break, Head, follow
from tools.guardrails.ledger.heading import Archive, Heading


@dataclass(frozen=True)
class Verified:
    """A ledger that is as it was written."""

    runs: int
    """That can be read."""
    heading: Heading
    leftovers: tuple[Path, ...]
    """Files that look like archives and that HEAD does not name, or names as dropped."""


def verify(folder: Path) -> Verified:
    """Checks every byte.

    Raises LedgerError at the first that was changed, with its file and line, and at lines that are no record of this
    version.
    """
    heading = store.read_heading(folder) if (folder / store.HEAD).exists() else store.NONE.heading
    for before, archive in zip(heading.boundaries, heading.archives):
        if not archive.is_dropped:
            _verify_archive(folder, before, archive)
    ledger = store.read(folder)
    kept = {each.name for each in heading.kept}
    left = tuple(path for path in archives.found_in(folder).values() if path.name not in kept)
    return Verified(_readable(ledger), heading, left)


def _verify_archive(folder: Path, before: Head, archive: Archive) -> None:
    path = folder / archive.name
    found = follow(archives.lines_of(path), before)
    if isinstance(found, Break):
        raise LedgerError(
            f"{path}:{found.line}: {found.says}: a line was edited, removed or moved. {REMEDY}"
        )
    if found != archive.end:
        raise LedgerError(
            f"{path}:{found.lines - before.lines}: expected it to end with run {archive.end.lines}, "
            f"{archive.end.sha256[:12]}…, found {found.lines}, {found.sha256[:12]}…. {REMEDY}"
        )
    archives.check(folder, archive)


def _readable(ledger: store.Ledger) -> int:
    count, problems = 0, []
    for place, number, line in ledger.lines_newest_first():
        try:
            store.parse(place, number, line)
            count += 1
        except LedgerError as error:
            problems.append(str(error))
    if problems:
        more = f" (and {len(problems) - 1} older lines)" if problems[1:] else ""
        raise LedgerError(problems[0] + more)
    return count
