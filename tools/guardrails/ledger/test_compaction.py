"""Compaction and retention: the history stays what it was, whatever comes between, and edits of archives are found."""

from __future__ import annotations

import hashlib
import lzma
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import archives, store
from tools.guardrails.ledger.chain import digest
from tools.guardrails.ledger.compaction import compact, retain
from tools.guardrails.ledger.testing_ledger import content, filled, run, sequences
from tools.guardrails.ledger.verification import verify


@pytest.fixture(autouse=True, scope="module")
def small_archives() -> Iterator[None]:
    """So that few runs make several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "MOST_LINES", 3)
        yield


def names(folder: Path) -> list[str]:
    return [path.name for path in archives.found_in(folder).values()]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Runs 1 to 9: 1 to 3 dropped, 4 to 6 and 7 archived, 8 and 9 live."""
    compact(filled(tmp_path, 9), 2)
    retain(tmp_path, 6)
    return tmp_path


def test_archives_and_live_lines_are_one_history(ledger: Path) -> None:
    assert names(ledger) == ["000004-000006.jsonl.xz", "000007-000007.jsonl.xz"]
    assert (ledger / store.RUNS).read_bytes().count(b"\n") == 2
    assert sequences(filled(ledger, 1)) == [10, 9, 8, 7, 6, 5, 4]
    assert verify(ledger).runs == 7 and verify(ledger).leftovers == ()


def test_head_tells_what_was_dropped(tmp_path: Path) -> None:
    compact(filled(tmp_path, 4), 1)
    (archive,) = archives.found_in(tmp_path).values()
    before = archive.read_bytes()
    (dropped,) = retain(tmp_path, 1)
    assert not archive.exists()
    words = (tmp_path / store.HEAD).read_text().splitlines()[1].split()
    assert words[:3] == ["dropped", "1", "3"] and words[4] == dropped.sha256
    archive.write_bytes(before)
    found = subprocess.run(["sha256sum", archive], capture_output=True, check=True, text=True)
    assert found.stdout.split()[0] == dropped.sha256


def test_xz_shows_the_lines_as_they_were(tmp_path: Path) -> None:
    lines = (filled(tmp_path, 4) / store.RUNS).read_bytes().splitlines(keepends=True)
    compact(tmp_path, 1)
    (archive,) = archives.found_in(tmp_path).values()
    assert subprocess.run(["xz", "-t", archive]).returncode == 0
    shown = subprocess.run(["xz", "-dc", archive], capture_output=True, check=True).stdout
    assert shown == b"".join(lines[:3])


def test_again_changes_nothing(ledger: Path) -> None:
    before = content(ledger)
    assert compact(ledger, 2) == retain(ledger, 6) == ()
    assert compact(ledger, 100) == retain(ledger, 100) == ()
    assert content(ledger) == before


def test_the_same_runs_make_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        compact(filled(tmp_path / name, 5), 2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.parametrize("command", [compact, retain])
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, command: Callable[[Path, int], object]
) -> None:
    with pytest.raises(LedgerError, match="at least 1 run, found 0"):
        command(filled(tmp_path, 1), 0)
    with pytest.raises(LedgerError, match="no run is recorded"):
        command(tmp_path / "mistyped", 1)
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.parametrize("command", [compact, retain])
def test_an_edited_ledger_stays_as_it_is(
    ledger: Path, command: Callable[[Path, int], object]
) -> None:
    path = ledger / "000004-000006.jsonl.xz"
    path.write_bytes(path.read_bytes() + b"\0")
    before = content(ledger)
    with pytest.raises(LedgerError, match="expected sha256"):
        command(ledger, 1)
    assert content(ledger) == before


