"""`package` of a `release_bundle`: one cached process that puts built images, sources and verdicts together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterable, Mapping

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.target_types import FileSourceField
from pants.core.util_rules.environments import EnvironmentField
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.fs import (
    AddPrefix,
    Digest,
    DigestSubset,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import FallibleProcessResult, Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import SourcesField, Targets
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal import provided_files, python_tool
from baremetal.guardrail import rules as guardrail_rules
from baremetal.guardrail.rules import (
    JUDGED,
    VERDICT,
    GuardrailFieldSet,
    Verdict,
    VerdictRequest,
)
from baremetal.provided_files import ProvidedFiles, ProvidedFilesRequest
from baremetal.python_tool import PythonToolProcess
from baremetal.release.target_types import (
    SOURCES,
    ReleaseBundleDependenciesField,
    ReleaseBundleGuardrailsField,
    ReleaseBundleInputsField,
    ReleaseBundleMinimumVersionField,
    ReleaseBundleSourcesField,
    ReleaseBundleVersionField,
)

_RUN = "run.json"  # of a capture
_STATE = "state.json"  # of a verdict
_VERDICTS = "verdicts"


class InvalidGuardrailError(Exception):
    """A row of `guardrails` is something else."""

    def __init__(self, address: Address, found: Address) -> None:
        super().__init__(f"{address}: `guardrails` names {found}, which is no `guardrail`.")


class NoVerdictError(Exception):
    """A guardrail could not be judged; the message is what tools/guardrails said."""

    def __init__(self, address: Address, messages: str) -> None:
        super().__init__(f"{address} could not be judged:\n{messages}")


@dataclass(frozen=True)
class ReleaseBundleFieldSet(PackageFieldSet):
    required_fields = (ReleaseBundleInputsField, ReleaseBundleGuardrailsField)

    dependencies: ReleaseBundleDependenciesField
    release_sources: ReleaseBundleSourcesField
    inputs: ReleaseBundleInputsField
    guardrails: ReleaseBundleGuardrailsField
    version_file: ReleaseBundleVersionField
    minimum_version: ReleaseBundleMinimumVersionField
    output_path: OutputPathField
    environment: EnvironmentField


@dataclass(frozen=True)
class LabelledInputs:
    """Inputs of a bundle by their names, and the files that they are."""

    paths: Mapping[str, str]
    digest: Digest


@dataclass(frozen=True)
class ReleaseSourcesRequest:
    sources: ReleaseBundleSourcesField


@rule(desc="Collect the sources of a release", level=LogLevel.DEBUG)
async def collect_release_sources(request: ReleaseSourcesRequest) -> Snapshot:
    targets = await Get(
        Targets, UnparsedAddressInputs, request.sources.to_unparsed_address_inputs()
    )
    files = await Get(
        SourceFiles,
        SourceFilesRequest(
            [target.get(SourcesField) for target in targets], for_sources_types=(FileSourceField,)
        ),
    )
    return await Get(Snapshot, AddPrefix(files.snapshot.digest, SOURCES))


@dataclass(frozen=True)
class StatedVerdictRequest:
    guardrail: GuardrailFieldSet


@rule(desc="Collect a verdict for a release", level=LogLevel.DEBUG)
async def collect_stated_verdict(request: StatedVerdictRequest) -> LabelledInputs:
    address = request.guardrail.address
    verdict = await Get(Verdict, VerdictRequest(request.guardrail))
    result = await Get(FallibleProcessResult, Process, verdict.process)
    if result.exit_code not in JUDGED:
        raise NoVerdictError(address, result.stderr.decode(errors="replace"))
    captures = {
        f"capture.{os.path.basename(artifact.relpath)}": f"{artifact.relpath}/{_RUN}"
        for package in verdict.captures
        for artifact in package.artifacts
        if artifact.relpath
    }
    folder = f"{_VERDICTS}/{address.target_name}"
    artefacts = await Get(Digest, RemovePrefix(result.output_digest, VERDICT))
    state, *runs = await MultiGet(
        Get(Digest, DigestSubset(artefacts, PathGlobs([_STATE]))),
        *(
            Get(Digest, DigestSubset(package.digest, PathGlobs([f"**/{_RUN}"])))
            for package in verdict.captures
        ),
    )
    digest = await Get(Digest, MergeDigests((await Get(Digest, AddPrefix(state, folder)), *runs)))
    named = {f"verdict.{address.target_name}": f"{folder}/{_STATE}", **captures}
    return LabelledInputs(named, digest)


@rule(desc="Package a release bundle", level=LogLevel.DEBUG)
async def package_release_bundle(field_set: ReleaseBundleFieldSet) -> BuiltPackage:
    assert field_set.inputs.value is not None and field_set.version_file.value is not None
    guardrails, provided, sources = await MultiGet(
        Get(Targets, UnparsedAddressInputs, field_set.guardrails.to_unparsed_address_inputs()),
        Get(ProvidedFiles, ProvidedFilesRequest(field_set.dependencies)),
        Get(Snapshot, ReleaseSourcesRequest(field_set.release_sources)),
    )
    for target in guardrails:
        if not GuardrailFieldSet.is_applicable(target):
            raise InvalidGuardrailError(field_set.address, target.address)
    verdicts = await MultiGet(
        Get(LabelledInputs, StatedVerdictRequest(GuardrailFieldSet.create(target)))
        for target in guardrails
    )
    available = ProvidedFiles(
        await Get(Snapshot, MergeDigests((provided.snapshot.digest, sources.digest)))
    )
    declared, version = field_set.inputs.value, field_set.version_file.value
    available.check(field_set.address, field_set.inputs.alias, (*declared.values(), version))
    needed = await Get(
        Digest,
        DigestSubset(
            available.snapshot.digest, PathGlobs((*declared.values(), version, f"{SOURCES}/**"))
        ),
    )
    inputs = {**declared, **source_inputs(sources.files)}
    for verdict in verdicts:
        inputs.update(verdict.paths)
    output = field_set.output_path.value_or_default(file_ending=None)
    process = await Get(
        Process,
        PythonToolProcess(
            "tools.release.bundle",
            (
                *("--version-file", version),
                *("--minimum-version", field_set.minimum_version.value or ""),
                *(f"--input={name}={inputs[name]}" for name in sorted(inputs)),
                *("--output", output),
            ),
            description=f"Bundle {field_set.address}",
            input_digest=await Get(
                Digest, MergeDigests((needed, *(verdict.digest for verdict in verdicts)))
            ),
            output_directories=(output,),
        ),
    )
    result = await Get(ProcessResult, Process, process)
    return BuiltPackage(result.output_digest, (BuiltPackageArtifact(output),))


def source_inputs(files: Iterable[str]) -> Mapping[str, str]:
    """An input for each top-level file or folder below SOURCES."""
    names = {path.split("/")[1] for path in files}
    return {f"source.{name}": f"{SOURCES}/{name}" for name in sorted(names)}


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *provided_files.rules(),
        *python_tool.rules(),
        *guardrail_rules.rules(),
        UnionRule(PackageFieldSet, ReleaseBundleFieldSet),
    ]
