"""Backend `baremetal.image`: bootable disk images."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.image import rules as image_rules
from baremetal.image.target_types import BootImageTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return image_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [BootImageTarget]
