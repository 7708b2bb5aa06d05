from __future__ import annotations

from pathlib import Path

import pytest
from pants.core.goals import package, publish
from pants.core.goals import test as test_goal
from pants.core.goals.package import BuiltPackage
from pants.core.goals.publish import PublishProcesses
from pants.core.target_types import FilesGeneratorTarget, FileTarget
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.capture import rules as capture_rules
from baremetal.capture.target_types import BootCaptureTarget
from baremetal.cc.testutil import address, contents, set_options
from baremetal.emulator.testutil import install
from baremetal.guardrail.target_types import GuardrailTarget
from baremetal.image import rules as image_rules
from baremetal.image.target_types import BootImageTarget
from baremetal.release import publish as publish_rules
from baremetal.release import rules as release_rules
from baremetal.release.publish import PublishReleaseFieldSet, PublishReleaseRequest
from baremetal.release.rules import ReleaseBundleFieldSet, source_inputs
from baremetal.release.target_types import ReleaseBundleTarget
from baremetal.testutil import with_recorded_tools

BUILD = """\
file(name="program", source="program.efi")
file(name="unused", source="unused.txt")
files(name="sources", sources=["VERSION", "src/**"])
boot_image(
    name="img", dependencies=[":program"], layout={"EFI/BOOT/BOOTX64.EFI": "fw/program.efi"}
)
boot_capture(name="chat", image=[":img"], scenario="chat.toml")
guardrail(name="m9", captures=[":chat"], ledger=["runs/*"])
guardrail(name="m10", captures=[":chat"], ledger=["runs/*"])
guardrail(name="exit-4.toml", captures=[":chat"], ledger=["runs/*"])
guardrail(name="unjudged", captures=[":chat"], ledger=["runs/*", "chat.toml"])
"""
BUNDLE = """\
release_bundle(
    name="bundle",
    dependencies=[":img", ":program", ":unused"],
    release_sources=[":sources"],
    inputs={"image": "fw/img.img", "program": "fw/program.efi"},
    guardrails=[":m9", ":m10"],
    version_file="sources/fw/VERSION",
    minimum_version="0.5.0",
)
"""
FILES = {
    "fw/BUILD": BUILD + BUNDLE,
    "fw/program.efi": "MZ",
    "fw/unused.txt": "",
    "fw/VERSION": "0.6.0",
    "fw/src/a.c": "",
    "fw/src/below/b.c": "",
    "fw/chat.toml": "",
    "fw/runs/HEAD": "",
}


@pytest.fixture
def rule_runner(tmp_path: Path) -> RuleRunner:
    rules = [*image_rules.rules(), *capture_rules.rules()]
    rules += [*release_rules.rules(), *publish_rules.rules()]
    rule_runner = RuleRunner(
        rules=[
            *with_recorded_tools(rules),
            *package.rules(),
            *publish.rules(),
            *test_goal.rules(),
            QueryRule(BuiltPackage, (ReleaseBundleFieldSet,)),
            QueryRule(PublishProcesses, (PublishReleaseRequest,)),
        ],
        target_types=[
            FileTarget,
            FilesGeneratorTarget,
            BootImageTarget,
            BootCaptureTarget,
            GuardrailTarget,
            ReleaseBundleTarget,
        ],
    )
    rule_runner.write_files(FILES)
    set_options(rule_runner, *install(tmp_path))
    return rule_runner


def build(rule_runner: RuleRunner) -> BuiltPackage:
    target = rule_runner.get_target(address("fw:bundle"))
    return rule_runner.request(BuiltPackage, [ReleaseBundleFieldSet.create(target)])


def test_the_bundler_gets_products_sources_captures_and_verdicts(rule_runner: RuleRunner) -> None:
    built = build(rule_runner)
    assert [artifact.relpath for artifact in built.artifacts] == ["fw/bundle"]
    record = contents(rule_runner, built)["fw/bundle/record"].decode().splitlines()
    assert [line.split(" ", 1)[1] for line in record if line.startswith("argument")] == [
        "tools.release.bundle",
        *("--version-file", "sources/fw/VERSION"),
        *("--minimum-version", "0.5.0"),
        "--input=capture.chat=fw/chat/run.json",
        "--input=image=fw/img.img",
        "--input=program=fw/program.efi",
        "--input=source.fw=sources/fw",
        "--input=verdict.m10=verdicts/m10/state.json",
        "--input=verdict.m9=verdicts/m9/state.json",
        *("--output", "fw/bundle"),
    ]
    # Of a capture and a verdict one file each; the unused file is no input.
    assert [line for line in record if line.startswith("input")] == [
        "input ./fw/chat/run.json",
        "input ./fw/img.img",
        "input ./fw/program.efi",
        "input ./sources/fw/VERSION",
        "input ./sources/fw/src/a.c",
        "input ./sources/fw/src/below/b.c",
        "input ./verdicts/m10/state.json",
        "input ./verdicts/m9/state.json",
    ]


@pytest.mark.parametrize(
    "written, instead, says",
    [
        ("fw/img.img", "fw/absent.img", "fw:bundle: `inputs` names files that no dependency"),
        ("sources/fw/VERSION", "VERSION", "fw:bundle: `inputs` names files that no dependency"),
        ('":m9"', '":img"', "`guardrails` names fw:img, which is no `guardrail`"),
        ('":m9"', '":exit-4.toml"', "fw:exit-4.toml could not be judged"),
        ('":m9"', '":unjudged"', "fw:unjudged: `ledger` must be files of one folder"),
    ],
)
def test_a_bundle_that_cannot_be_made(
    rule_runner: RuleRunner, written: str, instead: str, says: str
) -> None:
    rule_runner.write_files({"fw/BUILD": BUILD + BUNDLE.replace(written, instead)})
    with pytest.raises(ExecutionError, match=says):
        build(rule_runner)


def test_every_source_is_below_one_input() -> None:
    files = ("sources/BUILD", "sources/tools/a.py", "sources/tools/b/c.py")
    assert source_inputs(files) == {
        "source.BUILD": "sources/BUILD",
        "source.tools": "sources/tools",
    }


def prepare(rule_runner: RuleRunner) -> PublishProcesses:
    target = rule_runner.get_target(address("fw:bundle"))
    request = PublishReleaseRequest(PublishReleaseFieldSet.create(target), (build(rule_runner),))
    return rule_runner.request(PublishProcesses, [request])


def test_publish_signs_on_this_terminal(rule_runner: RuleRunner, tmp_path: Path) -> None:
    set_options(rule_runner, *install(tmp_path), "--release-signing-key=keys/a/key.pem")
    (published,) = prepare(rule_runner)
    assert published.names == ("fw:bundle",) and published.process is not None
    assert published.process.run_in_workspace
    assert published.process.process.argv == (
        *("tools.release", "publish", "{chroot}/fw/bundle"),
        *("--key", "keys/a/key.pem"),
        *("--output", "dist"),
    )


def test_publish_without_a_key(rule_runner: RuleRunner) -> None:
    with pytest.raises(ExecutionError, match="expected a key to sign with, found none"):
        prepare(rule_runner)
