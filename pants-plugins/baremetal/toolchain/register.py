"""Backend `baremetal.toolchain`: pinned wheels, and the clang toolchain that comes from one."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.toolchain import rules as toolchain_rules
from baremetal.toolchain.target_types import PinnedWheelTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return toolchain_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [PinnedWheelTarget]
