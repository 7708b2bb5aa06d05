"""A Python for build scripts that need the standard library only, so that they need neither PEX nor a lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.subsystems import python_bootstrap
from pants.core.subsystems.python_bootstrap import PythonBootstrap
from pants.core.util_rules.system_binaries import (
    BinaryNotFoundError,
    BinaryPath,
    BinaryPathRequest,
    BinaryPaths,
    BinaryPathTest,
)
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

# The launcher's folder of interpreters holds the last two only.
_NAMES = ("python3", "python3.11", "python3.9")


@dataclass(frozen=True)
class ScriptPython:
    binary: BinaryPath


@rule(desc="Find Python for scripts", level=LogLevel.DEBUG)
async def find_script_python(bootstrap: PythonBootstrap) -> ScriptPython:
    requests = tuple(
        BinaryPathRequest(
            binary_name=name,
            search_path=bootstrap.interpreter_search_paths,
            check_file_entries=True,
            test=BinaryPathTest(args=["--version"]),
        )
        for name in _NAMES
    )
    found = await MultiGet(Get(BinaryPaths, BinaryPathRequest, request) for request in requests)
    for paths in found:
        if paths.first_path is not None:
            return ScriptPython(paths.first_path)
    raise BinaryNotFoundError.from_request(requests[0], rationale="run build scripts")


def rules() -> Iterable[Rule | UnionRule]:
    return [*collect_rules(), *python_bootstrap.rules()]
