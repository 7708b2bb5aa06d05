"""The `boot_image` target."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    DictStringToStringField,
    StringField,
    Target,
)
from pants.util.strutil import help_text


class BootImageDependenciesField(Dependencies):
    required = True
    help = help_text(
        """
        Where the image's files come from: targets that `package` can build (an `efi_application`, a `pinned_wheel`)
        and `file` targets.
        """
    )


class BootImageLayoutField(DictStringToStringField):
    alias = "layout"
    required = True
    help = help_text(
        """
        The image's files, as `{path on the volume: path among the dependencies}`. A built package is found at the
        path it has below `dist/`, a file at its path from the build root. `EFI/BOOT/BOOTX64.EFI` is what starts.
        """
    )


class BootImageLabelField(StringField):
    alias = "label"
    default = "LLMB"
    help = "The volume label, at most 11 upper-case characters."


class BootImageTarget(Target):
    alias = "boot_image"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        BootImageDependenciesField,
        BootImageLayoutField,
        BootImageLabelField,
        OutputPathField,
        EnvironmentField,
    )
    help = help_text(
        """
        A disk image with one EFI system partition. The same files give the same bytes. `run` boots a throw-away
        copy of it in QEMU on this terminal.
        """
    )
