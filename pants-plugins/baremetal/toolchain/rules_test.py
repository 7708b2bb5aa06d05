from __future__ import annotations

import hashlib
from pathlib import Path
from textwrap import dedent
from zipfile import ZipFile

import pytest
from pants.core.goals.package import BuiltPackage
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.toolchain import rules as toolchain_rules
from baremetal.toolchain.rules import ClangToolchain, PinnedWheelFieldSet
from baremetal.toolchain.target_types import PinnedWheelTarget

MEMBERS = {"ziglang/zig": b"#!/bin/sh\n", "ziglang/lib/include/stdint.h": b"", "junk": b"junk"}


@pytest.fixture
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *toolchain_rules.rules(),
            QueryRule(BuiltPackage, (PinnedWheelFieldSet,)),
            QueryRule(ClangToolchain, ()),
        ],
        target_types=[PinnedWheelTarget],
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A launcher's store with one wheel in it."""
    unnamed = tmp_path / "unnamed"
    with ZipFile(unnamed, "w") as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    sha256 = hashlib.sha256(unnamed.read_bytes()).hexdigest()
    unnamed.rename(tmp_path / f"{sha256}.whl")
    return tmp_path


def write_target(rule_runner: RuleRunner, *, sha256: str, size: int) -> None:
    rule_runner.write_files(
        {
            "3rdparty/clang/clang.lock": f"ziglang==1.0 --hash=sha256:{sha256}\n",
            "3rdparty/clang/BUILD": dedent(
                f"""\
                pinned_wheel(
                    name="clang",
                    source="clang.lock",
                    size={size},
                    members=["ziglang/*"],
                )
                """
            ),
        }
    )


def pin_the_wheel_of(rule_runner: RuleRunner, store: Path) -> None:
    (wheel,) = store.glob("*.whl")
    write_target(rule_runner, sha256=wheel.stem, size=wheel.stat().st_size)
    rule_runner.set_options([f"--baremetal-wheel-dir={store}"], env_inherit={"PATH", "HOME"})


def package(rule_runner: RuleRunner) -> BuiltPackage:
    target = rule_runner.get_target(Address("3rdparty/clang", target_name="clang"))
    return rule_runner.request(BuiltPackage, [PinnedWheelFieldSet.create(target)])


def test_package_holds_the_members_and_nothing_else(rule_runner: RuleRunner, store: Path) -> None:
    pin_the_wheel_of(rule_runner, store)
    built = package(rule_runner)
    contents = rule_runner.request(DigestContents, [built.digest])
    assert {file.path: file.content for file in contents} == {
        path: content for path, content in MEMBERS.items() if path != "junk"
    }
    assert [artifact.relpath for artifact in built.artifacts] == [file.path for file in contents]


def test_the_clang_option_names_the_toolchain(rule_runner: RuleRunner, store: Path) -> None:
    pin_the_wheel_of(rule_runner, store)
    clang = rule_runner.request(ClangToolchain, [])
    assert clang.digest == package(rule_runner).digest


def test_a_missing_wheel_says_what_to_run(rule_runner: RuleRunner, tmp_path: Path) -> None:
    write_target(rule_runner, sha256="0" * 64, size=1)
    rule_runner.set_options([f"--baremetal-wheel-dir={tmp_path}"], env_inherit={"PATH", "HOME"})
    with pytest.raises(ExecutionError, match=r"ziglang 1\.0 is not at .*run \./pants once"):
        package(rule_runner)


def test_the_wheel_is_found_once_it_has_come(rule_runner: RuleRunner, store: Path) -> None:
    pin_the_wheel_of(rule_runner, store)
    (wheel,) = store.glob("*.whl")
    away = wheel.rename(store / "away")
    with pytest.raises(ExecutionError, match="is not at"):
        package(rule_runner)
    away.rename(wheel)
    assert package(rule_runner).artifacts


def test_a_wheel_with_other_bytes_is_refused(rule_runner: RuleRunner, store: Path) -> None:
    pin_the_wheel_of(rule_runner, store)
    (wheel,) = store.glob("*.whl")
    content = bytearray(wheel.read_bytes())
    content[40] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(ExecutionError, match="[Dd]igest"):
        package(rule_runner)
