"""`test` of a `guardrail`: one cached process that judges captures, which are cached apart from it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Iterable

from pants.core.goals.package import BuiltPackage
from pants.core.goals.test import (
    BuildPackageDependenciesRequest,
    BuiltPackageDependencies,
    ShowOutput,
    TestFieldSet,
    TestRequest,
    TestResult,
    TestSubsystem,
)
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.addresses import Address
from pants.engine.fs import Digest, DigestSubset, MergeDigests, PathGlobs, RemovePrefix, Snapshot
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import HydratedSources, HydrateSourcesRequest
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal import data_files, python_tool
from baremetal.data_files import DataFiles, DataFilesRequest
from baremetal.guardrail.subsystem import GuardrailSubsystem
from baremetal.guardrail.target_types import (
    GuardrailCapturesField,
    GuardrailLedgerField,
    GuardrailTimeoutField,
)
from baremetal.python_tool import PythonToolProcess

VERDICT = "verdict"  # the folder that a judge writes
JUDGED = (0, 1, 3)  # passed, failed, too little evidence; Exit in tools/guardrails
_JUNIT = "junit.xml"
_NO_LIMIT = -1  # as Process has it


class InvalidLedgerError(Exception):
    """The files of a ledger are not in one folder."""

    def __init__(self, address: Address, files: tuple[str, ...]) -> None:
        super().__init__(
            f"{address}: `ledger` must be files of one folder, found {', '.join(files) or 'none'}."
        )


@dataclass(frozen=True)
class GuardrailFieldSet(TestFieldSet):
    required_fields = (GuardrailCapturesField, GuardrailLedgerField)

    sources: GuardrailLedgerField
    captures: GuardrailCapturesField
    timeout: GuardrailTimeoutField
    environment: EnvironmentField


class GuardrailRequest(TestRequest):
    tool_subsystem = GuardrailSubsystem  # type: ignore[assignment] # a protocol with instance fields
    field_set_type = GuardrailFieldSet


@dataclass(frozen=True)
class VerdictRequest:
    field_set: GuardrailFieldSet


@dataclass(frozen=True)
class Verdict:
    """The process that judges, and the captures that it judges. It has a verdict when it ends with a row of JUDGED."""

    process: Process
    captures: tuple[BuiltPackage, ...]


@rule(desc="Prepare to judge a guardrail", level=LogLevel.DEBUG)
async def prepare_verdict(request: VerdictRequest) -> Verdict:
    field_set = request.field_set
    files, ledger, captures = await MultiGet(
        Get(DataFiles, DataFilesRequest(field_set.address)),
        Get(HydratedSources, HydrateSourcesRequest(field_set.sources)),
        Get(BuiltPackageDependencies, BuildPackageDependenciesRequest(field_set.captures)),
    )
    folders = sorted({os.path.dirname(path) for path in ledger.snapshot.files})
    if len(folders) != 1:
        raise InvalidLedgerError(field_set.address, ledger.snapshot.files)
    capture_folders = sorted(
        artifact.relpath or "" for package in captures for artifact in package.artifacts
    )
    digests = (files.digest, ledger.snapshot.digest, *(package.digest for package in captures))
    process = await Get(
        Process,
        PythonToolProcess(
            "tools.guardrails",
            judge_arguments(field_set.address.target_name, capture_folders, folders[0]),
            description=f"Judge {field_set.address}",
            input_digest=await Get(Digest, MergeDigests(digests)),
            output_directories=(VERDICT,),
        ),
    )
    return Verdict(process, tuple(captures))


@rule(desc="Judge a guardrail", level=LogLevel.DEBUG)
async def judge_guardrail(
    batch: GuardrailRequest.Batch[GuardrailFieldSet, Any], test_subsystem: TestSubsystem
) -> TestResult:
    field_set = batch.single_element
    verdict = await Get(Verdict, VerdictRequest(field_set))
    result = await Get(
        FallibleProcessResult,
        Process,
        replace(
            verdict.process,
            timeout_seconds=_timeout_seconds(field_set.timeout, test_subsystem),
            cache_scope=_cache_scope(test_subsystem),
        ),
    )
    artefacts = await Get(Snapshot, RemovePrefix(result.output_digest, VERDICT))
    junit = await Get(Snapshot, DigestSubset(artefacts.digest, PathGlobs([_JUNIT])))
    return TestResult.from_fallible_process_result(
        result,
        address=field_set.address,
        output_setting=_show(test_subsystem.output),
        xml_results=junit if junit.files else None,
        extra_output=artefacts,
    )


def judge_arguments(name: str, captures: Iterable[str], ledger: str) -> tuple[str, ...]:
    """The command line of `tools.guardrails` for one verdict."""
    of_captures = (argument for folder in captures for argument in ("--capture", folder))
    return ("judge", name, *of_captures, "--ledger", ledger, "--output", VERDICT)


def _timeout_seconds(timeout: GuardrailTimeoutField, test_subsystem: TestSubsystem) -> int:
    return timeout.calculate_from_global_options(test_subsystem) or _NO_LIMIT


def _show(setting: ShowOutput) -> ShowOutput:
    """A verdict is one line, and shown when it is a pass, too."""
    return ShowOutput.ALL if setting == ShowOutput.FAILED else setting


def _cache_scope(test_subsystem: TestSubsystem) -> ProcessCacheScope:
    return ProcessCacheScope.PER_SESSION if test_subsystem.force else ProcessCacheScope.SUCCESSFUL


def rules() -> Iterable[Rule | UnionRule]:
    return [*collect_rules(), *data_files.rules(), *python_tool.rules(), *GuardrailRequest.rules()]
