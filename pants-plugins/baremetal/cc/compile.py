"""One C file becomes one object: a process that sees the file and the headers inferred for it, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from pants.backend.cc.target_types import CCSourceField
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.engine_aware import EngineAwareParameter
from pants.engine.fs import Digest
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import Target
from pants.util.logging import LogLevel

from baremetal.cc.depfile import audit_depfile
from baremetal.cc.driver import Driver, DriverRequest
from baremetal.cc.flags import LANGUAGE, REPRODUCIBLE, BuildKind
from baremetal.cc.headers import HeaderClosure, HeaderClosureRequest


@dataclass(frozen=True)
class CompileRequest(EngineAwareParameter):
    target: Target  # owns one .c file
    kind: BuildKind

    def debug_hint(self) -> str:
        return f"{self.target.address} ({self.kind.name})"


@dataclass(frozen=True)
class CompiledObject:
    path: str
    digest: Digest


@rule(desc="Compile a C file", level=LogLevel.DEBUG)
async def compile_c_file(request: CompileRequest) -> CompiledObject:
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
    source = request.target[CCSourceField].file_path
    output = str(PurePath(source).with_suffix(".o"))
    result = await Get(
        ProcessResult,
        Process(
            compile_argv(driver, request.kind, source, output),
            env=driver.env,
            input_digest=files.snapshot.digest,
            immutable_input_digests=driver.immutable_input_digests,
            output_files=(output,),
            description=f"Compile {source} for {request.kind.name}",
            level=LogLevel.DEBUG,
        ),
    )
    audit_depfile(
        source,
        result.stdout.decode(),
        declared=frozenset(files.files),
        toolchain_prefixes=driver.toolchain_prefixes,
    )
    return CompiledObject(output, result.output_digest)


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


def rules():
    return collect_rules()
