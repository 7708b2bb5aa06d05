"""Mutants of the guardrails: group guards."""

from __future__ import annotations

from tests.mutations.testing import tried


def test_every_mutant_is_noticed_or_explained() -> None:
    done = tried("guards")
    assert done.returncode == 0, done.stderr
