"""Bundles changed from outside: files flipped, cut, swapped, renamed, by somebody without the key."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tools.release.bundle.names import ENVELOPES, MANIFEST, SIGNATURE, SIGNATURES, SUMS
from tools.release.bundle.version import Version
from tools.release.verify.folder import SMALL
from tools.release.verify.reasons import Reason
from tools.release.verify.signatures import Trust
from tools.release.verify.testing import NEWER, OLDER, Releases

FLIPS = 40
"""Positions in a file, from its first byte to its last."""
_ANY_SIGNATURE = frozenset(
    {
        Reason.SIGNATURE_MALFORMED,
        Reason.SIGNATURE_OTHER_KEY,
        Reason.SIGNATURE_BAD,
        Reason.SIGNATURE_COMMENT,
    }
)

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A change of a bundle's folder, and the reasons of which one must be found."""

    kind: str
    name: str
    change: Change
    reasons: frozenset[Reason]
    installed: Version | None = None
    trust: Trust | None = None
    """Whom to trust, if not the key of the releases."""


def file_cases(releases: Releases) -> Iterator[Case]:
    """Every file, changed in every way."""
    for name in sorted(path.name for path in releases.newer.iterdir()):
        yield from _flips(releases, name)
        yield from _resized(name)
        yield from _swapped(releases, name)
        yield from _renamed(name)
        yield from _replaced(name)
    yield from _exchanged(releases)
    for name in sorted(SIGNATURES):
        grown = edit(name, lambda content: content + bytes(SMALL))
        yield Case("made far longer", name, grown, frozenset({Reason.FILE_TOO_LARGE}))


def counts_md(cases: Iterable[Case]) -> str:
    """How many changes of each kind there are, and what they are refused for."""
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        kinds.setdefault(case.kind, []).append(case)
    rows = []
    for kind, members in kinds.items():
        reasons = sorted(frozenset[Reason]().union(*(case.reasons for case in members)))
        rows.append(f"| {kind} | {len(members)} | {', '.join(f'`{each}`' for each in reasons)} |")
    total = sum(map(len, kinds.values()))
    head = [
        "| what is changed | cases | refused for (each case for its own) |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*head, *rows, f"| all | {total} | |", ""])


def edit(name: str, edited: Callable[[bytes], bytes]) -> Change:
    """A change of one file's content."""

    def change(bundle: Path) -> None:
        path = bundle / name
        path.write_bytes(edited(path.read_bytes()))

    return change


def put(name: str, content: bytes) -> Change:
    """One file replaced."""
    return edit(name, lambda _: content)


def _flips(releases: Releases, name: str) -> Iterator[Case]:
    size = (releases.newer / name).stat().st_size
    expected = _ANY_SIGNATURE if name in SIGNATURES else frozenset({_digest(name)})
    for step in range(FLIPS):
        position, bit = step * (size - 1) // (FLIPS - 1), step % 8

        def flipped(content: bytes, position: int = position, bit: int = bit) -> bytes:
            return (
                content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :]
            )

        case = f"{name}: bit {bit} of byte {position}"
        yield Case("a bit flipped", case, edit(name, flipped), expected)


def _digest(name: str) -> Reason:
    return Reason.SIGNATURE_BAD if name == SUMS else Reason.FILE_DIGEST


def _size(name: str) -> Reason:
    if name in SIGNATURES:
        return Reason.SIGNATURE_MALFORMED
    return Reason.FILE_DIGEST if name == MANIFEST else Reason.FILE_SIZE


