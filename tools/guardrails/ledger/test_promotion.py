"""The promoted run: of this ledger, and one that passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import promotion, store
from tools.guardrails.ledger.promotion import Promotion
from tools.guardrails.ledger.testing_ledger import filled, run
from tools.guardrails.verdict import Status

SECOND = Promotion(run=2, commit="a" * 40, why="before the new kernel")


def written(folder: Path, promoted: Promotion) -> Path:
    path = folder / "promoted.json"
    path.write_text(promoted.to_text())
    return path


def test_a_promotion_is_read_back(tmp_path: Path) -> None:
    ledger = store.read(filled(tmp_path / "runs", 3))
    assert promotion.load(written(tmp_path, SECOND), ledger) == SECOND


def test_without_one_nothing_is_promoted(tmp_path: Path) -> None:
    assert promotion.load(tmp_path / "promoted.json", store.NONE) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"run": 4}, "found no such run"),
        ({"commit": "b" * 40}, "expected run 2 of bbbbbbbbbbbb in the ledger, found run 2 of aaaa"),
    ],
)
def test_a_promotion_of_another_ledger_is_refused(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    ledger = store.read(filled(tmp_path / "runs", 3))
    with pytest.raises(LedgerError, match=says):
        promotion.load(written(tmp_path, SECOND.model_copy(update=change)), ledger)


def test_a_run_that_did_not_pass_cannot_be_promoted(tmp_path: Path) -> None:
    folder = filled(tmp_path / "runs", 1)
    failed = {"verdicts": {"m9": Status.FAIL}}
    store.append(folder, lambda head: run(head).model_copy(update=failed))
    with pytest.raises(LedgerError, match="run 2 did not pass"):
        promotion.load(written(tmp_path, SECOND), store.read(folder))


@pytest.mark.parametrize("content", ["", "{}", '{"run": 0, "commit": "", "why": ""}', "\x00"])
def test_what_is_no_promotion_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "promoted.json"
    path.write_text(content)
    with pytest.raises(LedgerError, match="version control"):
        promotion.load(path, store.NONE)
