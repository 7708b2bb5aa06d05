"""Keeping a ledger small: old lines go to archives, and archives go when they are asked to.

Nothing is lost in silence: an archive is read back before HEAD names it, HEAD names it before its lines leave the live
file, and of a dropped one HEAD keeps the hashes. Between any two steps the ledger can be read and says the same; what
an interruption has left, the next of these commands puts right.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import archives, disk, store
from tools.guardrails.ledger.chain import REMEDY, Head, digest
from tools.guardrails.ledger.heading import Archive, Heading, archive_name
from tools.guardrails.ledger.store import Live


def compact(folder: Path, keep: int) -> tuple[Archive, ...]:
    """Moves all runs but the newest `keep`, at least 1, to archives, and returns these. Raises LedgerError."""
    _check_call(folder, keep)
    with disk.locked(folder):
        live, heading = _tidied(folder)
        last = heading.end.lines - keep
        firsts = range(live.first, last + 1, archives.MOST_LINES)
        made = tuple(
            _archive(live, range(first, min(first + archives.MOST_LINES, last + 1)))
            for first in firsts
        )
        store.write_heading(folder, Heading(heading.end, (*heading.archives, *made)))
        _tidied(folder)
        return made


def retain(folder: Path, keep: int) -> tuple[Archive, ...]:
    """Deletes the archives that hold none of the newest `keep` runs, and returns them. Raises LedgerError."""
    _check_call(folder, keep)
    with disk.locked(folder):
        _, heading = _tidied(folder)
        old = tuple(each for each in heading.kept if each.end.lines <= heading.end.lines - keep)
        archived = tuple(each.dropped() if each in old else each for each in heading.archives)
        store.write_heading(folder, Heading(heading.end, archived))
        _tidied(folder)
        return old


def _check_call(folder: Path, keep: int) -> None:
    if keep < 1:
        raise LedgerError(f"expected to keep at least 1 run, found {keep}")
    if store.read_for_writing(folder).live is None:
        raise LedgerError(f"{folder}: no run is recorded there")


def _archive(live: Live, numbers: range) -> Archive:
    """A new archive, which HEAD does not name yet."""
    first, last = numbers[0], numbers[-1]
    path = live.path.with_name(archive_name(first, last))
    lines = list(live.lines(numbers))
    packed = archives.pack(lines)
    disk.replace(path, [packed])
    if list(archives.lines_of(path)) != lines:
        raise LedgerError(
            f"{path}: what was written is not what is read back; the ledger is as it was"
        )
    return Archive(first, Head(last, digest(lines[-1])), hashlib.sha256(packed).hexdigest())


def _tidied(folder: Path) -> tuple[Live, Heading]:
    """The ledger after what HEAD says was done to the other files, and without what an interruption has left."""
    ledger = store.read_for_writing(folder)
    if ledger.live is None:
        raise LedgerError(f"{folder}: it was removed meanwhile. {REMEDY}")
    live, heading = ledger.live, ledger.heading
    for path in (*folder.glob(".*.partial"), *_superfluous(folder, live, heading)):
        disk.remove(path)
    if live.passed:
        numbers = range(live.first, heading.end.lines + 1)
        disk.replace(live.path, (line + b"\n" for line in live.lines(numbers)))
        live = store.read_for_writing(folder).live or live
    return live, heading


def _superfluous(folder: Path, live: Live, heading: Heading) -> list[Path]:
    """Archives that were dropped, and those that HEAD does not name and that only repeat live lines.

    Any other is none of ours, and stays for whoever put it there.
    """
    kept = {each.name for each in heading.kept}
    dropped = {each.name for each in heading.archives if each.is_dropped}
    return [
        path
        for (first, last), path in archives.found_in(folder).items()
        if path.name not in kept
        and (path.name in dropped or _repeats(path, live, first, min(last, heading.end.lines)))
    ]


def _repeats(path: Path, live: Live, first: int, last: int) -> bool:
    if first < live.first:
        return False
    try:
        return list(archives.lines_of(path)) == list(live.lines(range(first, last + 1)))
    except LedgerError:
        return False
