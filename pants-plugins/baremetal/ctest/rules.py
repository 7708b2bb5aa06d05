"""`test` of C unit tests and fuzzers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from pants.core.goals.test import (
    BuildPackageDependenciesRequest,
    BuiltPackageDependencies,
    TestFieldSet,
    TestRequest,
    TestResult,
    TestSubsystem,
)
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.fs import AddPrefix, CreateDigest, Digest, Directory, MergeDigests, Snapshot
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal import data_files
from baremetal.cc import rules as cc_rules
from baremetal.cc.flags import FUZZ, TEST
from baremetal.cc.link import LinkedProgram, LinkRequest
from baremetal.ctest.subsystem import CFuzzSubsystem, CTestSubsystem
from baremetal.ctest.target_types import (
    CFuzzSourceField,
    CProgramDependenciesField,
    CTestRuntimePackageDependenciesField,
    CTestSourceField,
    CTestTimeoutField,
)
from baremetal.data_files import DataFiles, DataFilesRequest

# llvm-symbolizer, which turns the addresses of a sanitizer's report into lines, is found through PATH.
_SANITIZER_ENV = {
    "PATH": "/usr/bin:/bin",
    "ASAN_OPTIONS": "detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
_CORPUS = "corpus"
_FINDINGS = "findings"


@dataclass(frozen=True)
class CTestFieldSet(TestFieldSet):
    required_fields = (CTestSourceField, CProgramDependenciesField)

    sources: CTestSourceField
    timeout: CTestTimeoutField
    packages: CTestRuntimePackageDependenciesField
    environment: EnvironmentField


class CTestRequest(TestRequest):
    tool_subsystem = CTestSubsystem  # type: ignore[assignment] # a protocol with instance fields
    field_set_type = CTestFieldSet


@dataclass(frozen=True)
class CFuzzFieldSet(TestFieldSet):
    required_fields = (CFuzzSourceField, CProgramDependenciesField)

    sources: CFuzzSourceField
    timeout: CTestTimeoutField
    environment: EnvironmentField


class CFuzzRequest(TestRequest):
    tool_subsystem = CFuzzSubsystem  # type: ignore[assignment]
    field_set_type = CFuzzFieldSet


@rule(desc="Run a C test", level=LogLevel.DEBUG)
async def run_c_test(
    batch: CTestRequest.Batch[CTestFieldSet, Any], test_subsystem: TestSubsystem
) -> TestResult:
    field_set = batch.single_element
    program, files, packages = await MultiGet(
        Get(LinkedProgram, LinkRequest(field_set.address, TEST, _program_path(field_set.sources))),
        Get(DataFiles, DataFilesRequest(field_set.address)),
        Get(BuiltPackageDependencies, BuildPackageDependenciesRequest(field_set.packages)),
    )
    package_digests = (package.digest for package in packages)
    result = await Get(
        FallibleProcessResult,
        Process(
            (f"./{program.path}",),
            env=_SANITIZER_ENV,
            input_digest=await Get(
                Digest, MergeDigests((program.digest, files.digest, *package_digests))
            ),
            timeout_seconds=field_set.timeout.calculate_from_global_options(test_subsystem),
            cache_scope=_cache_scope(test_subsystem),
            description=f"Run {field_set.address}",
        ),
    )
    return TestResult.from_fallible_process_result(
        result, address=field_set.address, output_setting=test_subsystem.output
    )


@rule(desc="Run a C fuzzer", level=LogLevel.DEBUG)
async def run_c_fuzz(
    batch: CFuzzRequest.Batch[CFuzzFieldSet, Any],
    test_subsystem: TestSubsystem,
    fuzz: CFuzzSubsystem,
) -> TestResult:
    field_set = batch.single_element
    program, files, folders = await MultiGet(
        Get(LinkedProgram, LinkRequest(field_set.address, FUZZ, _program_path(field_set.sources))),
        Get(DataFiles, DataFilesRequest(field_set.address)),
        Get(Digest, CreateDigest([Directory(_CORPUS), Directory(_FINDINGS)])),
    )
    corpus = await Get(Digest, AddPrefix(files.digest, _CORPUS))
    result = await Get(
        FallibleProcessResult,
        Process(
            fuzz_argv(program.path, runs=fuzz.runs, seed=fuzz.seed),
            env=_SANITIZER_ENV,
            input_digest=await Get(Digest, MergeDigests((program.digest, folders, corpus))),
            output_directories=(_FINDINGS,),
            timeout_seconds=field_set.timeout.calculate_from_global_options(test_subsystem),
            cache_scope=_cache_scope(test_subsystem),
            description=f"Fuzz {field_set.address}",
        ),
    )
    findings = await Get(Snapshot, Digest, result.output_digest)
    return TestResult.from_fallible_process_result(
        result,
        address=field_set.address,
        output_setting=test_subsystem.output,
        extra_output=findings,
        log_extra_output=bool(findings.files),
    )


def fuzz_argv(program: str, *, runs: int, seed: int) -> tuple[str, ...]:
    """The command of a bounded, repeatable fuzzing run."""
    return (
        f"./{program}",
        f"-runs={runs}",
        f"-seed={seed}",
        f"-artifact_prefix={_FINDINGS}/",
        "-print_final_stats=1",
        _CORPUS,
    )


def _program_path(source: CTestSourceField | CFuzzSourceField) -> str:
    return source.file_path[: -len(".c")]


def _cache_scope(test_subsystem: TestSubsystem) -> ProcessCacheScope:
    """Cached only when it passes, and not at all with `--force`."""
    return ProcessCacheScope.PER_SESSION if test_subsystem.force else ProcessCacheScope.SUCCESSFUL


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *cc_rules.rules(),
        *data_files.rules(),
        *CTestRequest.rules(),
        *CFuzzRequest.rules(),
    ]
