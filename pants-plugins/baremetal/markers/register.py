"""Backend `baremetal.markers`: C emitters generated from a marker table."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.markers import rules as markers_rules
from baremetal.markers.target_types import MarkerTableTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return markers_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [MarkerTableTarget]
