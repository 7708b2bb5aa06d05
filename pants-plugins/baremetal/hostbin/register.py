"""Backend `baremetal.hostbin`: Linux programs from the same C sources."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.hostbin import rules as hostbin_rules
from baremetal.hostbin.target_types import HostBinaryTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return hostbin_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [HostBinaryTarget]
