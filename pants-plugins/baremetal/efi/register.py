"""Backend `baremetal.efi`: UEFI programs from C sources."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.memo import memoized

from baremetal.efi import rules as efi_rules
from baremetal.efi.target_types import EfiApplicationTarget


@memoized  # Pants asks at every command
def rules() -> Iterable[Rule | UnionRule]:
    return efi_rules.rules()


def target_types() -> Iterable[type[Target]]:
    return [EfiApplicationTarget]
