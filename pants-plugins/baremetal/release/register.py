"""Backend `baremetal.release`: bundles of what is released."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.release import publish as publish_rules
from baremetal.release import rules as release_rules
from baremetal.release.target_types import ReleaseBundleTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return [*release_rules.rules(), *publish_rules.rules()]


def target_types() -> Iterable[type[Target]]:
    return [ReleaseBundleTarget]
