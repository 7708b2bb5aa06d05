"""The headers of a C source file: the transitive closure of include inference, generated headers included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Iterable

from pants.backend.cc.dependency_inference.rules import (
    CCDependencyInferenceFieldSet,
    InferCCDependenciesRequest,
    parse_includes,
)
from pants.build_graph.address import Address
from pants.engine.addresses import Addresses
from pants.engine.fs import Digest, DigestContents
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import (
    AllTargets,
    Dependencies,
    DependenciesRequest,
    HydratedSources,
    HydrateSourcesRequest,
    InferDependenciesRequest,
    InferredDependencies,
    SingleSourceField,
    SourcesField,
    Target,
    Targets,
)
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel


class GeneratedHeaderSourceField(SingleSourceField):
    """A data file from which a C header of the same stem, with the suffix `.gen.h`, is generated.

    The target's dependencies are the headers that the generated one includes.
    """

    required = True

    @property
    def header_path(self) -> str:
        """The generated header, relative to the build root."""
        return str(PurePath(self.file_path).with_suffix(".gen.h"))


@dataclass(frozen=True)
class GeneratedHeaders:
    """Which target generates which header."""

    owners: FrozenDict[str, Address]


@rule(desc="Find generated C headers", level=LogLevel.DEBUG)
def find_generated_headers(targets: AllTargets) -> GeneratedHeaders:
    return GeneratedHeaders(
        FrozenDict(
            {
                target[GeneratedHeaderSourceField].header_path: target.address
                for target in targets
                if target.has_field(GeneratedHeaderSourceField)
            }
        )
    )


class InferGeneratedHeadersRequest(InferDependenciesRequest[CCDependencyInferenceFieldSet]):
    infer_from = CCDependencyInferenceFieldSet


@rule(desc="Infer generated C headers", level=LogLevel.DEBUG)
async def infer_generated_headers(
    request: InferGeneratedHeadersRequest, generated: GeneratedHeaders
) -> InferredDependencies:
    if not generated.owners:
        return InferredDependencies([])
    sources = await Get(HydratedSources, HydrateSourcesRequest(request.field_set.sources))
    (content,) = await Get(DigestContents, Digest, sources.snapshot.digest)
    includes = parse_includes(content.content.decode())
    return InferredDependencies(
        sorted(
            generated.owners[include.path]
            for include in includes
            if not include.system_paths_only and include.path in generated.owners
        )
    )


@dataclass(frozen=True)
class DirectIncludesRequest:
    target: Target


@dataclass(frozen=True)
class DirectIncludes:
    targets: tuple[Target, ...]


@rule(desc="Resolve the includes of a C file", level=LogLevel.DEBUG)
async def resolve_direct_includes(request: DirectIncludesRequest) -> DirectIncludes:
    if request.target.has_field(GeneratedHeaderSourceField):
        listed = await Get(Targets, DependenciesRequest(request.target[Dependencies]))
        return DirectIncludes(tuple(listed))
    source = CCDependencyInferenceFieldSet.create(request.target)
    written, generated = await MultiGet(
        Get(InferredDependencies, InferCCDependenciesRequest(source)),
        Get(InferredDependencies, InferGeneratedHeadersRequest(source)),
    )
    targets = await Get(Targets, Addresses((*written.include, *generated.include)))
    return DirectIncludes(tuple(targets))


@dataclass(frozen=True)
class HeaderClosureRequest:
    target: Target  # a C file


@dataclass(frozen=True)
class HeaderClosure:
    """The source fields of every header that a compile of one C file may read."""

    sources: tuple[SourcesField, ...]


@rule(desc="Find the headers of a C file", level=LogLevel.DEBUG)
async def find_header_closure(request: HeaderClosureRequest) -> HeaderClosure:
    found: dict[Address, Target] = {}
    frontier: tuple[Target, ...] = (request.target,)
    while frontier:
        includes = await MultiGet(
            Get(DirectIncludes, DirectIncludesRequest(target)) for target in frontier
        )
        new = {
            target.address: target
            for direct in includes
            for target in direct.targets
            if target.address not in found
        }
        found.update(new)
        frontier = tuple(new.values())
    return HeaderClosure(tuple(found[address][SourcesField] for address in sorted(found)))


def rules() -> Iterable[Rule | UnionRule]:
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferGeneratedHeadersRequest)]
