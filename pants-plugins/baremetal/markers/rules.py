"""Generates the C header of a `marker_table`."""

from __future__ import annotations

from typing import Iterable

from pants.backend.cc.target_types import CCSourceField
from pants.engine.fs import Digest, Snapshot
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.target import GeneratedSources, GenerateSourcesRequest
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal import python_tool
from baremetal.cc import headers
from baremetal.markers.target_types import MarkerTableSourceField
from baremetal.python_tool import PythonToolProcess


class GenerateMarkersRequest(GenerateSourcesRequest):
    input = MarkerTableSourceField
    output = CCSourceField


@rule(desc="Generate marker emitters", level=LogLevel.DEBUG)
async def generate_markers(request: GenerateMarkersRequest) -> GeneratedSources:
    (table,) = request.protocol_sources.files
    output = request.protocol_target[MarkerTableSourceField].header_path
    process = await Get(
        Process,
        PythonToolProcess(
            "tools.markers",
            ("c", "--table", table, "--output", output),
            description=f"Generate {output}",
            input_digest=request.protocol_sources.digest,
            output_files=(output,),
        ),
    )
    result = await Get(ProcessResult, Process, process)
    return GeneratedSources(await Get(Snapshot, Digest, result.output_digest))


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *headers.rules(),
        *python_tool.rules(),
        UnionRule(GenerateSourcesRequest, GenerateMarkersRequest),
    ]
