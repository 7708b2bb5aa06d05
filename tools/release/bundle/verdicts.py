"""tests.intoto.json: the guardrails' verdicts about the shipped images.

The predicate is in-toto's test-result v0.1. A capture names the image that was booted, so the statement is about those
shipped images that captures booted, and about no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.release.bundle import inputs as bundle_inputs
from tools.release.bundle.inputs import Inputs
from tools.release.bundle.manifest import Sha256
from tools.release.bundle.provenance import file_resource, resources
from tools.release.bundle.statement import TEST_RESULT, JsonObject, Resource, Statement
from tools.release.errors import Refused, ReleaseError


class Result(StrEnum):
    """Of all tests together: WARNED when some had too little evidence. FAILED is never made, and refused if found."""

    PASSED = "PASSED"
    WARNED = "WARNED"
    FAILED = "FAILED"


class _Status(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"


class _Finding(BaseModel):
    model_config = ConfigDict(frozen=True)

    what: str
    status: _Status


class _Verdict(BaseModel):
    """What we need of a state.json."""

    model_config = ConfigDict(frozen=True)

    guardrail: str
    status: _Status
    findings: Annotated[tuple[_Finding, ...], Field(min_length=1)]


class _Scenario(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: Sha256


class _Capture(BaseModel):
    """What we need of a run.json."""

    model_config = ConfigDict(frozen=True)

    scenario: _Scenario
    image_sha256: Sha256
    qemu_version: str
    ovmf_code_sha256: Sha256
    ovmf_vars_sha256: Sha256


_LISTS = {
    _Status.PASS: "passedTests",
    _Status.INSUFFICIENT: "warnedTests",
    _Status.FAIL: "failedTests",
}


def tests_statement(images: Mapping[str, str], image: str, inputs: Inputs) -> Statement:
    """The statement about shipped images (sha256 by name), of which `image` must have been booted.

    Raises Refused when no capture booted it, a guardrail failed, or a verdict is about another guardrail than its
    label says.
    """
    captures = {name: _capture(path) for name, path in inputs.labelled("capture").items()}
    booted = {capture.image_sha256 for capture in captures.values()}
    if images[image] not in booted:
        raise Refused(
            f"expected a capture of {image} (sha256 {images[image]}), found captures of {', '.join(sorted(booted))}: "
            "make captures and verdicts of the image that is shipped"
        )
    configuration = [
        *(_policy(label, path) for label, path in inputs.labelled("policy").items()),
        *(_configuration(name, capture) for name, capture in captures.items()),
    ]
    return Statement(
        subject=resources({name: sha for name, sha in images.items() if sha in booted}),
        predicateType=TEST_RESULT,
        predicate={
            "configuration": [each.as_json() for each in configuration],
            **_results(_verdict(name, path) for name, path in inputs.labelled("verdict").items()),
        },
    )


def _results(verdicts: Iterable[_Verdict]) -> JsonObject:
    tests: dict[_Status, list[str]] = {status: [] for status in _Status}
    for verdict in verdicts:
        for finding in verdict.findings:
            tests[finding.status].append(f"{verdict.guardrail}.{finding.what}")
    if tests[_Status.FAIL]:
        raise Refused(
            f"guardrails failed: {', '.join(tests[_Status.FAIL])}: what fails is not released"
        )
    result = Result.WARNED if tests[_Status.INSUFFICIENT] else Result.PASSED
    return {"result": str(result), **{_LISTS[each]: tests[each] for each in _Status}}


def _policy(label: str, path: Path) -> Resource:
    return file_resource(f"policy.{label}", path)


def _configuration(name: str, capture: _Capture) -> Resource:
    """What was booted, and by what. A capture itself has times that depend on the host's disk, so it is not named:
    the same release tested again is the same bundle."""
    return Resource(
        name=f"scenario.{name}",
        digest={"sha256": capture.scenario.sha256},
        annotations=capture.model_dump(exclude={"scenario"}),
    )


def _capture(path: Path) -> _Capture:
    try:
        return _Capture.model_validate_json(bundle_inputs.read(path))
    except ValidationError as error:
        raise ReleaseError(
            f"{path} is no run.json of a capture: {error.errors()[0]['msg']}"
        ) from None


def _verdict(label: str, path: Path) -> _Verdict:
    try:
        verdict = _Verdict.model_validate_json(bundle_inputs.read(path))
    except ValidationError as error:
        raise ReleaseError(f"{path} is no state.json: {error.errors()[0]['msg']}") from None
    if verdict.guardrail != label:
        raise Refused(f"{path}: expected the verdict of {label}, found that of {verdict.guardrail}")
    if (verdict.status == _Status.PASS) != all(f.status == _Status.PASS for f in verdict.findings):
        raise Refused(f"{path}: the verdict is {verdict.status}, its findings say otherwise")
    return verdict
