from __future__ import annotations

import json
from pathlib import Path

import pytest
from pants.core.goals import package
from pants.core.goals.package import BuiltPackage
from pants.core.goals.run import RunRequest
from pants.core.target_types import FileTarget
from pants.engine.fs import Digest, Snapshot
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc.testutil import address, contents, set_options
from baremetal.emulator.testutil import install
from baremetal.image import rules as image_rules
from baremetal.image.rules import BootImageFieldSet, layout_json
from baremetal.image.target_types import BootImageTarget
from baremetal.testutil import with_recorded_tools

BUILD = """\
file(name="program", source="program.efi")
file(name="settings", source="repl.cfg")
file(name="spare", source="spare.txt")
boot_image(
    name="img",
    dependencies=[":program", ":settings", ":spare"],
    layout={"repl.cfg": "fw/repl.cfg", "EFI/BOOT/BOOTX64.EFI": "fw/program.efi"},
    label="TEST",
)
boot_image(name="kept", dependencies=[":program"], layout={}, blank_files={"A.LOG": 4096})
boot_image(name="wrong", dependencies=[":program"], layout={"a.txt": "fw/absent.txt"})
"""


@pytest.fixture
def rule_runner() -> RuleRunner:
    rule_runner = RuleRunner(
        rules=[
            *with_recorded_tools(image_rules.rules()),
            *package.rules(),
            QueryRule(BuiltPackage, (BootImageFieldSet,)),
            QueryRule(RunRequest, (BootImageFieldSet,)),
            QueryRule(Snapshot, (Digest,)),
        ],
        target_types=[FileTarget, BootImageTarget],
    )
    rule_runner.write_files(
        {"fw/BUILD": BUILD, "fw/program.efi": "MZ", "fw/repl.cfg": "", "fw/spare.txt": ""}
    )
    set_options(rule_runner)
    return rule_runner


def build(rule_runner: RuleRunner, name: str) -> BuiltPackage:
    target = rule_runner.get_target(address(f"fw:{name}"))
    return rule_runner.request(BuiltPackage, [BootImageFieldSet.create(target)])


def test_the_writer_gets_the_layout_and_only_the_files_it_names(rule_runner: RuleRunner) -> None:
    built = build(rule_runner, "img")
    record = contents(rule_runner, built)["fw/img.img"].decode().splitlines()
    assert [line for line in record if line.startswith("argument")] == [
        f"argument {argument}"
        for argument in (
            "tools.image",
            "build",
            "--layout",
            "layout.json",
            "--output",
            "fw/img.img",
        )
    ]
    assert [line for line in record if line.startswith("input")] == [
        "input ./fw/program.efi",
        "input ./fw/repl.cfg",
        "input ./layout.json",
    ]
    assert [artifact.relpath for artifact in built.artifacts] == ["fw/img.img"]


def test_blank_files_are_made_at_their_size(rule_runner: RuleRunner) -> None:
    record = contents(rule_runner, build(rule_runner, "kept"))["fw/kept.img"].decode()
    assert [line for line in record.splitlines() if line.startswith("input")] == [
        "input ./blank/A.LOG",
        "input ./layout.json",
    ]


@pytest.mark.parametrize("value", ["['A.LOG']", "{'A.LOG': '4096'}", "{'A.LOG': 0}"])
def test_a_blank_file_has_a_size(rule_runner: RuleRunner, value: str) -> None:
    rule_runner.write_files({"fw/bad/BUILD": f"boot_image(name='x', blank_files={value})"})
    with pytest.raises(ExecutionError, match="paths and sizes in bytes"):
        rule_runner.get_target(address("fw/bad:x"))


def test_run_boots_the_packaged_image_with_the_hosts_emulator(
    rule_runner: RuleRunner, tmp_path: Path
) -> None:
    set_options(rule_runner, *install(tmp_path))
    target = rule_runner.get_target(address("fw:img"))
    run = rule_runner.request(RunRequest, [BootImageFieldSet.create(target)])
    assert run.args == (
        *("tools.boot", "run"),
        *("--image", "{chroot}/fw/img.img"),
        *("--qemu", f"{tmp_path}/qemu"),
        *("--ovmf-code", "{chroot}/ovmf/code.fd"),
        *("--ovmf-vars", "{chroot}/ovmf/vars.fd"),
    )
    files = rule_runner.request(Snapshot, [run.digest]).files
    assert files == ("fw/img.img", "ovmf/code.fd", "ovmf/vars.fd")


def test_the_layout_does_not_depend_on_the_order_it_was_written_in() -> None:
    layout = {"repl.cfg": "fw/repl.cfg", "EFI/BOOT/BOOTX64.EFI": "fw/program.efi"}
    text = layout_json("TEST", layout)
    assert text == layout_json("TEST", dict(reversed(list(layout.items()))))
    assert json.loads(text) == {
        "label": "TEST",
        "files": [
            {"path": "EFI/BOOT/BOOTX64.EFI", "source": "fw/program.efi"},
            {"path": "repl.cfg", "source": "fw/repl.cfg"},
        ],
    }


def test_a_file_no_dependency_provides_is_named_beside_those_there_are(
    rule_runner: RuleRunner,
) -> None:
    with pytest.raises(ExecutionError, match=r"(?s)fw/absent\.txt.*provide:.*fw/program\.efi"):
        build(rule_runner, "wrong")
