"""Evidence: what a guardrail is about, and which earlier runs this one may be compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.guardrails.errors import CaptureError
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts, capture_facts
from tools.guardrails.judges.testing import (
    SHA256,
    Scene,
    boot,
    capture,
    evidence,
    ledger_of,
    scene,
)
from tools.guardrails.ledger import promotion
from tools.guardrails.ledger.store import Ledger
from tools.guardrails.verdict import Status

CHAT = scene("chat", boot("version"))
OTHERS = scene("organism", boot("version"))


def facts(folder: Path, made: Scene) -> CaptureFacts:
    return capture_facts(capture(made, folder))


def image(number: int, sha256: str = SHA256) -> Scene:
    """The chat, of another image."""
    return scene("chat", boot("version"), sha256=sha256, image_sha256=f"{number:064x}")


def test_a_guardrail_gets_the_captures_it_is_about(tmp_path: Path) -> None:
    whole = evidence(tmp_path, CHAT, OTHERS)
    assert list(whole.only(["chat"]).captures) == ["chat"]


def test_a_capture_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="expected a capture of nomodel, found chat, organism"):
        evidence(tmp_path, CHAT, OTHERS).only(["chat", "nomodel"])


def baseline(folder: Path, ledger: Ledger, window: int = 9) -> list[str]:
    """The images of the runs that image 0 is compared with."""
    now: Evidence = evidence(folder / "now", image(0), ledger=ledger)
    return [each.image_sha256[-1] for each in now.baseline(now.facts["chat"], window)]


def test_runs_of_the_stratum_are_compared_with_newest_first(tmp_path: Path) -> None:
    runs = [[facts(tmp_path / str(n), image(n))] for n in (1, 2, 3)]
    ledger = ledger_of(tmp_path / "ledger", *runs)
    assert baseline(tmp_path, ledger) == ["3", "2", "1"]
    assert baseline(tmp_path, ledger, window=2) == ["3", "2"]


def test_each_run_is_compared_with_once_and_never_the_one_that_is_judged(tmp_path: Path) -> None:
    runs = [[facts(tmp_path / str(n), image(n))] for n in (0, 1)]
    ledger = ledger_of(tmp_path / "ledger", *runs, *runs)
    assert baseline(tmp_path, ledger) == ["1"]


def test_runs_of_another_stratum_or_without_a_pass_are_not_compared_with(tmp_path: Path) -> None:
    other = facts(tmp_path / "other", image(1, sha256="1" * 64))
    ledger_of(tmp_path / "ledger", [other])
    failed = facts(tmp_path / "failed", image(2))
    ledger = ledger_of(tmp_path / "ledger", [failed], said=Status.FAIL)
    assert baseline(tmp_path, ledger) == []


def test_runs_behind_the_promoted_one_are_not_compared_with(tmp_path: Path) -> None:
    runs = [[facts(tmp_path / str(n), image(n))] for n in (1, 2, 3)]
    ledger = ledger_of(tmp_path / "ledger", *runs)
    promotion.promote(tmp_path / "ledger", promotion.candidate(ledger, 2), "any", b"")
    promoted = promotion.load(tmp_path / "ledger", ledger)
    now = replace(evidence(tmp_path / "now", image(0), ledger=ledger), promoted=promoted)
    compared = now.baseline(now.facts["chat"], 9)
    assert [each.image_sha256[-1] for each in compared] == ["2", "1"]
    assert len(now.baseline(now.facts["chat"], 1)) == 1
