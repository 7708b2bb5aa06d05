"""A ledger on disk: what is appended is there, and whatever is done to it besides is found."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import store
from tools.guardrails.ledger.chain import ROOT, Break, Head, digest, follow
from tools.guardrails.ledger.testing_ledger import FACTS, content, filled, run


def test_runs_come_back_newest_first(tmp_path: Path) -> None:
    assert store.read(tmp_path / "none yet") == store.NONE
    filled(tmp_path, 3)
    ledger = store.read(tmp_path)
    assert [each.sequence for each in ledger.newest_first()] == [3, 2, 1]
    assert all(each.captures == (FACTS,) and each.passed for each in ledger.newest_first())


def test_each_line_names_the_one_before(tmp_path: Path) -> None:
    first, second = (filled(tmp_path, 2) / store.RUNS).read_bytes().splitlines()
    assert json.loads(first)["previous"] == ROOT
    assert json.loads(second)["previous"] == digest(first)


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


EDITS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a word of the first": lambda lines: [lines[0].replace(b"pass", b"fail"), *lines[1:]],
    "a word of the last": lambda lines: [*lines[:-1], lines[-1].replace(b"pass", b"fail")],
    "first removed": lambda lines: lines[1:],
    "middle removed": lambda lines: [lines[0], *lines[2:]],
    "last removed": lambda lines: lines[:-1],
    "all removed": lambda lines: [],
    "two swapped": swapped,
    "one twice": lambda lines: [lines[0], *lines],
    "last twice": lambda lines: [*lines, lines[-1]],
    "blank line": lambda lines: [*lines, b""],
    "no record": lambda lines: [*lines, b"{}"],
    "binary": lambda lines: [b"\xff\x00", *lines],
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_found(tmp_path: Path, edit: str) -> None:
    runs = filled(tmp_path, 3) / store.RUNS
    before = runs.read_bytes()
    runs.write_bytes(b"".join(line + b"\n" for line in EDITS[edit](before.splitlines())))
    with pytest.raises(LedgerError, match="version control"):
        store.read(tmp_path)
    with pytest.raises(LedgerError):
        store.append(tmp_path, run)


def test_an_edit_names_the_line_after_it(tmp_path: Path) -> None:
    runs = filled(tmp_path, 4) / store.RUNS
    lines = runs.read_bytes().splitlines(keepends=True)
    runs.write_bytes(b"".join([lines[0], lines[1].replace(b"pass", b"fail"), *lines[2:]]))
    with pytest.raises(LedgerError, match=r"runs\.jsonl:3: expected the line before it"):
        store.read(tmp_path)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return content(filled(tmp_path_factory.mktemp("ledger"), 2))


@given(data=st.data())
@settings(max_examples=200)
def test_no_byte_can_be_changed(data: st.DataObject, written: dict[str, bytes]) -> None:
    name = data.draw(st.sampled_from([store.RUNS, store.HEAD]))
    changed = bytearray(written[name])
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        for each, before in written.items():
            (Path(folder) / each).write_bytes(changed if each == name else before)
        with pytest.raises(LedgerError):
            store.read(Path(folder))


@pytest.mark.parametrize("head", ["", "2", "x" * 80, "2 " + "0" * 64, "-1 " + "0" * 64 + "\n"])
def test_a_head_that_is_none_is_said(tmp_path: Path, head: str) -> None:
    (filled(tmp_path, 2) / store.HEAD).write_text(head)
    with pytest.raises(LedgerError, match="HEAD: expected"):
        store.read(tmp_path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    (filled(tmp_path, 1) / store.HEAD).unlink()
    with pytest.raises(LedgerError, match="HEAD: No such file"):
        store.read(tmp_path)


def test_a_writer_that_ended_between_the_two_files_loses_nothing(tmp_path: Path) -> None:
    head = filled(tmp_path, 2) / store.HEAD
    before = head.read_bytes()
    filled(tmp_path, 1)
    head.write_bytes(before)  # as if the third writer had ended there
    filled(tmp_path, 1)
    assert [each.sequence for each in store.read(tmp_path).newest_first()] == [4, 3, 2, 1]


def test_a_record_that_does_not_follow_is_refused(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    with pytest.raises(LedgerError, match="sequence 1 does not follow 1 lines"):
        store.append(tmp_path, lambda head: run(head).model_copy(update={"sequence": 1}))
    assert store.read(tmp_path).head.lines == 1


def _append_many(folder: Path) -> None:
    filled(folder, 10)


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    writers = [multiprocessing.Process(target=_append_many, args=(tmp_path,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [each.sequence for each in store.read(tmp_path).newest_first()] == list(range(40, 0, -1))


def _chained(bodies: list[bytes]) -> list[bytes]:
    lines, previous = [], ROOT
    for body in bodies:
        lines.append(b'{"previous":"%s"%s}' % (previous.encode(), body))
        previous = digest(lines[-1])
    return lines


def test_a_record_of_a_newer_schema_is_said(tmp_path: Path) -> None:
    line = run(Head(0, ROOT)).to_line().replace(b'"schema_version":1', b'"schema_version":2')
    (tmp_path / store.RUNS).write_bytes(line + b"\n")
    head = follow([line])
    assert isinstance(head, Head)
    (tmp_path / store.HEAD).write_text(head.to_text())
    with pytest.raises(LedgerError, match=r"runs\.jsonl:1: schema_version"):
        list(store.read(tmp_path).newest_first())


@given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")), max_size=6))
def test_whatever_lines_say_a_chain_of_them_holds(bodies: list[bytes]) -> None:
    lines = _chained(bodies)
    assert follow(lines) == Head(len(lines), digest(lines[-1]) if lines else ROOT)


@given(st.lists(st.binary(max_size=120), min_size=1, max_size=4))
def test_what_is_no_chain_is_said_at_its_line(lines: list[bytes]) -> None:
    found = follow(lines)
    assert isinstance(found, Break) and found.line == 1
