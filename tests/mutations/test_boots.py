"""Mutants of the guardrails: group boots."""

from __future__ import annotations

from tests.mutations.testing import tried


def test_every_mutant_is_noticed_or_explained() -> None:
    done = tried("boots")
    assert done.returncode == 0, done.stderr
