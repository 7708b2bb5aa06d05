"""Backend `baremetal.guardrail`: verdicts over captures and the ledger, as tests."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.guardrail import rules as guardrail_rules
from baremetal.guardrail.target_types import GuardrailTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return guardrail_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [GuardrailTarget]
