"""How each compiler is started: its command, environment and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.engine.fs import Digest
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from baremetal.cc.flags import Compiler
from baremetal.cc.system_clang import SystemClang
from baremetal.toolchain.rules import ClangToolchain


@dataclass(frozen=True)
class DriverRequest:
    compiler: Compiler


@dataclass(frozen=True)
class Driver:
    compile_argv: tuple[str, ...]
    link_argv: tuple[str, ...]
    env: FrozenDict[str, str]
    immutable_input_digests: FrozenDict[str, Digest]
    toolchain_prefixes: tuple[str, ...]  # what a compile may read besides declared files


@rule(desc="Set up the C compiler", level=LogLevel.DEBUG)
async def find_driver(request: DriverRequest) -> Driver:
    if request.compiler is Compiler.PINNED:
        return _pinned_driver(await Get(ClangToolchain))
    return _system_driver(await Get(SystemClang))


def _pinned_driver(clang: ClangToolchain) -> Driver:
    # The raw drivers only: `zig cc` keeps a cache of its own and leaves time stamps in objects.
    return Driver(
        compile_argv=(clang.DRIVER, "clang"),
        link_argv=(clang.DRIVER,),
        env=FrozenDict(),
        immutable_input_digests=FrozenDict({clang.MOUNT: clang.digest}),
        toolchain_prefixes=(f"{clang.MOUNT}/",),
    )


def _system_driver(clang: SystemClang) -> Driver:
    return Driver(
        compile_argv=(clang.binary.path,),
        link_argv=(clang.binary.path,),
        env=FrozenDict(clang.env),
        immutable_input_digests=FrozenDict(),
        toolchain_prefixes=clang.TOOLCHAIN_PREFIXES,
    )


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
