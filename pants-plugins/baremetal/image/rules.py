"""`package` and `run` of a `boot_image`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Iterable, Mapping

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    EnvironmentAwarePackageRequest,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.core.target_types import FileSourceField
from pants.core.util_rules.environments import EnvironmentField
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.addresses import Address
from pants.engine.fs import (
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    Snapshot,
)
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import (
    DependenciesRequest,
    FieldSetsPerTarget,
    FieldSetsPerTargetRequest,
    SourcesField,
    Targets,
)
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel
from pants.util.strutil import bullet_list

from baremetal import python_tool
from baremetal.emulator import rules as emulator_rules
from baremetal.emulator.rules import Emulator
from baremetal.image.target_types import (
    BootImageBlankFilesField,
    BootImageDependenciesField,
    BootImageLabelField,
    BootImageLayoutField,
)
from baremetal.python_tool import PythonToolProcess, PythonToolRun

_LAYOUT = "layout.json"
_BLANK = "blank/{}"


class MissingImageFileError(Exception):
    """The layout names a file that no dependency provides."""

    def __init__(self, address: Address, missing: list[str], available: tuple[str, ...]) -> None:
        super().__init__(
            f"{address}: `layout` names files that no dependency provides:\n"
            f"{bullet_list(missing)}\nThe dependencies provide:\n{bullet_list(available)}"
        )


@dataclass(frozen=True)
class BootImageFieldSet(PackageFieldSet, RunFieldSet):
    required_fields = (BootImageDependenciesField, BootImageLayoutField)
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED

    dependencies: BootImageDependenciesField
    layout: BootImageLayoutField
    blank_files: BootImageBlankFilesField
    label: BootImageLabelField
    output_path: OutputPathField
    environment: EnvironmentField

    @property
    def image_path(self) -> str:
        return self.output_path.value_or_default(file_ending="img")


@dataclass(frozen=True)
class ImageFilesRequest:
    dependencies: BootImageDependenciesField


@dataclass(frozen=True)
class ImageFiles:
    """Every file that the dependencies of an image provide."""

    snapshot: Snapshot


@rule(desc="Collect the files of an image", level=LogLevel.DEBUG)
async def collect_image_files(request: ImageFilesRequest) -> ImageFiles:
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
    return ImageFiles(await Get(Snapshot, MergeDigests(digests)))


@rule(desc="Package a boot image", level=LogLevel.DEBUG)
async def package_boot_image(field_set: BootImageFieldSet) -> BuiltPackage:
    assert field_set.layout.value is not None and field_set.label.value is not None
    layout, output = field_set.layout.value, field_set.image_path
    available = await Get(ImageFiles, ImageFilesRequest(field_set.dependencies))
    missing = sorted(set(layout.values()) - set(available.snapshot.files))
    if missing:
        raise MissingImageFileError(field_set.address, missing, available.snapshot.files)
    blank = field_set.blank_files.value
    sources = {**layout, **{path: _BLANK.format(path) for path in blank}}
    files, made = await MultiGet(
        Get(Digest, DigestSubset(available.snapshot.digest, PathGlobs(layout.values()))),
        Get(
            Digest,
            CreateDigest(
                [
                    FileContent(_LAYOUT, layout_json(field_set.label.value, sources)),
                    *(FileContent(_BLANK.format(p), b"\n" * size) for p, size in blank.items()),
                ]
            ),
        ),
    )
    process = await Get(
        Process,
        PythonToolProcess(
            "tools.image",
            ("build", "--layout", _LAYOUT, "--output", output),
            description=f"Write {output}",
            input_digest=await Get(Digest, MergeDigests((files, made))),
            output_files=(output,),
        ),
    )
    result = await Get(ProcessResult, Process, process)
    return BuiltPackage(result.output_digest, (BuiltPackageArtifact(output),))


def layout_json(label: str, layout: Mapping[str, str]) -> bytes:
    """The description that `tools.image build` reads, with the files in the order of their paths."""
    files = [{"path": path, "source": layout[path]} for path in sorted(layout)]
    return json.dumps({"label": label, "files": files}, indent=2).encode()


@rule(desc="Prepare to boot an image", level=LogLevel.DEBUG)
async def run_boot_image(field_set: BootImageFieldSet) -> RunRequest:
    image, emulator = await MultiGet(
        Get(BuiltPackage, EnvironmentAwarePackageRequest(field_set)), Get(Emulator)
    )
    digest = await Get(Digest, MergeDigests((image.digest, emulator.firmware)))
    arguments = ("--image", f"{{chroot}}/{field_set.image_path}", *emulator.arguments("{chroot}/"))
    return await Get(
        RunRequest,
        PythonToolRun("tools.boot", ("run", *arguments), digest),
    )


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *python_tool.rules(),
        *emulator_rules.rules(),
        UnionRule(PackageFieldSet, BootImageFieldSet),
        *BootImageFieldSet.rules(),
    ]
