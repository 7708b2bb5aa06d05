"""`reliability ledger`, as a person types it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tools.guardrails.commands.ledger import app
from tools.guardrails.ledger import archives, store
from tools.guardrails.ledger.testing_ledger import content, filled
from tools.guardrails.session import Exit


def ledger(command: str, folder: Path, *arguments: object) -> Result:
    words = [command, "--ledger", folder, *arguments]
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(word) for word in words])


def test_each_command_says_what_it_did_and_verify_what_there_is(tmp_path: Path) -> None:
    assert ledger("verify", filled(tmp_path, 5)).stdout == "5 runs, none edited\n"
    name = "000001-000003.jsonl.xz"
    done = ledger("compact", tmp_path, "--keep", 2)
    assert done.stdout == f"moved to archives: runs 1 to 3\n{tmp_path / name}\n"
    assert ledger("verify", tmp_path).stdout == "5 runs, none edited; runs 1 to 3 in archives\n"
    assert ledger("compact", tmp_path, "--keep", 2).stdout == "moved to archives: none\n"
    assert "1" in ledger("show", tmp_path).stdout.splitlines()[-1].split()
    sha256 = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    done = ledger("retain", tmp_path, "--keep", 2)
    assert done.stdout == f"dropped: runs 1 to 3\n{tmp_path / name} sha256 {sha256}\n"
    assert ledger("verify", tmp_path).stdout == "2 runs, none edited; 3 before them were dropped\n"


def test_a_leftover_is_told_beside_the_verdict(tmp_path: Path) -> None:
    (filled(tmp_path, 2) / "000001-000001.jsonl.xz").write_bytes(archives.pack([b"{}"]))
    done = ledger("verify", tmp_path)
    assert done.exit_code == Exit.PASS and "000001-000001.jsonl.xz: no part of" in done.stderr


@pytest.mark.parametrize("command", ["compact", "retain"])
def test_what_cannot_be_done_changes_nothing(tmp_path: Path, command: str) -> None:
    before = content(filled(tmp_path, 3))
    assert ledger(command, tmp_path).exit_code == Exit.USAGE
    assert ledger(command, tmp_path, "--keep", 0).exit_code == Exit.USAGE
    assert ledger(command, tmp_path / "none", "--keep", 1).exit_code == Exit.COULD_NOT_RUN
    assert content(tmp_path) == before
    (tmp_path / store.HEAD).write_text("3\n")
    done = ledger(command, tmp_path, "--keep", 1)
    assert done.exit_code == Exit.COULD_NOT_RUN
    assert done.stderr.count("\n") == 1 and "version control" in done.stderr
