"""The host's clang, for programs that need a C library and sanitizers. Its version is part of every key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.util_rules.system_binaries import (
    BinaryPath,
    BinaryPathRequest,
    BinaryPaths,
    BinaryPathTest,
)
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.option.option_types import StrListOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel


class SystemClangSubsystem(Subsystem):
    options_scope = "baremetal-system-clang"
    name = "System clang"
    help = "The host's clang, which compiles C unit tests and fuzzers with sanitizers."

    search_path = StrListOption(
        default=["/usr/bin", "/usr/local/bin"], help="Folders to look for `clang` in."
    )


class MissingSystemClangError(Exception):
    """There is no working clang on the host."""

    def __init__(self, search_path: tuple[str, ...]) -> None:
        super().__init__(
            f"No working `clang` in {', '.join(search_path)}: C tests need it. On Debian: "
            "`apt install clang libclang-rt-dev` (or set [baremetal-system-clang] search_path)."
        )


@dataclass(frozen=True)
class SystemClang:
    binary: BinaryPath

    # Where the compiler, its C library and its sanitizers keep what a compile may read.
    TOOLCHAIN_PREFIXES = ("/usr/include/", "/usr/lib/", "/usr/local/include/")

    @property
    def env(self) -> dict[str, str]:
        """The linker is found through PATH; the fingerprint makes an upgrade a new key."""
        return {"PATH": "/usr/bin:/bin", "SYSTEM_CLANG_FINGERPRINT": self.binary.fingerprint}


@rule(desc="Find the host's clang", level=LogLevel.DEBUG)
async def find_system_clang(subsystem: SystemClangSubsystem) -> SystemClang:
    request = BinaryPathRequest(
        binary_name="clang",
        search_path=subsystem.search_path,
        test=BinaryPathTest(args=["--version"]),
    )
    paths = await Get(BinaryPaths, BinaryPathRequest, request)
    if paths.first_path is None:
        raise MissingSystemClangError(tuple(subsystem.search_path))
    return SystemClang(paths.first_path)


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
