"""The promoted run: of this ledger as it was written, and one that passed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import compaction, promotion, store
from tools.guardrails.ledger.promotion import PROMOTION, RESULTS, Promoted, Promotion
from tools.guardrails.ledger.testing_ledger import filled, run, sequences
from tools.guardrails.ledger.verification import verify
from tools.guardrails.verdict import Status

PACK = b'{"kind":"header"}\n'


def promoted(folder: Path, number: int | None = 2) -> Promotion:
    """A run of the ledger, promoted."""
    chosen = promotion.candidate(store.read(folder), number)
    return promotion.promote(folder, chosen, "before the new kernel", PACK)


def loaded(folder: Path) -> Promoted | None:
    return promotion.load(folder, store.read(folder))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Of three runs."""
    return filled(tmp_path / "runs", 3)


def test_a_promotion_is_read_back(ledger: Path) -> None:
    made = promoted(ledger)
    assert (made.run, made.commit, made.why) == (2, "a" * 40, "before the new kernel")
    assert loaded(ledger) == Promoted(made, PACK)


def test_the_newest_run_is_promoted_where_none_is_named(ledger: Path) -> None:
    assert promoted(ledger, None).run == 3


def test_without_one_nothing_is_promoted(ledger: Path) -> None:
    assert loaded(ledger) is None


def test_a_later_promotion_takes_its_place(ledger: Path) -> None:
    promoted(ledger)
    later = promoted(ledger, 3)
    assert loaded(ledger) == Promoted(later, PACK)


def test_the_ledger_goes_on_with_it(ledger: Path) -> None:
    made = promoted(ledger)
    filled(ledger, 2)
    assert sequences(ledger) == [5, 4, 3, 2, 1] and verify(ledger).runs == 5
    compaction.compact(ledger, 1)
    assert loaded(ledger) == Promoted(made, PACK)


def test_a_run_that_was_dropped_is_no_baseline(ledger: Path) -> None:
    promoted(ledger)
    compaction.compact(ledger, 1)
    compaction.retain(ledger, 1)
    with pytest.raises(LedgerError, match="expected run 2 in the ledger; the newest is run 3"):
        loaded(ledger)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"run": 4}, "expected run 4 in the ledger; the newest is run 3"),
        ({"run": 3}, "expected run 3 to be [0-9a-f]{12}… of aaaa"),
        ({"line_sha256": "b" * 64}, "expected run 2 to be bbbbbbbbbbbb… of aaaa"),
        ({"commit": "b" * 40}, "of bbbbbbbbbbbb, found [0-9a-f]{12}… of aaaa"),
        ({"results_sha256": "b" * 64}, "not the results of baseline.json"),
        ({"run": 0}, "baseline.json: run: "),
        ({"more": 1}, "baseline.json: more: "),
    ],
)
def test_what_the_ledger_does_not_bear_out_is_refused(
    ledger: Path, change: dict[str, object], says: str
) -> None:
    content = promoted(ledger).model_dump()
    (ledger / PROMOTION).write_text(json.dumps({**content, **change}))
    with pytest.raises(LedgerError, match=says) as caught:
        loaded(ledger)
    assert "version control, or promote again" in str(caught.value)


@pytest.mark.parametrize("name", [PROMOTION, RESULTS])
def test_half_a_baseline_is_none(ledger: Path, name: str) -> None:
    promoted(ledger)
    (ledger / name).unlink()
    with pytest.raises(LedgerError, match=f"{name}: No such file"):
        loaded(ledger)


@pytest.mark.parametrize("content", ["", "{}", "\x00", '{"run":'])
def test_what_is_no_promotion_is_said(ledger: Path, content: str) -> None:
    promoted(ledger)
    (ledger / PROMOTION).write_text(content)
    with pytest.raises(LedgerError, match="version control"):
        loaded(ledger)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verdicts": {"m9": Status.FAIL}}, "run 4 did not pass"),
        ({"verdicts": {"m9": Status.INSUFFICIENT}}, "run 4 did not pass"),
        ({"dirty": True}, "run 4 is of files that differ"),
    ],
)
def test_only_a_run_that_passed_and_has_a_commit_is_promoted(
    ledger: Path, change: dict[str, object], says: str
) -> None:
    store.append(ledger, lambda head: run(head).model_copy(update=change))
    with pytest.raises(LedgerError, match=says):
        promotion.candidate(store.read(ledger))


def test_a_ledger_without_runs_has_none_to_promote() -> None:
    with pytest.raises(LedgerError, match="expected a recorded run in the ledger; it has none"):
        promotion.candidate(store.NONE)


def test_a_promotion_says_why(ledger: Path) -> None:
    chosen = promotion.candidate(store.read(ledger))
    with pytest.raises(LedgerError, match="expected why"):
        promotion.promote(ledger, chosen, "  ", PACK)
    assert loaded(ledger) is None
