"""A program is the objects of every C file its target depends on, linked in the order of their paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.backend.cc.target_types import (
    C_SOURCE_FILE_EXTENSIONS,
    CC_HEADER_FILE_EXTENSIONS,
    CCSourceField,
)
from pants.build_graph.address import Address
from pants.engine.addresses import Addresses
from pants.engine.engine_aware import EngineAwareParameter
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import Dependencies, DependenciesRequest, Target, Targets
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal.cc.compile import CompiledObject, CompileRequest
from baremetal.cc.driver import Driver, DriverRequest
from baremetal.cc.flags import BuildKind


class NoSourcesError(Exception):
    """A program's target depends on no C file."""

    def __init__(self, address: Address) -> None:
        super().__init__(
            f"{address} depends on no `.c` file: list the `cc_sources` targets of its code in `dependencies`."
        )


@dataclass(frozen=True)
class LinkSourcesRequest:
    address: Address


@dataclass(frozen=True)
class LinkSources:
    """The C files of a program: those its target lists, and those that these list in turn.

    A header is a leaf: including one asks for its text, not for the code behind it.
    """

    targets: tuple[Target, ...]


@rule(desc="Find the C files of a program", level=LogLevel.DEBUG)
async def find_link_sources(request: LinkSourcesRequest) -> LinkSources:
    frontier = tuple(await Get(Targets, Addresses([request.address])))
    found = {target.address: target for target in frontier}
    while frontier:
        listed = await MultiGet(
            Get(Targets, DependenciesRequest(target.get(Dependencies))) for target in frontier
        )
        new = {
            target.address: target
            for targets in listed
            for target in targets
            if target.address not in found and not is_header(target)
        }
        found.update(new)
        frontier = tuple(new.values())
    return LinkSources(
        tuple(found[address] for address in sorted(found) if is_c_file(found[address]))
    )


@dataclass(frozen=True)
class LinkRequest(EngineAwareParameter):
    address: Address  # the program
    kind: BuildKind
    output: str  # path of the program

    def debug_hint(self) -> str:
        return f"{self.address} ({self.kind.name})"


@dataclass(frozen=True)
class LinkedProgram:
    path: str
    digest: Digest


@rule(desc="Link a program", level=LogLevel.DEBUG)
async def link_program(request: LinkRequest) -> LinkedProgram:
    driver, sources = await MultiGet(
        Get(Driver, DriverRequest(request.kind.compiler)),
        Get(LinkSources, LinkSourcesRequest(request.address)),
    )
    if not sources.targets:
        raise NoSourcesError(request.address)
    objects = await MultiGet(
        Get(
            CompiledObject,
            CompileRequest(target, request.kind),
        )
        for target in sources.targets
    )
    result = await Get(
        ProcessResult,
        Process(
            link_argv(driver, request, sorted(compiled.path for compiled in objects)),
            env=driver.env,
            input_digest=await Get(Digest, MergeDigests(compiled.digest for compiled in objects)),
            immutable_input_digests=driver.immutable_input_digests,
            output_files=(request.output,),
            description=f"Link {request.output}",
        ),
    )
    return LinkedProgram(request.output, result.output_digest)


def is_c_file(target: Target) -> bool:
    """Whether `target` owns a C source file (not a header)."""
    return _is_file(target, C_SOURCE_FILE_EXTENSIONS)


def is_header(target: Target) -> bool:
    """Whether `target` owns a header."""
    return _is_file(target, CC_HEADER_FILE_EXTENSIONS)


def _is_file(target: Target, extensions: tuple[str, ...]) -> bool:
    return target.has_field(CCSourceField) and target[CCSourceField].file_path.endswith(extensions)


def link_argv(driver: Driver, request: LinkRequest, objects: list[str]) -> tuple[str, ...]:
    """The command that links `objects`, in the order given."""
    flags = (flag.format(output=request.output) for flag in request.kind.link_flags)
    return (*driver.link_argv, *flags, *objects)


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
