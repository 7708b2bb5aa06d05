"""The files that a test of ours reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.target_types import FileSourceField
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.addresses import Address
from pants.engine.fs import Digest
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.target import SourcesField, TransitiveTargets, TransitiveTargetsRequest
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel


@dataclass(frozen=True)
class DataFilesRequest:
    address: Address


@dataclass(frozen=True)
class DataFiles:
    """The `file` targets, generated ones included, in a target's transitive dependencies."""

    digest: Digest


@rule(desc="Collect the files of a test", level=LogLevel.DEBUG)
async def collect_data_files(request: DataFilesRequest) -> DataFiles:
    transitive = await Get(TransitiveTargets, TransitiveTargetsRequest([request.address]))
    files = await Get(
        SourceFiles,
        SourceFilesRequest(
            [target.get(SourcesField) for target in transitive.dependencies],
            for_sources_types=(FileSourceField,),
            enable_codegen=True,
        ),
    )
    return DataFiles(files.snapshot.digest)


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
