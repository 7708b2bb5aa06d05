"""Runs a Python module of this repository as a build step: its sources and locked requirements are part of the key."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Iterable

from pants.backend.python.dependency_inference.module_mapper import (
    PythonModuleOwners,
    PythonModuleOwnersRequest,
)
from pants.backend.python.target_types import EntryPoint
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import (
    PexRequest,
    VenvPex,
    VenvPexProcess,
    VenvPexRequest,
)
from pants.backend.python.util_rules.pex_environment import PexEnvironment, PythonExecutable
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFiles,
    PythonSourceFilesRequest,
)
from pants.core.goals.run import RunRequest
from pants.engine.fs import EMPTY_DIGEST, Digest, MergeDigests
from pants.engine.process import Process
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

RESOLVE = "tools"


class MissingPythonToolError(Exception):
    """No target owns a module that a rule has to run."""

    def __init__(self, module: str) -> None:
        super().__init__(
            f"No `python_sources` target of the resolve `{RESOLVE}` owns the module `{module}`, "
            "which this build step runs."
        )


@dataclass(frozen=True)
class PythonToolRequest:
    module: str  # a package with a `__main__` module


@dataclass(frozen=True)
class PythonTool:
    """What running the tool takes: a PEX of its requirements, and its sources beside it."""

    module: str
    requirements: PexRequest
    sources: Digest
    source_roots: tuple[str, ...]


@dataclass(frozen=True)
class PythonToolProcess:
    """`python -m module arguments`, in a sandbox."""

    module: str
    arguments: tuple[str, ...]
    description: str = field(compare=False)
    input_digest: Digest = EMPTY_DIGEST
    output_files: tuple[str, ...] = ()
    output_directories: tuple[str, ...] = ()
    env: FrozenDict[str, str] = FrozenDict()


@dataclass(frozen=True)
class PythonToolRun:
    """`python -m module arguments`, on the user's terminal."""

    module: str
    arguments: tuple[str, ...]  # may hold `{chroot}`
    input_digest: Digest


@rule(desc="Prepare a Python tool", level=LogLevel.DEBUG)
async def prepare_python_tool(request: PythonToolRequest) -> PythonTool:
    owners = await Get(
        PythonModuleOwners,
        PythonModuleOwnersRequest(f"{request.module}.__main__", resolve=RESOLVE),
    )
    if not owners.unambiguous:
        raise MissingPythonToolError(request.module)
    transitive = await Get(TransitiveTargets, TransitiveTargetsRequest(owners.unambiguous))
    requirements, sources = await MultiGet(
        Get(
            PexRequest,
            PexFromTargetsRequest(
                owners.unambiguous,
                output_filename=f"{request.module}.pex",
                internal_only=True,
                include_source_files=False,
                main=EntryPoint(request.module),
            ),
        ),
        Get(PythonSourceFiles, PythonSourceFilesRequest(transitive.closure, include_files=True)),
    )
    return PythonTool(
        request.module, requirements, sources.source_files.snapshot.digest, sources.source_roots
    )


@rule(desc="Set up a Python tool's process", level=LogLevel.DEBUG)
async def set_up_python_tool_process(request: PythonToolProcess) -> Process:
    tool = await Get(PythonTool, PythonToolRequest(request.module))
    venv, input_digest = await MultiGet(
        Get(VenvPex, PexRequest, tool.requirements),
        Get(Digest, MergeDigests((tool.sources, request.input_digest))),
    )
    return await Get(
        Process,
        VenvPexProcess(
            venv,
            argv=request.arguments,
            description=request.description,
            input_digest=input_digest,
            output_files=request.output_files,
            output_directories=request.output_directories,
            extra_env={**request.env, "PEX_EXTRA_SYS_PATH": os.pathsep.join(tool.source_roots)},
        ),
    )


@rule(desc="Set up a Python tool on this terminal", level=LogLevel.DEBUG)
async def set_up_python_tool_run(
    request: PythonToolRun, pex_environment: PexEnvironment
) -> RunRequest:
    tool = await Get(PythonTool, PythonToolRequest(request.module))
    workspace = pex_environment.in_workspace()
    venv, python = await MultiGet(
        Get(VenvPex, VenvPexRequest(tool.requirements, workspace)),
        Get(PythonExecutable, InterpreterConstraints, tool.requirements.interpreter_constraints),
    )
    digest = await Get(Digest, MergeDigests((venv.digest, tool.sources, request.input_digest)))
    source_roots = (os.path.join("{chroot}", root) for root in tool.source_roots)
    return RunRequest(
        digest=digest,
        args=(os.path.join("{chroot}", venv.pex.argv0), *request.arguments),
        extra_env={
            **workspace.environment_dict(python=python),
            "PEX_EXTRA_SYS_PATH": os.pathsep.join(source_roots),
        },
        append_only_caches={**workspace.append_only_caches, **(venv.append_only_caches or {})},
    )


def rules() -> Iterable[Rule | UnionRule]:
    """Without the rules of `pants.backend.python`: that backend registers them, and Pants gathers all rules anew at
    every command, so that a second set would slow each of them."""
    return collect_rules()
