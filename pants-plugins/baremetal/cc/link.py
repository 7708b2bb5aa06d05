"""A program is the objects of every C file its target depends on, linked in the order of their paths."""

from __future__ import annotations

from dataclasses import dataclass

from pants.backend.cc.dependency_inference.rules import CCDependencyInferenceFieldSet
from pants.backend.cc.target_types import C_SOURCE_FILE_EXTENSIONS, CCSourceField
from pants.build_graph.address import Address
from pants.engine.engine_aware import EngineAwareParameter
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import Target, TransitiveTargets, TransitiveTargetsRequest
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
class LinkRequest(EngineAwareParameter):
    address: Address  # the program; every .c file in its transitive dependencies is linked
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
    driver, transitive = await MultiGet(
        Get(Driver, DriverRequest(request.kind.compiler)),
        Get(TransitiveTargets, TransitiveTargetsRequest([request.address])),
    )
    sources = [target for target in transitive.closure if is_c_file(target)]
    if not sources:
        raise NoSourcesError(request.address)
    objects = await MultiGet(
        Get(
            CompiledObject,
            CompileRequest(CCDependencyInferenceFieldSet.create(target), request.kind),
        )
        for target in sources
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
    return target.has_field(CCSourceField) and target[CCSourceField].file_path.endswith(
        C_SOURCE_FILE_EXTENSIONS
    )


def link_argv(driver: Driver, request: LinkRequest, objects: list[str]) -> tuple[str, ...]:
    """The command that links `objects`, in the order given."""
    flags = (flag.format(output=request.output) for flag in request.kind.link_flags)
    return (*driver.link_argv, *flags, *objects)


def rules():
    return collect_rules()
