"""Every compiler and linker flag, as data: one row a kind of program."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from baremetal.toolchain.rules import ClangToolchain


class Compiler(Enum):
    """Who compiles: the pinned toolchain, or the host's clang with its C library and sanitizers."""

    PINNED = "pinned"
    SYSTEM = "system"


LANGUAGE = ("-std=c17", "-Wall", "-Wextra", "-Werror", "-I.")

# The same bytes whatever the folder, the symlinked toolchain and the day.
REPRODUCIBLE = (
    "-no-canonical-prefixes",
    "-ffile-compilation-dir=.",
    "-Wno-builtin-macro-redefined",
    '-D__DATE__="redacted"',
    '-D__TIME__="redacted"',
    '-D__TIMESTAMP__="redacted"',
)

FREESTANDING = (
    "-ffreestanding",
    "-nostdlibinc",
    "-isystem",
    ClangToolchain.INCLUDE,
    "-O2",
    "-mno-red-zone",
    "-fno-stack-protector",
)

SANITIZED = (
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)


@dataclass(frozen=True)
class BuildKind:
    """How the sources of one kind of program become objects, and the objects a program."""

    name: str
    compiler: Compiler
    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]  # after the driver; `{output}` is the program, the objects follow


EFI = BuildKind(
    name="efi",
    compiler=Compiler.PINNED,
    compile_flags=("--target=x86_64-unknown-uefi", "-fshort-wchar", *FREESTANDING),
    link_flags=(
        "lld-link",
        "/subsystem:efi_application",
        "/entry:efi_main",
        "/nodefaultlib",
        "/Brepro",
        "/out:{output}",
    ),
)

HOST = BuildKind(
    name="host",
    compiler=Compiler.PINNED,
    compile_flags=("--target=x86_64-unknown-linux-none", *FREESTANDING),
    link_flags=("ld.lld", "-static", "-nostdlib", "--build-id=sha1", "-o", "{output}"),
)

TEST = BuildKind(
    name="test",
    compiler=Compiler.SYSTEM,
    compile_flags=SANITIZED,
    link_flags=(*SANITIZED, "-lm", "-o", "{output}"),
)

FUZZ = BuildKind(
    name="fuzz",
    compiler=Compiler.SYSTEM,
    compile_flags=(*SANITIZED, "-fsanitize=fuzzer-no-link"),
    link_flags=(*SANITIZED, "-fsanitize=fuzzer", "-lm", "-o", "{output}"),
)
