"""Mutants of the guardrails: group reasons."""

from __future__ import annotations

from tests.mutations.testing import tried


def test_every_mutant_is_noticed_or_explained() -> None:
    done = tried("reasons")
    assert done.returncode == 0, done.stderr
