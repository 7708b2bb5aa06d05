"""The audit of what the compiler really read, against what was declared."""

from __future__ import annotations

import re
from typing import Iterable

from pants.util.strutil import bullet_list


class UndeclaredInputError(Exception):
    """The compiler read a file that is neither declared nor part of its toolchain."""

    def __init__(self, source: str, undeclared: Iterable[str]) -> None:
        super().__init__(
            f"{source}: the compiler read files that no target declares:\n"
            f"{bullet_list(undeclared)}\n"
            'Include repository files as `#include "folder/file.h"` with a `cc_sources` target that owns them; '
            "nothing else may be read."
        )


def parse_depfile(text: str) -> tuple[str, ...]:
    """The prerequisites in a make rule `object: file file ...`, in the order the compiler read them."""
    _, _, prerequisites = text.replace("\\\n", " ").partition(": ")
    paths = re.split(r"(?<!\\)\s+", prerequisites.strip())
    return tuple(path.replace("\\ ", " ") for path in paths if path)


def audit_depfile(
    source: str, text: str, *, declared: frozenset[str], toolchain_prefixes: tuple[str, ...]
) -> None:
    """Raises UndeclaredInputError when the depfile of `source` names anything else."""
    undeclared = [
        path
        for path in parse_depfile(text)
        if path not in declared and not path.startswith(toolchain_prefixes)
    ]
    if undeclared:
        raise UndeclaredInputError(source, undeclared)
