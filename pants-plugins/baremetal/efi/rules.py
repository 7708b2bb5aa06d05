"""`package` of an `efi_application`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal.cc import rules as cc_rules
from baremetal.cc.flags import EFI
from baremetal.cc.link import LinkedProgram, LinkRequest
from baremetal.efi.target_types import EfiApplicationDependenciesField


@dataclass(frozen=True)
class EfiApplicationFieldSet(PackageFieldSet):
    required_fields = (EfiApplicationDependenciesField,)

    output_path: OutputPathField
    environment: EnvironmentField


@rule(desc="Package an EFI application", level=LogLevel.DEBUG)
async def package_efi_application(field_set: EfiApplicationFieldSet) -> BuiltPackage:
    output = field_set.output_path.value_or_default(file_ending="efi")
    program = await Get(LinkedProgram, LinkRequest(field_set.address, EFI, output))
    return BuiltPackage(program.digest, (BuiltPackageArtifact(program.path),))


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *cc_rules.rules(),
        UnionRule(PackageFieldSet, EfiApplicationFieldSet),
    ]
