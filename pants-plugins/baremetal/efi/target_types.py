"""The `efi_application` target."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import COMMON_TARGET_FIELDS, Dependencies, Target
from pants.util.strutil import help_text


class EfiApplicationDependenciesField(Dependencies):
    required = True
    help = help_text(
        """
        The `cc_sources` targets of the program. Every `.c` file among them, and among what they depend on, is
        compiled and linked; headers are found by inference and need not be listed.
        """
    )


class EfiApplicationTarget(Target):
    alias = "efi_application"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        EfiApplicationDependenciesField,
        OutputPathField,
        EnvironmentField,
    )
    help = help_text(
        """
        A UEFI program for x86-64 (PE32+), entered at `efi_main`, compiled and linked by the pinned clang.

        The same sources give the same bytes on every machine.
        """
    )