def _resized(name: str) -> Iterator[Case]:
    expected = frozenset({Reason.SIGNATURE_BAD if name == SUMS else _size(name)})
    cuts = {"its last byte": -1, "its half": None, "all of it": 0}
    for what, end in cuts.items():

        def cut(content: bytes, end: int | None = end) -> bytes:
            return content[: len(content) // 2 if end is None else end]

        yield Case("cut short", f"{name}: {what}", edit(name, cut), expected)
    for what, tail in {"a line feed": b"\n", "a zero": b"\0", "zeros": bytes(512)}.items():

        def longer(content: bytes, tail: bytes = tail) -> bytes:
            return content + tail

        yield Case("made longer", f"{name}: {what}", edit(name, longer), expected)
        if name.endswith(".img.xz"):
            trailing = frozenset({Reason.IMAGE_TRAILING})
            yield Case("something behind an image", f"{name}: {what}", edit(name, longer), trailing)


def _swapped(releases: Releases, name: str) -> Iterator[Case]:
    """With the file of the same part in the older release."""
    other = releases.older / name.replace(str(NEWER), str(OLDER))
    if other.read_bytes() == (releases.newer / name).read_bytes():
        return
    reason = Reason.ENVELOPE_PAYLOAD if name in ENVELOPES.values() else _digest(name)
    if name == SIGNATURE:
        reason = Reason.SIGNATURE_BAD
    change = put(name, other.read_bytes())
    yield Case("taken from an older release", name, change, frozenset({reason}))


def _renamed(name: str) -> Iterator[Case]:
    def rename(target: str) -> Change:
        def change(bundle: Path) -> None:
            (bundle / name).rename(bundle / target)

        return change

    def copy(bundle: Path) -> None:
        shutil.copy(bundle / name, bundle / f"copy-of-{name}")

    missing, extra = frozenset({Reason.FILE_MISSING}), frozenset({Reason.FILE_UNEXPECTED})
    yield Case("renamed", f"{name}: missing", rename(f"{name}.bak"), missing)
    yield Case("renamed", f"{name}: unexpected", rename(f"{name}.bak"), extra)
    yield Case("copied", name, copy, extra)
    yield Case("deleted", name, lambda bundle: (bundle / name).unlink(), missing)
    if name in SIGNATURES:
        unsigned = frozenset({Reason.SIGNATURE_MISSING})
        yield Case("not signed", name, lambda bundle: (bundle / name).unlink(), unsigned)
    others = {name.swapcase(), name.upper(), name.lower(), name.capitalize()} - {name}
    for other in sorted(others):
        case = f"{name}: {other}"
        yield Case("in another case", case, rename(other), frozenset({Reason.FILE_CASE}))


def _replaced(name: str) -> Iterator[Case]:
    def symlink(bundle: Path) -> None:
        (bundle / name).rename(bundle.parent / "elsewhere")
        (bundle / name).symlink_to(bundle.parent / "elsewhere")

    def dangling(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).symlink_to("nowhere")

    def folder(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).mkdir()

    def pipe(bundle: Path) -> None:
        (bundle / name).unlink()
        os.mkfifo(bundle / name)

    link, other = frozenset({Reason.FILE_SYMLINK}), frozenset({Reason.FILE_NOT_REGULAR})
    yield Case("replaced by a link", f"{name}: to itself elsewhere", symlink, link)
    yield Case("replaced by a link", f"{name}: to nowhere", dangling, link)
    yield Case("replaced by no file", f"{name}: a folder", folder, other)
    yield Case("replaced by no file", f"{name}: a pipe", pipe, other)


def _exchanged(releases: Releases) -> Iterator[Case]:
    """The contents of two files of the bundle exchanged."""
    contents = {path.name: path.read_bytes() for path in sorted(releases.newer.iterdir())}
    for one, other in combinations(contents, 2):

        def exchange(bundle: Path, one: str = one, other: str = other) -> None:
            (bundle / one).write_bytes(contents[other])
            (bundle / other).write_bytes(contents[one])

        listed = {one, other} - SIGNATURES
        expected = frozenset({_digest(name) for name in listed})
        if not listed or {one, other} == {SIGNATURE, SUMS}:
            expected = _ANY_SIGNATURE | {Reason.ENVELOPE_PAYLOAD}
        yield Case("exchanged", f"{one} and {other}", exchange, expected)
