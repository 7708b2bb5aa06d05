"""The `boot_image` target."""

from __future__ import annotations

from typing import Any, Mapping

from pants.core.goals.package import OutputPathField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    DictStringToStringField,
    Field,
    InvalidFieldTypeException,
    StringField,
    Target,
)
from pants.util.frozendict import FrozenDict
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


class BootImageBlankFilesField(Field):
    alias = "blank_files"
    value: Mapping[str, int]
    default = FrozenDict[str, int]()
    help = help_text(
        """
        Files that the program fills in place, as `{path on the volume: bytes}`. They hold line feeds. A file that is
        there at its full size is never allocated while the machine runs, so a cut of power cannot leave it half made.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Mapping[str, int]:
        value = super().compute_value(raw_value, address) or {}
        if not isinstance(value, Mapping) or not all(
            isinstance(path, str) and type(size) is int and size > 0 for path, size in value.items()
        ):
            raise InvalidFieldTypeException(
                address,
                cls.alias,
                raw_value,
                expected_type="a dictionary of paths and sizes in bytes",
            )
        return FrozenDict(value)


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
        BootImageBlankFilesField,
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
