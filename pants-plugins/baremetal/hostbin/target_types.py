"""The `host_binary` target."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import COMMON_TARGET_FIELDS, Dependencies, Target
from pants.util.strutil import help_text


class HostBinaryDependenciesField(Dependencies):
    required = True
    help = help_text(
        """
        The `cc_sources` targets of the program. Every `.c` file among them, and among what they depend on, is
        compiled and linked; headers are found by inference and need not be listed.
        """
    )


class HostBinaryTarget(Target):
    alias = "host_binary"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        HostBinaryDependenciesField,
        OutputPathField,
        EnvironmentField,
    )
    help = help_text(
        """
        A static Linux x86-64 program without a C library, entered at `_start`, compiled and linked by the pinned
        clang. `run` starts it in the current folder.
        """
    )
