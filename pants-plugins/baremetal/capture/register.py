"""Backend `baremetal.capture`: unattended boots whose evidence is cached."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.capture import rules as capture_rules
from baremetal.capture.target_types import BootCaptureTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return capture_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [BootCaptureTarget]
