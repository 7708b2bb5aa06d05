"""The `boot_capture` target."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    SingleSourceField,
    SpecialCasedDependencies,
    Target,
)
from pants.util.strutil import help_text


class BootCaptureImageField(SpecialCasedDependencies):
    alias = "image"
    required = True
    help = "The `boot_image` to boot, as a list of one address."


class BootCaptureScenarioField(SingleSourceField):
    alias = "scenario"
    required = True
    expected_file_extensions = (".toml",)
    help = "What to do with the image: configuration, autorun lines, boots, time limits (see tools/boot)."


class BootCaptureTarget(Target):
    alias = "boot_capture"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        Dependencies,
        BootCaptureImageField,
        BootCaptureScenarioField,
        OutputPathField,
        EnvironmentField,
    )
    help = help_text(
        """
        Boots an image in QEMU as a scenario says, with instruction-counted time, and keeps what came of it: per boot
        the serial log and the volume's files, and `run.json`. A guest that misbehaves is a result like another, and
        cached like another; judge it in tests that list this target in `runtime_package_dependencies`.
        """
    )
