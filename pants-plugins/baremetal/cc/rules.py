"""Everything the program backends (efi, hostbin, ctest) need to compile and link C."""

from __future__ import annotations

from typing import Iterable

from pants.backend.cc.dependency_inference import rules as inference_rules
from pants.engine.rules import Rule
from pants.engine.unions import UnionRule

from baremetal.cc import compile, driver, headers, link, system_clang
from baremetal.toolchain import rules as toolchain_rules


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *inference_rules.rules(),
        *toolchain_rules.rules(),
        *system_clang.rules(),
        *driver.rules(),
        *headers.rules(),
        *compile.rules(),
        *link.rules(),
    ]
