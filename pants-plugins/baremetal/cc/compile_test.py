from __future__ import annotations

import pytest
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.process import Process
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc import rules as cc_rules
from baremetal.cc.compile import CompiledObject, CompileRequest, CompileStep
from baremetal.cc.flags import EFI, HOST, REPRODUCIBLE, TEST, BuildKind
from baremetal.cc.testutil import address, cc_rule_runner, set_options

FILES = {
    "lib/BUILD": "cc_sources()",
    "lib/types.h": "#include <stdint.h>\ntypedef uint32_t u32;\n",
    "lib/add.h": '#include "lib/types.h"\nu32 add(u32 a, u32 b);\n',
    "lib/add.c": '#include "lib/add.h"\nu32 add(u32 a, u32 b) { return a + b; }\n',
    "lib/alone.h": "int alone(void);\n",
    "lib/alone.c": '#include "lib/alone.h"\nint alone(void) { return 1; }\n',
}


@pytest.fixture(scope="module")
def shared_rule_runner() -> RuleRunner:
    return cc_rule_runner(
        [
            *cc_rules.rules(),
            QueryRule(CompileStep, (CompileRequest,)),
            QueryRule(CompiledObject, (CompileRequest,)),
        ]
    )


@pytest.fixture
def rule_runner(shared_rule_runner: RuleRunner) -> RuleRunner:
    shared_rule_runner.write_files(FILES)
    set_options(shared_rule_runner)
    return shared_rule_runner


def request(rule_runner: RuleRunner, path: str, kind: BuildKind = EFI) -> CompileRequest:
    return CompileRequest(rule_runner.get_target(address(path)), kind)


def key(rule_runner: RuleRunner, path: str, kind: BuildKind = EFI) -> Process:
    return rule_runner.request(CompileStep, [request(rule_runner, path, kind)]).process


def compile_c(rule_runner: RuleRunner, path: str, kind: BuildKind = EFI) -> CompiledObject:
    return rule_runner.request(CompiledObject, [request(rule_runner, path, kind)])


@pytest.mark.parametrize("kind", [EFI, HOST, TEST], ids=lambda kind: kind.name)
def test_every_kind_compiles(rule_runner: RuleRunner, kind: BuildKind) -> None:
    assert compile_c(rule_runner, "lib/add.c", kind).path == "lib/add.o"


@pytest.mark.parametrize("kind", [EFI, HOST, TEST], ids=lambda kind: kind.name)
def test_the_command_has_the_flags_of_the_table(rule_runner: RuleRunner, kind: BuildKind) -> None:
    argv = key(rule_runner, "lib/add.c", kind).argv
    for flag in (*REPRODUCIBLE, *kind.compile_flags, "-Werror"):
        assert flag in argv
    assert argv[-4:] == ("-c", "lib/add.c", "-o", "lib/add.o")


def test_only_inferred_headers_are_inputs(rule_runner: RuleRunner) -> None:
    step = rule_runner.request(CompileStep, [request(rule_runner, "lib/add.c")])
    assert step.declared == {"lib/add.c", "lib/add.h", "lib/types.h"}


def test_a_header_changed_is_a_new_key_for_its_includers_only(rule_runner: RuleRunner) -> None:
    includer, other = (key(rule_runner, path) for path in ("lib/add.c", "lib/alone.c"))
    rule_runner.write_files({"lib/types.h": "typedef unsigned u32;\n"})
    assert key(rule_runner, "lib/add.c") != includer
    assert key(rule_runner, "lib/alone.c") == other


def test_the_pinned_compiler_is_part_of_the_key(rule_runner: RuleRunner) -> None:
    assert key(rule_runner, "lib/add.c", EFI).immutable_input_digests.keys() == {"__clang"}


def test_the_version_of_the_hosts_compiler_is_part_of_the_key(rule_runner: RuleRunner) -> None:
    env = key(rule_runner, "lib/add.c", TEST).env
    assert len(env["SYSTEM_CLANG_FINGERPRINT"]) == 64


def test_a_file_outside_the_declared_ones_fails_the_build(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"lib/alone.c": '#include "/dev/null"\nint alone(void);\n'})
    with pytest.raises(ExecutionError, match=r"(?s)lib/alone\.c: the compiler read .*/dev/null"):
        compile_c(rule_runner, "lib/alone.c")


def test_the_c_library_is_not_there_for_firmware(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"lib/alone.c": "#include <stdio.h>\n"})
    with pytest.raises(ExecutionError, match=r"(?s)does not compile for efi:.*'stdio.h' file not"):
        compile_c(rule_runner, "lib/alone.c")


def test_warnings_are_errors(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"lib/alone.c": "int alone(int unused) { return 1; }\n"})
    with pytest.raises(ExecutionError, match="unused parameter 'unused'"):
        compile_c(rule_runner, "lib/alone.c")


def test_a_missing_host_compiler_says_what_to_install(rule_runner: RuleRunner) -> None:
    set_options(rule_runner, "--baremetal-system-clang-search-path=['/nowhere']")
    with pytest.raises(ExecutionError, match="No working `clang` in /nowhere.*apt install clang"):
        compile_c(rule_runner, "lib/add.c", TEST)
