"""The `release_bundle` target."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    DictStringToStringField,
    SpecialCasedDependencies,
    StringField,
    Target,
)
from pants.util.strutil import help_text

SOURCES = "sources"


class ReleaseBundleDependenciesField(Dependencies):
    required = True
    help = help_text(
        """
        What is released, and files that go with it: targets that `package` can build (an `efi_application`, a
        `boot_image`, a `pinned_wheel`) and `file` targets.
        """
    )


class ReleaseBundleSourcesField(SpecialCasedDependencies):
    alias = "release_sources"
    required = True
    help = help_text(
        f"""
        The `files` that all of it is built from. Each top-level file or folder is named in the provenance by the
        digests that git and in-toto have for it. `inputs` finds them below `{SOURCES}/`.
        """
    )


class ReleaseBundleInputsField(DictStringToStringField):
    alias = "inputs"
    required = True
    help = help_text(
        """
        Where each input of the bundle is found, as `{input: path}`; the inputs are those of docs/release.md. A built
        package is found at the path it has below `dist/`, a file at its path from the build root. Sources, captures
        and verdicts come by themselves.
        """
    )


class ReleaseBundleGuardrailsField(SpecialCasedDependencies):
    alias = "guardrails"
    required = True
    help = "The `guardrail` targets whose verdicts the bundle states. It is not made when one of them fails."


class ReleaseBundleVersionField(StringField):
    alias = "version_file"
    required = True
    help = "The file with the version on one line, found as `inputs` are."


class ReleaseBundleMinimumVersionField(StringField):
    alias = "minimum_version"
    required = True
    help = "The oldest version that this one may replace."


class ReleaseBundleTarget(Target):
    alias = "release_bundle"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ReleaseBundleDependenciesField,
        ReleaseBundleSourcesField,
        ReleaseBundleInputsField,
        ReleaseBundleGuardrailsField,
        ReleaseBundleVersionField,
        ReleaseBundleMinimumVersionField,
        OutputPathField,
        EnvironmentField,
    )
    help = help_text(
        """
        A release as a folder and a tar of it: compressed images, the program, checksums, bill of materials,
        provenance, and the verdicts of guardrails. The same sources give the same bytes. `publish` signs it with
        `--release-signing-key` and leaves the folder to upload.
        """
    )
