"""The `c_test`, `c_tests` and `c_fuzz` targets."""

from __future__ import annotations

from pants.backend.cc.target_types import CCDependenciesField, CCSourceField
from pants.core.goals.test import RuntimePackageDependenciesField, TestTimeoutField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    MultipleSourcesField,
    Target,
    TargetFilesGenerator,
    generate_multiple_sources_field_help_message,
)
from pants.util.strutil import help_text


class CProgramDependenciesField(CCDependenciesField):
    help = help_text(
        """
        The code under test (`cc_sources` targets; every `.c` file among them and among what they depend on is
        linked) and the `files` that the program reads. Headers are inferred and need not be listed.
        """
    )


class CTestSourceField(CCSourceField):
    required = True
    help = "The C file with the program's `main`, as in `x_test.c`."


class CTestsSourcesField(MultipleSourcesField):
    default = ("*_test.c",)
    help = generate_multiple_sources_field_help_message(
        "Example: `sources=['*_test.c', '!slow_test.c']`"
    )


class CTestTimeoutField(TestTimeoutField):
    pass


class CTestRuntimePackageDependenciesField(RuntimePackageDependenciesField):
    pass


_TEST_FIELDS = (
    CProgramDependenciesField,
    CTestTimeoutField,
    CTestRuntimePackageDependenciesField,
    EnvironmentField,
)


class CTestTarget(Target):
    alias = "c_test"
    core_fields = (*COMMON_TARGET_FIELDS, CTestSourceField, *_TEST_FIELDS)
    help = help_text(
        """
        A C test program: compiled with the host's clang, its C library and the address and undefined-behaviour
        sanitizers, then run. Exit status 0 is success.
        """
    )


class CTestsTarget(TargetFilesGenerator):
    alias = "c_tests"
    core_fields = (*COMMON_TARGET_FIELDS, CTestsSourcesField, *_TEST_FIELDS)
    generated_target_cls = CTestTarget
    copied_fields = COMMON_TARGET_FIELDS
    moved_fields = _TEST_FIELDS
    help = "Generate a `c_test` target for each file in the `sources` field."


class CFuzzSourceField(CCSourceField):
    required = True
    help = "The C file with `LLVMFuzzerTestOneInput`."


class CFuzzTarget(Target):
    alias = "c_fuzz"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        CFuzzSourceField,
        CProgramDependenciesField,
        CTestTimeoutField,
        EnvironmentField,
    )
    help = help_text(
        """
        A libFuzzer program, run as a test for `[baremetal-fuzz] runs` inputs. Files among its dependencies
        (generated ones too) are the seed corpus. An input that breaks it is kept below `dist/test/`.
        """
    )
