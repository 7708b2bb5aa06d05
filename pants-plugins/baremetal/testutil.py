"""A stand-in for the Python tools, so that tests of the rules that run them need no lock and no PEX."""

from __future__ import annotations

from typing import Iterable

from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.util_rules import pex, pex_from_targets, python_sources
from pants.core.goals.run import RunRequest
from pants.engine.process import Process
from pants.engine.rules import Rule, collect_rules, rule
from pants.engine.unions import UnionRule

from baremetal import python_tool
from baremetal.python_tool import PythonToolProcess, PythonToolRun

_REAL_RULES = frozenset(collect_rules(vars(python_tool)))

# The tool's whole result: its command line, environment and inputs, one a line. A file exit-N.toml makes it end with N.
# Captures and verdicts have the file besides that others take from them.
_RECORD = """\
output=$1
shift
mkdir -p "${output%/*}"
exec >"$output"
printf 'argument %s\\n' "$@"
env | sort | sed 's/^/env /'
find . -type f ! -path "./$output" | sort | sed 's/^/input /'
case $1 in
    tools.boot) : >"${output%/*}/run.json" ;;
    tools.guardrails) : >"${output%/*}/state.json" ;;
esac
for status in 1 3 4; do case "$*" in *exit-$status.toml*) exit $status ;; esac; done
"""


@rule
async def record_python_tool(request: PythonToolProcess) -> Process:
    outputs = request.output_files or tuple(f"{path}/record" for path in request.output_directories)
    return Process(
        ("/bin/sh", "-c", _RECORD, request.module, *outputs, request.module, *request.arguments),
        env={**request.env, "PATH": "/usr/bin:/bin"},
        input_digest=request.input_digest,
        output_files=request.output_files,
        output_directories=request.output_directories,
        description=request.description,
    )


@rule
async def record_python_tool_run(request: PythonToolRun) -> RunRequest:
    return RunRequest(digest=request.input_digest, args=(request.module, *request.arguments))


def python_backend_rules() -> list[Rule | UnionRule]:
    """Those of `pants.backend.python` that rules with a Python tool lean on."""
    return [
        *module_mapper.rules(),
        *pex.rules(),
        *pex_from_targets.rules(),
        *python_sources.rules(),
    ]


def with_recorded_tools(rules: Iterable[Rule | UnionRule]) -> list[Rule | UnionRule]:
    """`rules`, with Python tools that only record how they were called, and what `pants.backend.python` would add."""
    kept = (rule for rule in rules if rule not in _REAL_RULES)
    return [*kept, *collect_rules(), *python_backend_rules()]
