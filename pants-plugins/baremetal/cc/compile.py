"""One C file becomes one object: a process that sees the file and the headers inferred for it, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Iterable

from pants.backend.cc.target_types import CCSourceField
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.engine_aware import EngineAwareParameter
from pants.engine.fs import Digest
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal.cc.depfile import audit_depfile
from baremetal.cc.driver import Driver, DriverRequest
from baremetal.cc.flags import LANGUAGE, REPRODUCIBLE, BuildKind
from baremetal.cc.headers import HeaderClosure, HeaderClosureRequest


@dataclass(frozen=True)
class CompileRequest(EngineAwareParameter):
    target: Target  # owns one .c file
    kind: BuildKind

    @property
    def source_path(self) -> str:
        return self.target[CCSourceField].file_path

    @property
    def object_path(self) -> str:
        return str(PurePath(self.source_path).with_suffix(".o"))

    def debug_hint(self) -> str:
        return f"{self.target.address} ({self.kind.name})"


class CompileError(Exception):
    """The compiler refused a file; the message is what it said."""

    def __init__(self, request: CompileRequest, messages: str) -> None:
        super().__init__(
            f"{request.source_path} does not compile for {request.kind.name}:\n{messages}"
        )


@dataclass(frozen=True)
class CompileStep:
    """The process of one compile, and what it may read."""

    process: Process
    declared: frozenset[str]
    toolchain_prefixes: tuple[str, ...]


@dataclass(frozen=True)
class CompiledObject:
    path: str
    digest: Digest


@rule(desc="Prepare to compile a C file", level=LogLevel.DEBUG)
async def prepare_compile(request: CompileRequest) -> CompileStep:
    driver, headers = await MultiGet(
        Get(Driver, DriverRequest(request.kind.compiler)),
        Get(HeaderClosure, HeaderClosureRequest(request.target)),
    )
    files = await Get(
        SourceFiles,
        SourceFilesRequest(
            (request.target[CCSourceField], *headers.sources),
            for_sources_types=(CCSourceField,),
            enable_codegen=True,
        ),
    )
    process = Process(
        compile_argv(driver, request.kind, request.source_path, request.object_path),
        env=driver.env,
        input_digest=files.snapshot.digest,
        immutable_input_digests=driver.immutable_input_digests,
        output_files=(request.object_path,),
        description=f"Compile {request.source_path} for {request.kind.name}",
        level=LogLevel.DEBUG,
    )
    return CompileStep(process, frozenset(files.files), driver.toolchain_prefixes)


@rule(desc="Compile a C file", level=LogLevel.DEBUG)
async def compile_c_file(request: CompileRequest) -> CompiledObject:
    step = await Get(CompileStep, CompileRequest, request)
    result = await Get(FallibleProcessResult, Process, step.process)
    if result.exit_code != 0:
        raise CompileError(request, result.stderr.decode(errors="replace"))
    audit_depfile(
        request.source_path,
        result.stdout.decode(),
        declared=step.declared,
        toolchain_prefixes=step.toolchain_prefixes,
    )
    return CompiledObject(request.object_path, result.output_digest)


def compile_argv(driver: Driver, kind: BuildKind, source: str, output: str) -> tuple[str, ...]:
    """The command that compiles `source`; the depfile comes out on its standard output."""
    return (
        *driver.compile_argv,
        *LANGUAGE,
        *REPRODUCIBLE,
        *kind.compile_flags,
        *("-MD", "-MF", "-"),
        *("-c", source, "-o", output),
    )


def rules() -> Iterable[Rule | UnionRule]:
    return collect_rules()