class History(RuleBasedStateMachine):
    """Any commands in any order, beside the list of runs that there should be."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.runs: list[int] = []
        self.archived: list[list[int]] = []

    def teardown(self) -> None:
        self.temporary.cleanup()

    @rule()
    def append(self) -> None:
        self.runs.append(store.append(self.folder, run).sequence)

    @rule(keep=st.integers(1, 6))
    def compact(self, keep: int) -> None:
        if self.runs:
            made = compact(self.folder, keep)
            self.archived += [list(range(each.first, each.end.lines + 1)) for each in made]
            assert len(self.live()) <= keep

    @rule(keep=st.integers(1, 6))
    def retain(self, keep: int) -> None:
        if self.runs:
            retain(self.folder, keep)
            while self.archived and self.archived[0][-1] <= self.runs[-1] - keep:
                gone = self.archived.pop(0)
                self.runs = [each for each in self.runs if each not in gone]

    def live(self) -> list[int]:
        archived = {number for each in self.archived for number in each}
        return [number for number in self.runs if number not in archived]

    @invariant()
    def is_as_expected(self) -> None:
        if not self.runs:
            return
        assert sequences(self.folder) == self.runs[::-1]
        assert verify(self.folder).runs == len(self.runs)
        assert store.read(self.folder).head.lines == self.runs[-1]
        lines = (self.folder / store.RUNS).read_bytes().count(b"\n")
        assert lines == len(self.live())


def test_any_order_of_commands_keeps_the_history() -> None:
    run_state_machine_as_test(
        History, settings=settings(max_examples=25, stateful_step_count=12, deadline=None)
    )


COMMANDS: dict[str, Callable[[Path], Any]] = {
    "append": lambda folder: store.append(folder, run),
    "compact": lambda folder: compact(folder, 1),
    "retain": lambda folder: retain(folder, 2),
}


def _killed(command: str, folder: Path, step: int) -> None:
    """Runs a command, and ends at a step: before or after the changes of names that it does."""
    steps = count()

    def stop() -> None:
        if next(steps) == step:
            os._exit(9)

    def around(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*arguments: Any, **keywords: Any) -> None:
            stop()
            change(*arguments, **keywords)
            stop()

        return changed

    os.replace, os.unlink = around(os.replace), around(os.unlink)
    COMMANDS[command](folder)


def interruptions(command: str, make: Callable[[], Path]) -> Iterator[Path]:
    """A folder for each step at which the command ends too early."""
    for step in count():
        folder = make()
        killed = multiprocessing.get_context("fork").Process(
            target=_killed, args=(command, folder, step)
        )
        killed.start()
        killed.join()
        if killed.exitcode == 0:
            assert step > 1
            return
        assert killed.exitcode == 9
        yield folder


@pytest.mark.parametrize("command", ["compact", "retain"])
def test_an_interruption_changes_nothing_and_is_put_right(tmp_path: Path, command: str) -> None:
    numbers = count()

    def make() -> Path:
        folder = filled(tmp_path / str(next(numbers)), 5)
        compact(folder, 2)
        return filled(folder, 3)

    finished = make()
    COMMANDS[command](finished)
    for folder in interruptions(command, make):
        left = sequences(folder)
        assert left in (list(range(8, 0, -1)), sequences(finished))
        assert verify(folder).runs == len(left)
        COMMANDS[command](folder)
        assert content(folder) == content(finished)
        assert verify(folder).leftovers == ()


def test_a_run_is_appended_after_an_interruption(tmp_path: Path) -> None:
    numbers = count()
    for folder in interruptions("compact", lambda: filled(tmp_path / str(next(numbers)), 8)):
        assert sequences(filled(folder, 1)) == list(range(9, 0, -1))
        compact(folder, 4)
        assert verify(folder).runs == 9 and verify(folder).leftovers == ()
        assert set(content(folder)) == {*names(folder), store.HEAD, store.RUNS}
        assert (folder / store.RUNS).read_bytes().count(b"\n") <= 4


def test_compaction_puts_right_an_append_that_was_interrupted(tmp_path: Path) -> None:
    numbers = count()
    for folder in interruptions("append", lambda: filled(tmp_path / str(next(numbers)), 4)):
        compact(folder, 1)
        assert sequences(folder) in ([4, 3, 2, 1], [5, 4, 3, 2, 1])
        assert set(content(folder)) == {*names(folder), store.HEAD, store.RUNS}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("ledger")
    compact(filled(folder, 9), 2)
    retain(folder, 6)
    assert len(archives.found_in(folder)) == 2
    return content(folder)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_no_byte_of_any_file_can_be_changed(data: st.DataObject, written: dict[str, bytes]) -> None:
    name = data.draw(st.sampled_from(sorted(written)))
    changed = bytearray(written[name])
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        for each, before in written.items():
            (Path(folder) / each).write_bytes(changed if each == name else before)
        for look in (store.read, verify):
            with pytest.raises(LedgerError, match="version control"):
                look(Path(folder))


@pytest.mark.parametrize("name", ["000004-000006.jsonl.xz", store.HEAD, store.RUNS])
def test_no_file_can_be_missing(ledger: Path, name: str) -> None:
    (ledger / name).unlink()
    with pytest.raises(LedgerError, match=f"{name}: No such file"):
        store.read(ledger)


def test_a_ledger_of_archives_alone_is_none_that_is_empty(ledger: Path) -> None:
    (ledger / store.HEAD).unlink()
    (ledger / store.RUNS).unlink()
    with pytest.raises(LedgerError, match="HEAD: No such file"):
        store.read(ledger)


def test_verify_names_the_line_of_an_archive(ledger: Path) -> None:
    path = ledger / "000004-000006.jsonl.xz"
    path.write_bytes(lzma.compress(lzma.decompress(path.read_bytes()).replace(b"pass", b"fail", 1)))
    with pytest.raises(LedgerError, match=r"000004-000006\.jsonl\.xz:2: expected the line before"):
        verify(ledger)


def test_verify_names_the_end_of_an_archive(ledger: Path) -> None:
    path = ledger / "000004-000006.jsonl.xz"
    lines = lzma.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(lzma.compress(b"".join(lines[:2])))
    with pytest.raises(LedgerError, match=r"xz:2: expected it to end with run 6.*found 5"):
        verify(ledger)


def test_verify_names_where_an_archive_is_cut_off(ledger: Path) -> None:
    path = ledger / "000004-000006.jsonl.xz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(LedgerError, match=r"xz:\d: Compressed file ended"):
        verify(ledger)


def test_an_archive_put_in_place_of_another_is_found(ledger: Path) -> None:
    other = (ledger / "000007-000007.jsonl.xz").read_bytes()
    (ledger / "000004-000006.jsonl.xz").write_bytes(other)
    with pytest.raises(LedgerError, match=r"000004-000006\.jsonl\.xz: expected sha256"):
        store.read(ledger)
    with pytest.raises(LedgerError, match=r"000004-000006\.jsonl\.xz:1: expected the line before"):
        verify(ledger)


def test_records_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """As when an older version looks at what a newer one wrote: the chain holds, and nothing is set aside."""
    filled(tmp_path, 2)
    for sequence in (3, 4):
        head = store.read(tmp_path).head
        line = run(head).to_line().replace(b'"schema_version":1', b'"schema_version":2')
        runs = tmp_path / store.RUNS
        runs.write_bytes(runs.read_bytes() + line + b"\n")
        (tmp_path / store.HEAD).write_text(f"{sequence} {digest(line)}\n")
    with pytest.raises(LedgerError, match=r"runs.jsonl:4: schema_version.*and 1 older lines"):
        verify(tmp_path)
    compact(tmp_path, 1)
    with pytest.raises(LedgerError, match=r"runs.jsonl:1: schema_version.*and 1 older lines"):
        verify(tmp_path)


def test_a_stranger_s_archive_is_told_and_left(ledger: Path) -> None:
    stranger = ledger / "000008-000009.jsonl.xz"
    stranger.write_bytes(archives.pack([b"{}"]))
    compact(ledger, 1)
    assert verify(ledger).leftovers == (stranger,)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda text: text.replace("archived 4", "archived 5"), "from run 4 on"),
        (lambda text: text.replace("dropped", "archived"), "000001-000003"),
        (
            lambda text: text.replace("archived 4", "dropped 4").replace("dropped 1", "archived 1"),
            "oldest",
        ),
        (lambda text: text.replace("9 ", "7 ", 1), "more than the 7 runs"),
        (lambda text: text.replace("archived", "lost"), "expected an archive, found"),
    ],
)
def test_a_head_that_was_made_to_fit_its_own_hash(
    ledger: Path, edit: Callable[[str], str], says: str
) -> None:
    *lines, _ = (ledger / store.HEAD).read_text().splitlines(keepends=True)
    text = edit("".join(lines))
    (ledger / store.HEAD).write_text(text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n")
    with pytest.raises(LedgerError, match=says):
        verify(ledger)
