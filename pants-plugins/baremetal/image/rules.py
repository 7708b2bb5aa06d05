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
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.fs import (
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
)
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal import provided_files, python_tool
from baremetal.emulator import rules as emulator_rules
from baremetal.emulator.rules import Emulator
from baremetal.image.target_types import (
    BootImageBlankFilesField,
    BootImageDependenciesField,
    BootImageLabelField,
    BootImageLayoutField,
)
from baremetal.provided_files import ProvidedFiles, ProvidedFilesRequest
from baremetal.python_tool import PythonToolProcess, PythonToolRun

_LAYOUT = "layout.json"
_BLANK = "blank/{}"


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


@rule(desc="Package a boot image", level=LogLevel.DEBUG)
async def package_boot_image(field_set: BootImageFieldSet) -> BuiltPackage:
    assert field_set.layout.value is not None and field_set.label.value is not None
    layout, output = field_set.layout.value, field_set.image_path
    available = await Get(ProvidedFiles, ProvidedFilesRequest(field_set.dependencies))
    available.check(field_set.address, field_set.layout.alias, layout.values())
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
        *provided_files.rules(),
        *python_tool.rules(),
        *emulator_rules.rules(),
        UnionRule(PackageFieldSet, BootImageFieldSet),
        *BootImageFieldSet.rules(),
    ]
