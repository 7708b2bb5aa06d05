"""What the tests of the C backends share: a RuleRunner with the pinned clang."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Iterable

from pants.backend.cc.target_types import CCSourcesGeneratorTarget
from pants.build_graph.address import Address
from pants.core.goals.package import BuiltPackage
from pants.core.target_types import FileTarget
from pants.engine.fs import Digest, DigestContents, PathGlobs
from pants.engine.rules import Get, QueryRule, Rule, collect_rules, rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.toolchain.rules import ClangToolchain

_TREE = "ziglang"


@rule
async def clang_of_the_sandbox() -> ClangToolchain:
    return ClangToolchain(await Get(Digest, PathGlobs([f"{_TREE}/**"])))


def cc_rule_runner(
    rules: Iterable[Rule | UnionRule | QueryRule], target_types: Iterable[type[Target]] = ()
) -> RuleRunner:
    """A RuleRunner whose clang is `3rdparty/clang:clang`, which the test's sandbox holds unpacked."""
    others = [rule for rule in rules if getattr(rule, "output_type", None) is not ClangToolchain]
    rule_runner = RuleRunner(
        rules=[
            *others,
            *collect_rules(),
            QueryRule(ClangToolchain, ()),
        ],
        target_types=[CCSourcesGeneratorTarget, FileTarget, *target_types],
        isolated_local_store=True,
    )
    shutil.copytree(_TREE, Path(rule_runner.build_root, _TREE), copy_function=_link)
    return rule_runner


def set_options(rule_runner: RuleRunner, *options: str) -> None:
    """The repository's options, then `options`."""
    rule_runner.set_options(
        ["--source-root-patterns=['/']", *options], env_inherit={"PATH", "HOME"}
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def contents(rule_runner: RuleRunner, built: BuiltPackage) -> dict[str, bytes]:
    """The files of a package."""
    files = rule_runner.request(DigestContents, [built.digest])
    return {file.path: file.content for file in files}


def address(spec: str) -> Address:
    """`folder:name`, or `folder/file.c` in the folder's default target."""
    folder, _, name = spec.rpartition(":")
    if folder:
        return Address(folder, target_name=name)
    path = Path(spec)
    return Address(str(path.parent), relative_file_path=path.name)
