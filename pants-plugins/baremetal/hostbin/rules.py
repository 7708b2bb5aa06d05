"""`package` and `run` of a `host_binary`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal.cc import rules as cc_rules
from baremetal.cc.flags import HOST
from baremetal.cc.link import LinkedProgram, LinkRequest
from baremetal.hostbin.target_types import HostBinaryDependenciesField


@dataclass(frozen=True)
class HostBinaryFieldSet(PackageFieldSet, RunFieldSet):
    required_fields = (HostBinaryDependenciesField,)
    run_in_sandbox_behavior = RunInSandboxBehavior.RUN_REQUEST_HERMETIC

    output_path: OutputPathField
    environment: EnvironmentField


@rule(desc="Link a host binary", level=LogLevel.DEBUG)
async def link_host_binary(field_set: HostBinaryFieldSet) -> LinkedProgram:
    output = field_set.output_path.value_or_default(file_ending=None)
    return await Get(LinkedProgram, LinkRequest(field_set.address, HOST, output))


@rule(desc="Package a host binary", level=LogLevel.DEBUG)
async def package_host_binary(field_set: HostBinaryFieldSet) -> BuiltPackage:
    program = await Get(LinkedProgram, HostBinaryFieldSet, field_set)
    return BuiltPackage(program.digest, (BuiltPackageArtifact(program.path),))


@rule(desc="Prepare to run a host binary", level=LogLevel.DEBUG)
async def run_host_binary(field_set: HostBinaryFieldSet) -> RunRequest:
    program = await Get(LinkedProgram, HostBinaryFieldSet, field_set)
    return RunRequest(digest=program.digest, args=(f"{{chroot}}/{program.path}",))


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *cc_rules.rules(),
        UnionRule(PackageFieldSet, HostBinaryFieldSet),
        *HostBinaryFieldSet.rules(),
    ]
