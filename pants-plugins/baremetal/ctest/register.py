"""Backend `baremetal.ctest`: C unit tests and fuzzers under sanitizers."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.ctest import rules as ctest_rules
from baremetal.ctest.target_types import CFuzzTarget, CTestsTarget, CTestTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return ctest_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [CTestTarget, CTestsTarget, CFuzzTarget]
