"""The `pinned_wheel` target: files from a Python wheel that is pinned by its sha256."""

from __future__ import annotations

from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    IntField,
    SingleSourceField,
    StringSequenceField,
    Target,
    ValidNumbers,
)
from pants.util.strutil import help_text


class PinnedWheelSourceField(SingleSourceField):
    required = True
    expected_file_extensions = (".lock",)
    help = help_text(
        """
        A requirements file with one line, `name==version --hash=sha256:...`. pip accepts it, which is how the
        `./pants` launcher fetches the wheel.
        """
    )


class PinnedWheelSizeField(IntField):
    alias = "size"
    required = True
    valid_numbers = ValidNumbers.positive_only
    help = "The wheel's length in bytes; a file of another length is refused before it is hashed."


class PinnedWheelMembersField(StringSequenceField):
    alias = "members"
    required = True
    help = help_text(
        """
        Globs of the members to unpack, as in `["ziglang/zig", "ziglang/lib/include/*"]`; `*` also matches `/`. Each
        must match something.
        """
    )


class PinnedWheelTarget(Target):
    alias = "pinned_wheel"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        Dependencies,
        PinnedWheelSourceField,
        PinnedWheelSizeField,
        PinnedWheelMembersField,
        EnvironmentField,
    )
    help = help_text(
        """
        Files from a wheel that is pinned by name, version, length and sha256.

        `package` copies them to the dist folder; a test receives them through `runtime_package_dependencies`, a
        `boot_image` through `dependencies`.
        """
    )
