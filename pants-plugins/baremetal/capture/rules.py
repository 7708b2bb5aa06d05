"""`package` of a `boot_capture`: one cached process that boots an image and collects the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    EnvironmentAwarePackageRequest,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import HydratedSources, HydrateSourcesRequest, Targets
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from baremetal import python_tool
from baremetal.capture.target_types import BootCaptureImageField, BootCaptureScenarioField
from baremetal.emulator import rules as emulator_rules
from baremetal.emulator.rules import Emulator
from baremetal.image.rules import BootImageFieldSet
from baremetal.python_tool import PythonToolProcess


class InvalidCaptureImageError(Exception):
    """The `image` of a capture is not one `boot_image`."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"{address}: `image` must be a list with the address of one `boot_image`.")


class CaptureError(Exception):
    """No capture could be made; the message is what tools/boot said."""

    def __init__(self, address: Address, messages: str) -> None:
        super().__init__(f"{address}: no capture could be made:\n{messages}")


# What `tools.boot capture` ends with when there is a capture: 0, or 3 when a boot reached its time limit. The latter
# depends on how busy the machine was; as a failed process it is used once and not kept in the cache.
CAPTURED = (0, 3)


@dataclass(frozen=True)
class BootCaptureFieldSet(PackageFieldSet):
    required_fields = (BootCaptureImageField, BootCaptureScenarioField)

    image: BootCaptureImageField
    scenario: BootCaptureScenarioField
    output_path: OutputPathField
    environment: EnvironmentField


@rule(desc="Capture a boot", level=LogLevel.DEBUG)
async def capture_boot(field_set: BootCaptureFieldSet) -> BuiltPackage:
    targets = await Get(
        Targets, UnparsedAddressInputs, field_set.image.to_unparsed_address_inputs()
    )
    if len(targets) != 1 or not BootImageFieldSet.is_applicable(targets[0]):
        raise InvalidCaptureImageError(field_set.address)
    image_field_set = BootImageFieldSet.create(targets[0])
    image, scenario, emulator = await MultiGet(
        Get(BuiltPackage, EnvironmentAwarePackageRequest(image_field_set)),
        Get(HydratedSources, HydrateSourcesRequest(field_set.scenario)),
        Get(Emulator),
    )
    output = field_set.output_path.value_or_default(file_ending=None)
    process = await Get(
        Process,
        PythonToolProcess(
            "tools.boot",
            capture_arguments(
                emulator, image_field_set.image_path, field_set.scenario.file_path, output
            ),
            description=f"Boot {image_field_set.image_path} for {field_set.address}",
            input_digest=await Get(
                Digest,
                MergeDigests((image.digest, scenario.snapshot.digest, emulator.firmware)),
            ),
            output_directories=(output,),
            env=FrozenDict(emulator.env),
        ),
    )
    result = await Get(FallibleProcessResult, Process, process)
    if result.exit_code not in CAPTURED:
        raise CaptureError(field_set.address, result.stderr.decode(errors="replace"))
    return BuiltPackage(result.output_digest, (BuiltPackageArtifact(output),))


def capture_arguments(
    emulator: Emulator, image: str, scenario: str, output: str
) -> tuple[str, ...]:
    """The command line of `tools.boot` for one capture."""
    return (
        "capture",
        *("--image", image),
        *("--scenario", scenario),
        *emulator.arguments(),
        *("--output", output),
    )


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *python_tool.rules(),
        *emulator_rules.rules(),
        UnionRule(PackageFieldSet, BootCaptureFieldSet),
    ]
