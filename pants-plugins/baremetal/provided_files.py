"""What a target's direct dependencies provide: the packages they build, and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.goals.package import BuiltPackage, EnvironmentAwarePackageRequest, PackageFieldSet
from pants.core.target_types import FileSourceField
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.addresses import Address
from pants.engine.fs import MergeDigests, Snapshot
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    FieldSetsPerTarget,
    FieldSetsPerTargetRequest,
    SourcesField,
    Targets,
)
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel
from pants.util.strutil import bullet_list


class MissingFileError(Exception):
    """A field names a file that no dependency provides."""

    def __init__(
        self, address: Address, field: str, missing: Iterable[str], available: Iterable[str]
    ) -> None:
        super().__init__(
            f"{address}: `{field}` names files that no dependency provides:\n"
            f"{bullet_list(sorted(missing))}\nThe dependencies provide:\n{bullet_list(available)}"
        )


@dataclass(frozen=True)
class ProvidedFilesRequest:
    dependencies: Dependencies


@dataclass(frozen=True)
class ProvidedFiles:
    """A built package is at the path it has below `dist/`, a file at its path from the build root."""

    snapshot: Snapshot

    def check(self, address: Address, field: str, paths: Iterable[str]) -> None:
        """Raises MissingFileError unless all of these are there."""
        missing = set(paths) - set(self.snapshot.files)
        if missing:
            raise MissingFileError(address, field, missing, self.snapshot.files)


@rule(desc="Collect what dependencies provide", level=LogLevel.DEBUG)
async def collect_provided_files(request: ProvidedFilesRequest) -> ProvidedFiles:
    targets = await Get(Targets, DependenciesRequest(request.dependencies))
    packageable, files = await MultiGet(
        Get(FieldSetsPerTarget, FieldSetsPerTargetRequest(PackageFieldSet, targets)),
        Get(
            SourceFiles,
            SourceFilesRequest(
                [target.get(SourcesField) for target in targets],
                for_sources_types=(FileSourceField,),
                enable_codegen=True,
            ),
        ),
    )
    packages = await MultiGet(
        Get(BuiltPackage, EnvironmentAwarePackageRequest(field_set))
        for field_set in packageable.field_sets
    )
    digests = (files.snapshot.digest, *(package.digest for package in packages))
    return ProvidedFiles(await Get(Snapshot, MergeDigests(digests)))


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
